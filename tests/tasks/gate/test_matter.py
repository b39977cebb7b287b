"""The part's own stuff must be seen where its CAD has it, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.augment import chain, flatten
from tasks.gate.matter import Matter
from tasks.gate.training.faults import Sitter
from tasks.generate import specimen
from tasks.render import Studio

if TYPE_CHECKING:
    from tasks.gate.training.faults import Fault
    from tasks.records import View
    from tests.tasks.conftest import Shown


@pytest.fixture(scope="module")
def sitter() -> Sitter:
    """A plate with holes, of a series that nothing was trained on."""
    return Sitter(Studio(256), specimen("motor holder", 950, 0), 0)


def _faulty(sitter: Sitter, fault: Fault) -> View:
    planted = sitter.faulty(fault)
    assert planted is not None
    return flatten(planted)


def test_the_render_has_nothing_to_hide(sitter: Sitter) -> None:
    """The part is seen where it must be, and its holes are open."""
    found = Matter()(flatten(sitter.view), sitter.view)
    assert found.reason == ""
    assert found.scores["silhouette"] > 0.9
    assert found.scores["holes"] >= 1
    assert max(found.scores[name] for name in ("closed", "grown", "gone", "relief")) < 0.02


def test_a_filled_hole_is_found(sitter: Sitter) -> None:
    """The plate without one of its holes is another part."""
    sound = Matter()(flatten(sitter.view), sitter.view)
    found = Matter()(_faulty(sitter, "filled hole"), sitter.view)
    assert "through-hole is closed" in found.reason
    assert found.scores["holes"] < sound.scores["holes"]
    assert found.scores["fault"] > sound.scores["fault"] + 2


def test_a_flange_is_found(sitter: Sitter) -> None:
    """A block stands out of the part."""
    found = Matter()(_faulty(sitter, "added flange"), sitter.view)
    assert "grown onto the part" in found.reason


def test_a_missing_piece_is_found(sitter: Sitter) -> None:
    """The other way about: the CAD has the block, the picture has not."""
    flanged = sitter.flanged(plain=True)
    assert flanged is not None
    shown = flatten(sitter.view).replace(mask=flanged.mask)  # as a stage hands it on that has not noticed
    found = Matter()(shown, flanged)
    assert "piece of the part is gone" in found.reason


def test_another_size_of_the_part_is_found(sitter: Sitter) -> None:
    """A sibling from the same camera, as large in the picture."""
    assert Matter()(_faulty(sitter, "sibling"), sitter.view).reason


def test_what_hides_the_part_on_purpose_is_no_fault(sitter: Sitter) -> None:
    """Fingers, a cloth, a cable: the stage says where, and the rest is judged."""
    covered = chain(["occlude"], {"occlude": {"chance": 1}}).variants(sitter.view, "hidden", 4)
    assert min(np.count_nonzero(one.mask) for one in covered) < np.count_nonzero(sitter.view.mask)
    assert [Matter()(one, sitter.view).reason for one in covered] == [""] * 4


def test_a_larger_picture_is_judged_alike(shown: Shown) -> None:
    """The network sees 256 pixels of any picture; one of less than half of that it does not judge."""
    view = shown(size=512)
    found = Matter()(flatten(view), view)
    assert (found.reason, set(found.scores) >= {"fault", "silhouette"}) == ("", True)
    small = shown(size=96)
    assert Matter()(flatten(small), small).scores == {}
