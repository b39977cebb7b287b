"""Strips bend as they are told, plates have their holes, and sizes are written as people do."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.generate.solids import circle, rounded
from tasks.generate.strips import (
    bent,
    between,
    grid,
    holes,
    mirrored,
    mm,
    pierced,
    plate,
    sheet,
    sized,
    smoothed,
    strip,
)


def area(outline: np.ndarray) -> float:
    """Signed area of an outline (n, 2): positive when counter-clockwise."""
    x, y = outline.T
    return float(0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def test_a_bend_is_an_arc_of_its_radius() -> None:
    """A square corner of radius 3 keeps its ends and shortens the path by the known share."""
    path = bent([(0, 0), (20, 0), (20, 20)], 3, steps=40)
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    assert length == pytest.approx(40 - 3 * (2 - np.pi / 2), abs=0.01)
    assert path[0] == pytest.approx((0, 0))
    assert path[-1] == pytest.approx((20, 20))


def test_a_bend_takes_no_more_than_there_is() -> None:
    """A radius that has no room is made smaller, and the path does not turn back."""
    path = bent([(0, 0), (4, 0), (4, 4)], 50)
    assert (np.diff(path[:, 0]) >= -1e-9).all()
    assert (np.diff(path[:, 1]) >= -1e-9).all()


@pytest.mark.parametrize("points", [[(0, 0), (30, 0), (30, 20)], [(30, 20), (30, 0), (0, 0)], [(0, 0), (9, 0)]])
def test_a_strip_is_as_thick_as_it_should_be(points: list[tuple[float, float]]) -> None:
    """Its area is its thickness times its middle line, and it runs counter-clockwise."""
    path = bent(points, 5)
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    assert area(strip(points, 2, 5)) == pytest.approx(2 * length, rel=0.01)


def test_a_sheet_is_centred_in_its_width_and_pierced_where_it_is_told() -> None:
    """Two holes in one leg and one in the other are three handles."""
    solid = sheet([(30, 1), (1, 1), (1, 25)], 2, 16, 3)
    assert solid.bounding_box()[1] == pytest.approx(-8)
    assert solid.bounding_box()[4] == pytest.approx(8)
    solid = pierced(solid, [(10, 0, 1), (20, 0, 1)], circle(4, 24), "z", 6)
    assert pierced(solid, [(1, 0, 15)], circle(4, 24), "x", 6).genus() == 3


def test_a_plate_has_all_its_holes() -> None:
    """Twelve holes of a grid go through; slots lie along x."""
    places = grid(4, 3, 30, 20)
    solid = plate(rounded(40, 30, 2), 3, holes(places, 2))
    assert len(places) == 12
    assert solid.genus() == 12
    assert np.ptp(holes([(0, 0)], 3, 9)[0], axis=0) == pytest.approx((9, 3), abs=0.05)


def test_outlines_are_rounded_sized_and_mirrored() -> None:
    """Rounding keeps the outline inside its corners; shares are scaled; the left half is the right one's image."""
    square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    assert area(smoothed(square, 2)) == pytest.approx(100 - 4 * 4 * (1 - np.pi / 4), abs=0.2)
    assert sized([(0.5, 1)], 10, 20) == [(5, 20)]
    assert mirrored([(2, 0), (1, 3)]) == [(2, 0), (1, 3), (-1, 3), (-2, 0)]
    assert between(0, 10, 2) == pytest.approx([2.5, 7.5])


def test_sizes_are_written_short() -> None:
    """Whole millimetres for long things, halves for thin ones."""
    assert mm(59.6, "long") == "60 mm long"
    assert mm(2.4, "thick") == "2.5 mm thick"
    assert mm(3.1, "thick") == "3 mm thick"
