"""Housings, boxes, blocks and fittings are sound, described, and are open where they say."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.generate import housings as group
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


@pytest.mark.parametrize(("name", "ways"), [("pipe tee", 3), ("pipe cross", 0), ("pipe elbow", 2)])
def test_a_fitting_is_open_at_all_its_ends(name: str, ways: int) -> None:
    """A body with n mouths that meet has n - 1 handles, whatever its ends; flanges have holes besides."""
    seen = 0
    for series in range(16):
        made = drawn(BY_NAME[name], series)
        if {"flanged ends", "with a mounting pad", "Y-shaped"} & set(made.says):
            continue
        mouths = ways or counted(next(phrase for phrase in made.says if phrase.endswith("ways")))
        assert made.solid.genus() == mouths - 1, (series, made.says)
        seen += 1
    assert seen > 5


def test_a_heat_sink_has_its_fins() -> None:
    """A cut through the straight fins meets as many pieces as the words say."""
    seen = 0
    for series in range(30):
        draw = Draw("heat sink", series, 0)
        made = BY_NAME["heat sink"].make(draw)
        if (
            "straight fins" in made.says
            and "pins" not in made.says[0]
            and not draw.values["open middle"]
            and not draw.values.get("holes")
        ):
            top = made.solid.bounding_box()[5]
            assert len(made.solid.slice(0.95 * top).decompose()) == counted(made.says[0]), (series, made.says)
            seen += 1
    assert seen > 3


def test_a_motor_plate_has_the_holes_of_its_motor() -> None:
    """A flat one has a pilot hole and four screw holes."""
    flat = [drawn(BY_NAME["motor mount"], series) for series in range(20)]
    flat = [made for made in flat if "flat plate" in made.says]
    assert flat
    assert {made.solid.genus() for made in flat} == {5}


def test_what_is_kept_for_testing() -> None:
    """The elbow and the cable gland are never trained on."""
    assert {name for name, family in BY_NAME.items() if family.held_out} == {"pipe elbow", "cable gland"}
