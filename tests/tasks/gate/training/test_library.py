"""Sound and faulty pictures come with the truth: where the part is seen, and where that is not as its CAD says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.augment import chain
from tasks.gate.training import library
from tasks.gate.training.library import DIFFERS, HIDDEN, KINDS, SEEN
from tasks.generate import families
from tasks.render import Studio

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.gate.training.library import Shot


@pytest.fixture(scope="module")
def shots() -> list[Shot]:
    """All that is photographed of one part with holes."""
    return list(library.shots(Studio(256), ("motor holder", 701, 0)))


def test_every_kind_of_fault_is_planted_once_beside_sound_pictures(shots: list[Shot]) -> None:
    """The other way about counts too: a CAD that has more or less than the picture."""
    kinds = [shot.kind for shot in shots]
    assert sorted(kinds) == sorted([""] * 5 + list(KINDS[1:]))
    silhouettes = {shot.kind: (np.count_nonzero(shot.shown.mask), np.count_nonzero(shot.view.mask)) for shot in shots}
    for kind, more in {"filled hole": 1, "added flange": 1, "missing piece": -1, "opened hole": -1, "": 0}.items():
        shown, known = silhouettes[kind]
        assert np.sign(shown - known) == more, kind


def test_truth_says_where_the_part_is_and_where_it_differs(shots: list[Shot]) -> None:
    """A filled hole is part of the picture's part, and differs there and nowhere else."""
    shot = next(shot for shot in shots if shot.kind == "filled hole")
    truth = library.true(shot, shot.shown)
    np.testing.assert_array_equal(truth & SEEN > 0, shot.shown.mask)
    grown = shot.shown.mask & ~shot.view.mask
    assert (truth[grown] & DIFFERS).all()
    assert np.count_nonzero(truth & DIFFERS) < 1.5 * np.count_nonzero(grown)
    assert not (truth & HIDDEN).any()
    sound = library.true(shots[0], shots[0].shown)
    assert not (sound & DIFFERS).any()


def test_what_is_hidden_on_purpose_is_neither_seen_nor_wrong(shots: list[Shot]) -> None:
    """Fingers over the part are no fault of the picture."""
    shot = next(shot for shot in shots if shot.kind == "added flange")
    covered = chain(["occlude"], {"occlude": {"chance": 1}}).variants(shot.shown, "hidden", 1)[0]
    truth = library.true(shot, covered)
    hidden = shot.shown.mask & ~covered.mask
    assert hidden.any()
    assert not (truth[hidden] & (SEEN | DIFFERS)).any()
    np.testing.assert_array_equal(truth & HIDDEN > 0, hidden & shot.view.mask)


def test_held_out_families_and_later_series_are_never_learned_from() -> None:
    """What is measured with is of other series; the first sitters stay the same with more of them."""
    few, many = library.planned(40, 1), library.planned(2_400, 1)
    assert many[:40] == few
    assert not {name for name, _, _ in many} & {name for name, family in families().items() if family.held_out}
    assert (
        max(series for _, series, _ in many) < 700 <= min(series for _, series, _ in library.planned(9, 2, first=700))
    )


def test_the_book_finds_its_pages(tmp_path: Path) -> None:
    """Each row says where picture, truth and view are."""
    book = library.stocked(tmp_path, library.planned(2, 5), 1, lambda _: None)
    pages = {what: book.opened(what) for what in ("pictures", "truth", "views")}
    assert len(book) == len(pages["pictures"][0]) == len(pages["truth"][0])
    assert int(book.view.max()) + 1 == len(pages["views"][0]) < len(book)
    assert set(book.kind) <= set(range(len(KINDS)))
    for row in range(len(book)):
        silhouette = pages["views"][0][book.view[row], ..., 3] > 0
        seen = pages["truth"][0][book.place[row]] & SEEN > 0
        differs = pages["truth"][0][book.place[row]] & DIFFERS > 0
        assert (differs[(seen & ~silhouette)]).all()
        if book.kind[row] == 0:
            assert not (seen & ~silhouette).any()
