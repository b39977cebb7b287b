"""Composed parts are sound, hugely diverse, and their captions count what is really there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.generate import composed as group
from tasks.generate.draw import Draft, Draw, Family

SERIES = range(5)
BY_NAME = {family.name: family for family in group.FAMILIES}


def drawn(family: Family, series: int, sibling: int = 0) -> Draft:
    """One member of a family."""
    return family.make(Draw(family.name, series, sibling))


def corners(made: Draft) -> np.ndarray:
    """Vertices (n, 3) of a member."""
    return np.asarray(made.solid.to_mesh().vert_properties[:, :3], np.float64)


def measures(solid: Any) -> tuple[float, ...]:
    """What tells a solid from others: its proportions, how full its box is, its through holes."""
    x, y, z = np.ptp(np.array(solid.bounding_box()).reshape(2, 3), axis=0)
    longest = max(x, y, z)
    return (*np.round(sorted((x / longest, y / longest, z / longest)), 2), round(solid.volume() / (x * y * z), 2))


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


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_every_member_is_described(family: Family) -> None:
    """Two to four names in small letters, three to seven phrases that differ, and a material."""
    assert 2 <= len(family.names) <= 4
    assert all(name == name.lower() for name in family.names)
    for series in SERIES:
        made = drawn(family, series)
        assert 3 <= len(made.says) <= 7, made.says
        assert len(set(made.says)) == len(made.says)
        assert all(phrase and phrase == phrase.strip() for phrase in made.says)
        assert made.look


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_each_series_is_a_design_of_its_own(family: Family) -> None:
    """The same numbers give the same bytes, no two designs the same proportions; twelve things are drawn."""
    draws = [Draw(family.name, series, 0) for series in range(8)]
    made = [family.make(draw) for draw in draws]
    assert np.array_equal(corners(made[1]), corners(drawn(family, 1)))
    assert len({measures(one.solid) for one in made}) == len(made)
    assert np.mean([len(draw.values) for draw in draws]) >= 12


@pytest.mark.parametrize("family", group.FAMILIES, ids=lambda family: family.name)
def test_siblings_differ(family: Family) -> None:
    """Of three siblings at least one has another shape."""
    first = corners(drawn(family, 1))
    others = [corners(drawn(family, 1, sibling)) for sibling in (1, 2, 3)]
    assert any(len(other) != len(first) or not np.allclose(other, first) for other in others)


def test_sheet_metal_is_kept_for_testing() -> None:
    """One family is never trained on."""
    assert {name for name, family in BY_NAME.items() if family.held_out} == {"sheet metal part"}


@pytest.mark.parametrize("series", range(8))
def test_a_sheet_is_as_thick_everywhere_as_it_says(series: int) -> None:
    """Half of its surface times its thickness is its volume and a little for its edges, as only a sheet's is."""
    draw = Draw("sheet metal part", series, 0)
    made = BY_NAME["sheet metal part"].make(draw)
    filled = made.solid.surface_area() / 2 * draw.values["thick"]
    assert 0.98 * made.solid.volume() < filled < 1.5 * made.solid.volume()
    assert any("bend" in phrase for phrase in made.says)


@pytest.mark.parametrize("series", range(8))
def test_a_hollow_housing_is_hollow(series: int) -> None:
    """Its walls fill a small share of its hull."""
    made = drawn(BY_NAME["hollow housing"], series)
    assert made.solid.volume() < 0.6 * made.solid.hull().volume()
    assert made.says[0] == "hollow"


@pytest.mark.parametrize("series", range(8))
def test_a_tube_says_its_bends(series: int) -> None:
    """As many bends as corners were drawn, none where it is straight."""
    draw = Draw("tube frame piece", series, 0)
    made = BY_NAME["tube frame piece"].make(draw)
    word = ("straight", "one bend", "two bends", "three bends")[draw.values["knees"]]
    assert any(phrase.startswith(word) for phrase in made.says), made.says
