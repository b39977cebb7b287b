"""Bores, ribs and ears stand where they are put, and words count as people do."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.generate.draw import Draw
from tasks.generate.features import (
    TURNS,
    bevelled,
    bore,
    brick,
    build,
    carved,
    drafted,
    ear,
    extent,
    grown,
    gusset,
    hollow,
    many,
    sideways,
    told,
    upright,
    whole,
)
from tasks.generate.solids import box, cylinder, rounded


@pytest.mark.parametrize("axis", TURNS)
def test_a_bore_runs_along_its_axis_about_its_place(axis: str) -> None:
    """Its middle is the place, its length is on the axis."""
    low, high = np.array(bore((1, 2, 3), 4, 20, axis, 64).bounding_box()).reshape(2, 3)
    assert (low + high) / 2 == pytest.approx((1, 2, 3), abs=0.01)
    assert high - low == pytest.approx([20 if way == axis else 4 for way in "xyz"], abs=0.05)


@pytest.mark.parametrize("outline", [[(0, 0), (5, 0), (0, 9)], [(0, 0), (0, 9), (5, 0)]])
def test_a_plate_stands_upright_whichever_way_its_outline_turns(outline: list[tuple[float, float]]) -> None:
    """The outline's second number is the height; the plate is centred across."""
    assert upright(outline, 2).bounding_box() == pytest.approx((0, -1, 0, 5, 1, 9))
    assert sideways(outline, 2, x=7).bounding_box() == pytest.approx((6, 0, 0, 8, 5, 9))
    assert upright(outline, 2).volume() == pytest.approx(45)


def test_a_rib_is_high_at_its_root_and_runs_out() -> None:
    """At its place it has its rise, at the end of its run nothing; turned by 180 degrees it runs the other way."""
    rib = gusset((10, 0, 2), 8, 6, 1, 180)
    assert rib.bounding_box() == pytest.approx((2, -0.5, 2, 10.5, 0.5, 8))
    assert (rib ^ brick((2, -1, 2), (4, 1, 9))).volume() < (rib ^ brick((8, -1, 2), (10, 1, 9))).volume()


def test_an_ear_reaches_out_and_is_drilled() -> None:
    """It ends at its reach and has one hole through it."""
    lug = ear((0, 0, 0), 12, 6, 3, 3)
    assert lug.bounding_box()[3] == pytest.approx(12, abs=0.05)
    assert lug.genus() == 1


def test_chamfers_take_edges_off_a_convex_block() -> None:
    """A bevelled block keeps its size and loses a little of its volume."""
    plain, made = box(20, 10, 5), bevelled(rounded(20, 10, 0), 5, low=1, high=1)
    assert made.bounding_box() == pytest.approx(plain.bounding_box(), abs=1e-6)
    assert 0.85 * plain.volume() < made.volume() < 0.99 * plain.volume()


def test_a_tray_has_a_floor_and_walls() -> None:
    """What is inside is missing, what is left is as thick as the wall."""
    assert hollow(40, 30, 20, 2, 0).volume() == pytest.approx(40 * 30 * 20 - 36 * 26 * 18, rel=0.001)


def test_only_fair_cuts_are_made_and_counted() -> None:
    """A hole counts; one beside the part, one too large and one that cuts it in two do not."""
    block = box(40, 20, 10)
    tools = [
        cylinder(5, 99).translate((10, 0, -9)),
        cylinder(5, 99).translate((99, 0, 0)),
        box(99, 99, 6),
        box(2, 99, 99),
    ]
    solid, count = carved(block, tools)
    assert (count, solid.genus()) == (1, 1)


def test_only_lumps_that_touch_are_added_and_counted() -> None:
    """A boss counts; one in the air and one inside the part do not."""
    lumps = [cylinder(5, 20), cylinder(5, 9).translate((99, 0, 0)), box(2, 2, 2)]
    solid, count = grown(box(40, 20, 10), lumps)
    assert count == 1
    assert solid.bounding_box()[5] == pytest.approx(20)


def test_of_a_broken_part_the_largest_piece_is_kept() -> None:
    """A crumb beside it is left out."""
    assert whole(box(10, 10, 10) + box(1, 1, 1).translate((50, 0, 0))).volume() == pytest.approx(1000)


@pytest.mark.parametrize(
    ("count", "thing", "said"),
    [
        (0, "hole", ""),
        (1, "rib", "one rib"),
        (12, "hole", "twelve holes"),
        (13, "hole", "13 holes"),
        (2, "boss", "two bosses"),
        (6, "tooth", "six teeth"),
    ],
)
def test_counts_are_words(count: int, thing: str, said: str) -> None:
    """Up to twelve in words, nothing for none, plurals as they are written."""
    assert many(count, thing) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((40, 40, 2), "flat plate"),
        ((90, 9, 9), "long and thin"),
        ((10, 10, 20), "tall"),
        ((10, 10, 10), "compact block"),
    ],
)
def test_proportions_have_names(size: tuple[float, float, float], said: str) -> None:
    """What a box of that size is called."""
    assert build(box(*size)) == said


def test_a_draft_says_its_features_before_its_size() -> None:
    """Empty phrases and doubles are dropped, seven are kept, the longest side is named."""
    made = drafted(Draw("x", 0, 0), box(60, 40, 2), ("steel",), "drilled", "", "drilled")
    assert made.says == ("drilled", "flat plate", extent(made.solid))
    assert extent(made.solid) == "60 mm long"
    assert made.look == "steel"
    assert len(told(*"abcdefghij")) == 7
