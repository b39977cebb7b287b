"""Screws, nuts, washers, pins and rings are sound, described and told apart."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.generate import fasteners as group
from tasks.generate.draw import Draft, Draw, Family

SERIES = (0, 1, 2)


def drawn(family: Family, series: int, sibling: int = 0) -> Draft:
    """One member of a family."""
    return family.make(Draw(family.name, series, sibling))


def corners(made: Draft) -> np.ndarray:
    """Vertices (n, 3) of a member."""
    return np.asarray(made.solid.to_mesh().vert_properties[:, :3], np.float64)


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
    """Two to four names, three to seven phrases that differ, and a material."""
    assert 1 <= len(family.names) <= 4
    assert all(name[:1].islower() or name[:2] in {"T-", "V-", "O-", "E-"} for name in family.names)
    for series in SERIES:
        made = drawn(family, series)
        assert 3 <= len(made.says) <= 7, made.says
        assert len(set(made.says)) == len(made.says)
        assert all(phrase and phrase == phrase.strip() for phrase in made.says)
        assert made.look


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_siblings_differ_and_are_alike(family: Family) -> None:
    """Of four siblings at least one has another shape, and none is of another size altogether."""
    first = corners(drawn(family, 1))
    others = [corners(drawn(family, 1, sibling)) for sibling in (1, 2, 3)]
    assert any(len(other) != len(first) or not np.allclose(other, first) for other in others)
    for other in others:
        ratio = np.ptp(other, axis=0).max() / np.ptp(first, axis=0).max()
        assert 0.25 < ratio < 4


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_the_same_numbers_make_the_same_part(family: Family) -> None:
    """Nothing but the names decides: two drawings are equal to the byte."""
    one, two = drawn(family, 2, 1), drawn(family, 2, 1)
    assert corners(one).tobytes() == corners(two).tobytes()
    assert (one.says, one.look) == (two.says, two.look)


def test_a_bolt_is_as_long_as_it_says() -> None:
    """The words follow from the shape: thread length and head make the whole."""
    bolt = next(family for family in group.FAMILIES if family.name == "hex bolt")
    for series in range(6):
        made = drawn(bolt, series)
        size = int(made.says[0][1:])
        length = float(made.says[1].split()[0])
        extent = np.ptp(corners(made), axis=0)[2]
        assert length + 0.4 * size < extent < length + 1.2 * size
        assert np.ptp(corners(made), axis=0)[:2].min() > 1.4 * size


def test_a_wing_nut_and_a_standoff_are_kept_for_testing() -> None:
    """Families that are held out are those that the brief names."""
    assert {family.name for family in group.FAMILIES if family.held_out} == {"wing nut", "standoff"}
