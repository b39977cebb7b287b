"""The rig stands cameras evenly around a part and frames it well, whatever its shape and size."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from blocks.customer import Render
from tasks.records import Camera
from tasks.rig import cameras, directions, lamps

Array = NDArray[np.float64]


def box(*sides: float) -> Array:
    """Corners of a box."""
    return np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float) * sides


def ring(radius: float, width: float) -> Array:
    """Points of a flat ring."""
    around = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    flat = np.stack([np.cos(around), np.sin(around), 0 * around], axis=1) * radius
    return np.concatenate([flat, flat + np.array([0, 0, width])])


def ball(count: int) -> Array:
    """Points on a sphere."""
    points = np.random.default_rng(1).normal(size=(count, 3))
    return np.asarray(10 * points / np.linalg.norm(points, axis=1, keepdims=True))


SHAPES = {
    "rod": box(200, 4, 4),
    "plate": box(100, 80, 1),
    "cube": box(10, 10, 10),
    "ring": ring(20, 3),
    "ball of many points": ball(5000),
    "triangle": np.array([[0.0, 0, 0], [10, 0, 0], [0, 7, 0]]),
    "a micrometre": box(1e-3, 4e-4, 2e-4),
    "a kilometre": box(1e6, 4e5, 2e5),
    "far from the origin": box(10, 6, 4) + 1e6,
}


def seen(points: Array, camera: Camera) -> Array:
    """Where the points (n, 3) are in the picture, (n, 2), its middle half being -1 to 1."""
    local = (points - camera.matrix[:3, 3]) @ camera.matrix[:3, :3]
    assert (local[:, 2] < 0).all(), "a part stands behind its camera"
    return np.asarray(local[:, :2] / -local[:, 2:] / np.tan(camera.yfov / 2))


@pytest.mark.parametrize("name", SHAPES)
def test_every_part_fills_its_picture_and_none_is_cut(name: str) -> None:
    """The longer side of what is seen takes 80 to 90 % of the frame, and the part is in the middle."""
    for camera in cameras(SHAPES[name], Render(views=24), "seed"):
        places = seen(SHAPES[name], camera)
        low, high = places.min(0), places.max(0)
        assert 0.80 <= (high - low).max() / 2 <= 0.90
        assert np.abs(places).max() < 0.95


def test_no_lens_is_so_near_that_a_rod_looks_like_a_cone() -> None:
    """Seen end-on, the far end of a rod is at least a third as large as its near end."""
    for camera in cameras(SHAPES["rod"], Render(views=60), "seed"):
        depths = ((SHAPES["rod"] - camera.matrix[:3, 3]) @ camera.matrix[:3, :3])[:, 2]
        assert depths.max() / depths.min() > 1 / 3


@pytest.mark.parametrize("count", [1, 2, 3, 6, 16, 50, 200])
def test_views_are_as_many_as_asked_and_evenly_spread(count: int) -> None:
    """The nearest two directions are at least three quarters as far apart as on a perfect lattice."""
    assert len(cameras(SHAPES["cube"], Render(views=count), "seed")) == count
    ways = directions(count)
    nearest = np.arccos(np.clip((ways @ ways.T - 2 * np.eye(count)).max(), -1, 1))
    assert nearest > 0.75 * min(np.sqrt(8 * np.pi / np.sqrt(3) / count), np.pi)


def test_the_plain_sides_of_a_part_are_seen() -> None:
    """Of 16 views, each of the six sides has one that faces it within 35 degrees."""
    backs = np.stack([camera.matrix[:3, 2] for camera in cameras(SHAPES["plate"], Render(), "seed")])
    for side in np.concatenate([np.eye(3), -np.eye(3)]):
        assert (backs @ side).max() > np.cos(np.deg2rad(35))


def test_the_first_few_views_are_spread_as_well() -> None:
    """Whoever takes the first six of 48 views sees the part from all around."""
    backs = np.stack([camera.matrix[:3, 2] for camera in cameras(SHAPES["cube"], Render(views=48), "seed")])[:6]
    assert (backs @ backs.T - 2 * np.eye(6)).max() < np.cos(np.deg2rad(50))


def test_a_single_view_is_three_quarter_from_above() -> None:
    """It shows three sides of a box, and stands upright."""
    (camera,) = cameras(SHAPES["cube"], Render(views=1), "seed")
    assert np.abs(camera.matrix[:3, 2]).min() > 0.2
    assert camera.matrix[2, 2] > 0
    assert camera.matrix[2, 1] > 0.5


def test_seen_from_below_a_part_is_turned_over() -> None:
    """The world's up is up in pictures from above and down in those from below, within the roll."""
    for camera in cameras(SHAPES["cube"], Render(views=40), "seed"):
        if abs(camera.matrix[2, 2]) < 0.9:
            assert np.sign(camera.matrix[2, 1]) == np.sign(camera.matrix[2, 2])


def test_cameras_depend_on_the_seed_alone() -> None:
    """The same part and seed stand the same cameras; another seed stands others."""
    first = cameras(SHAPES["plate"], Render(), "a")
    assert cameras(SHAPES["plate"], Render(), "a") == first
    assert cameras(SHAPES["plate"], Render(), "b") != first


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.ones((5, 3)), np.full((3, 3), np.nan)])
def test_what_has_no_extent_is_refused(points: Array) -> None:
    """Nothing, one place, and what is not a number raise a sentence."""
    with pytest.raises(ValueError, match="the part has no"):
        cameras(points, Render(), "seed")


def test_lamps_differ_from_picture_to_picture_but_not_from_run_to_run() -> None:
    """The light moves with the seed, and stays in the studio: boxes above or at the height of the part."""
    assert np.array_equal(lamps("a").axis, lamps("a").axis)
    assert not np.array_equal(lamps("a").axis, lamps("b").axis)
    assert np.allclose(np.linalg.norm(lamps("a").axis[:, :3], axis=1), 1, atol=1e-6)
    assert all(lamps(seed).axis[:, 2].min() > -0.1 for seed in range(20))
