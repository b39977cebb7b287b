"""Brackets, plates, profiles, clamps and levers are sound, described, and have as many holes as they say."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.generate import brackets as group
from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import COUNTS
from tasks.materials import named, plain

SERIES = (0, 1, 2, 3)
BY_NAME = {family.name: family for family in group.FAMILIES}


def drawn(family: Family, series: int, sibling: int = 0) -> Draft:
    """One member of a family."""
    return family.make(Draw(family.name, series, sibling))


def corners(made: Draft) -> np.ndarray:
    """Vertices (n, 3) of a member."""
    return np.asarray(made.solid.to_mesh().vert_properties[:, :3], np.float64)


def counted(words: str) -> int:
    """The number that `words` begin with: "six holes" is 6."""
    first = words.split(maxsplit=1)[0]
    return COUNTS.index(first) if first in COUNTS else int(first)


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_every_member_is_one_sound_body(family: Family) -> None:
    """Watertight, in one piece, with a volume, and with as many triangles as training can bear."""
    for series in SERIES:
        for sibling in (0, 1):
            solid = drawn(family, series, sibling).solid
            assert str(solid.status()) == "Error.NoError"
            assert len(solid.decompose()) == 1, (series, sibling)
            assert solid.volume() > 0
            assert 100 <= solid.num_tri() <= 15_000, (series, sibling)
            faces = np.asarray(solid.to_mesh().tri_verts, np.int64)
            edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
            assert (np.unique(edges, axis=0, return_counts=True)[1] % 2 == 0).all()


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_every_member_is_described(family: Family) -> None:
    """Two to four names, three to seven phrases that differ, and a material that the studio knows."""
    assert 2 <= len(family.names) <= 4
    for series in range(12):
        made = drawn(family, series)
        assert 3 <= len(made.says) <= 7, made.says
        assert len(set(made.says)) == len(made.says), made.says
        assert all(phrase and phrase == phrase.strip() for phrase in made.says)
        assert named(plain(made.look)), made.look


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_siblings_differ_and_are_alike(family: Family) -> None:
    """Of three siblings at least one has another shape, and none is of another size altogether."""
    first = corners(drawn(family, 1))
    others = [corners(drawn(family, 1, sibling)) for sibling in (1, 2, 3)]
    assert any(len(other) != len(first) or not np.allclose(other, first) for other in others)
    for other in others:
        assert 0.25 < np.ptp(other, axis=0).max() / np.ptp(first, axis=0).max() < 4


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_the_same_numbers_make_the_same_part(family: Family) -> None:
    """Nothing but the names decides: two drawings are equal to the byte."""
    one, two = drawn(family, 2, 1), drawn(family, 2, 1)
    assert corners(one).tobytes() == corners(two).tobytes()
    assert (one.says, one.look) == (two.says, two.look)


@pytest.mark.parametrize("name", ["gusset plate", "T-bracket"])
def test_a_plate_has_as_many_holes_as_it_says(name: str) -> None:
    """The words count what goes through the solid."""
    seen = 0
    for series in range(16):
        made = drawn(BY_NAME[name], series)
        said = [phrase for phrase in made.says if phrase.endswith(("hole", "holes")) and "web" not in phrase]
        if said and "with a round window" not in made.says:
            assert made.solid.genus() == counted(said[0]), (series, made.says)
            seen += 1
    assert seen > 4


def test_an_angle_bracket_counts_its_holes_and_slots() -> None:
    """Holes of both legs are told together."""
    for series in range(16):
        made = drawn(BY_NAME["angle bracket"], series)
        said = next(phrase for phrase in made.says if "hole" in phrase or "slot" in phrase)
        if "with a gusset" not in made.says:
            assert made.solid.genus() == sum(counted(words) for words in said.split(" and ")), (series, made.says)


def test_a_profile_is_as_long_as_it_says() -> None:
    """The words follow from the size."""
    for name in ("angle profile", "aluminium extrusion", "square tube"):
        for series in range(4):
            made = drawn(BY_NAME[name], series)
            said = next(phrase for phrase in made.says if phrase.endswith(" mm long"))
            assert np.ptp(corners(made), axis=0).max() == pytest.approx(float(said.split()[0]), abs=20)
            assert min(abs(np.ptp(corners(made), axis=0) - float(said.split()[0]))) <= 0.5


def test_what_is_kept_for_testing() -> None:
    """The hinge and the base with a post are never trained on."""
    assert {name for name, family in BY_NAME.items() if family.held_out} == {"hinge", "post base"}
