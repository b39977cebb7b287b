"""What is placed many times is one body; what is drawn differently, mirrored or scaled is another."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.readers.bodies import Piece, Shape, bodies, joined, meaningful
from tasks.sandbox import Refusal

BOX = trimesh.creation.box((10, 20, 30))
SHAPE = Shape(np.array(BOX.vertices), np.array(BOX.faces))


def placed(*matrices: np.ndarray) -> list[Piece]:
    """The box at these places."""
    return [Piece(0, "box", (), matrix) for matrix in matrices]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3))
def test_however_it_is_turned_it_is_the_same(angles: list[float], shift: list[float]) -> None:
    """Any rotation and shift, with the rounding of a file, leaves the geometry as it was drawn to the last bit."""
    matrix = trimesh.transformations.euler_matrix(*angles)
    matrix[:3, 3] = shift
    (body,) = bodies([SHAPE], placed(np.eye(4), matrix, matrix.astype(np.float32)), "mm")
    assert body.count == 3
    assert np.array_equal(np.sort(body.vertices, axis=0), np.sort(SHAPE.vertices, axis=0))


def test_mirrors_are_another_geometry() -> None:
    """Mirrored along any axis it is one other body, wound so that its faces look outwards."""
    mirrors = [np.diag([*row, 1.0]) for row in ((-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1))]
    slope = Shape(_slanted(), SHAPE.faces)
    plain, mirrored = bodies([slope], placed(np.eye(4), *mirrors), "mm")
    assert (plain.count, mirrored.count) == (1, 4)
    volumes = [trimesh.Trimesh(body.vertices, body.faces, process=False).volume for body in (plain, mirrored)]
    assert volumes[0] == pytest.approx(volumes[1])
    assert volumes[0] > 0


def _slanted() -> np.ndarray:
    vertices = SHAPE.vertices.copy()
    vertices[7] += (3, 4, 5)
    return vertices


def test_scales_are_part_of_the_geometry() -> None:
    """An instance at twice the size is another body; the unit's factor is applied to both."""
    small, large = bodies([SHAPE], placed(np.eye(4), np.diag([2.0, 2, 2, 1])), "mm", 25.4)
    assert np.ptp(small.vertices, axis=0) == pytest.approx((254, 508, 762))
    assert np.ptp(large.vertices, axis=0) == pytest.approx((508, 1016, 1524))


def test_the_same_drawn_twice_is_one() -> None:
    """Geometry that a file repeats is found by its content; another name or assembly is another body."""
    again = Shape(SHAPE.vertices.copy(), SHAPE.faces.copy())
    pieces = [Piece(0, "box", (), np.eye(4)), Piece(1, "box", (), np.eye(4)), Piece(1, "box", ("frame",), np.eye(4))]
    assert [body.count for body in bodies([SHAPE, again], pieces, "mm")] == [2, 1]


def test_corners_are_welded() -> None:
    """Triangles that share nothing become a closed mesh, at any size."""
    for size in (1e-3, 1.0, 1e5):
        loose = Shape(SHAPE.vertices[SHAPE.faces].reshape(-1, 3) * size, np.arange(36).reshape(-1, 3))
        (body,) = bodies([loose], placed(np.eye(4)), "mm")
        assert len(body.vertices) == 8
        assert trimesh.Trimesh(body.vertices, body.faces, process=False).is_watertight


def test_empty_pieces_are_left_out() -> None:
    """Construction geometry without faces goes; if nothing else is there the file is refused."""
    nothing = Shape(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    pieces = [Piece(0, "sketch", (), np.eye(4)), Piece(1, "box", (), np.eye(4))]
    assert [body.name for body in bodies([nothing, SHAPE], pieces, "mm")] == ["box"]
    with pytest.raises(Refusal, match="holds no solid or surface"):
        bodies([nothing], placed(np.eye(4)), "mm")
    with pytest.raises(Refusal, match="holds no solid or surface"):
        bodies([SHAPE], placed(np.zeros((4, 4))), "mm")


def test_the_largest_area_gives_the_colour() -> None:
    """A part of several materials looks like the one that there is most of."""
    small = Shape(SHAPE.vertices * 0.5, SHAPE.faces, (1.0, 0.0, 0.0), "paint")
    large = Shape(SHAPE.vertices, SHAPE.faces, (0.0, 0.0, 1.0), "steel")
    both = joined([small, small, large])
    assert (both.colour, both.material, len(both.faces)) == ((0.0, 0.0, 1.0), "steel", 36)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("=>[0:1:1:2]", ""),
        ("SOLID", ""),
        ("COMPOUND", ""),
        ("Body 3", ""),
        ("Open CASCADE STEP translator 7.7 1.2", ""),
        ("NAUO12", ""),
        ("12345", "12345"),
        ("solid shaft", "solid shaft"),
        ("Part-4711", ""),
        ("PART 4711-A", "PART 4711-A"),
        ("  M6\tbolt\n", "M6 bolt"),
        ("Größe", "Größe"),
        ("Größe".encode().decode("latin-1"), "Größe"),
    ],
)
def test_names_that_programs_make_up_are_dropped(name: str, kept: str) -> None:
    """A name that says nothing is none; a number is one."""
    assert meaningful(name) == kept
