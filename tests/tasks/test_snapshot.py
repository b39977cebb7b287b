"""Snapshots show the part from anywhere, in any light, where people put it; and the same seed gives the same one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import trimesh

from tasks.materials import MATERIALS, look
from tasks.queries import DIFFICULTIES
from tasks.records import Part, generator
from tasks.snapshot import finished, lying, placed, shining, snapshots, spun, standing, taken
from tasks.studio.surface import Surface, surface

SHAPES: dict[str, Any] = {
    "box": lambda: trimesh.creation.box([30, 20, 10]),
    "rod": lambda: trimesh.creation.cylinder(radius=2, height=150, sections=32),
    "plate": lambda: trimesh.creation.box([100, 70, 1]),
    "cone": lambda: trimesh.creation.cone(radius=10, height=40, sections=24),
    "ring": lambda: trimesh.creation.annulus(r_min=15, r_max=20, height=4),
}


def skin(name: str) -> Surface:
    """The surface of a shape that lies away from the origin."""
    mesh = SHAPES[name]()
    return surface(np.asarray(mesh.vertices) + np.array([7.0, -5.0, 300.0]), np.asarray(mesh.faces))


def shots(name: str, *wanted: tuple[str, str]) -> list[np.ndarray]:
    """Snapshots of a shape."""
    mesh = SHAPES[name]()
    part = Part(number="1", material="steel")
    return list(snapshots(np.asarray(mesh.vertices), np.asarray(mesh.faces), part, wanted, 96))  # type: ignore[arg-type]


def test_a_seed_gives_one_picture_whatever_else_is_made() -> None:
    """Alone or among others, in any order; another seed or difficulty gives another one."""
    alone = shots("box", ("a", "cluttered"))[0]
    among = shots("box", ("b", "clean"), ("a", "cluttered"), ("a", "clean"))
    assert alone.shape == (96, 96, 3)
    assert alone.dtype == np.uint8
    np.testing.assert_array_equal(alone, among[1])
    assert np.abs(alone.astype(int) - among[2]).mean() > 4
    assert np.abs(among[0].astype(int) - among[2]).mean() > 4
    body = skin("box")
    shapes = [taken(body, Part(number="1"), seed, 96).mask for seed in "ab"]
    assert np.mean(shapes[0] != shapes[1]) > 0.02  # it lies otherwise, too


@pytest.mark.parametrize("name", SHAPES)
def test_the_whole_part_is_in_the_picture(name: str) -> None:
    """It never touches the border, and fills a good share of the picture's width or height, in every pose."""
    body = skin(name)
    for seed in range(8):
        view = taken(body, Part(number="1"), str(seed), 96)
        rows, columns = np.nonzero(view.mask)
        assert min(rows.min(), columns.min()) > 0
        assert max(rows.max(), columns.max()) < 95
        assert max(np.ptp(rows), np.ptp(columns)) > 0.4 * 96
        assert np.ptp(view.depth[view.mask]) < 2.05 * body.radius  # in mm, as large as the part


def test_no_way_to_lie_is_preferred() -> None:
    """Rotations are proper, and where they take any direction, or leave the roll about it, is spread evenly."""
    turns = np.stack([spun(generator("turn", seed)) for seed in range(4000)])
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turns.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turns), 1)
    for axis in range(3):
        moved = turns[:, :, axis]
        assert np.abs(moved.mean(0)).max() < 0.05
        np.testing.assert_allclose(moved.T @ moved / len(moved), np.eye(3) / 3, atol=0.03)
    angle = np.arccos((np.trace(turns, axis1=1, axis2=2) - 1) / 2)
    assert angle.mean() == pytest.approx(np.pi / 2 + 2 / np.pi, abs=0.03)  # of the uniform distribution


def test_a_turned_part_keeps_its_shape() -> None:
    """Distances between its points stay, in mm; its box is about the origin."""
    body = skin("cone")
    turned = lying(body, spun(generator("lying")))
    some, others = slice(0, -1), slice(1, None)
    before = np.linalg.norm(body.positions[some] - body.positions[others], axis=1) * body.radius
    after = np.linalg.norm(turned.positions[some] - turned.positions[others], axis=1) * turned.radius
    np.testing.assert_allclose(after, before, rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(turned.normals, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(turned.positions.min(0), -turned.positions.max(0), atol=1e-6)
    np.testing.assert_allclose(turned.extents, np.ptp(turned.positions, axis=0) * turned.radius, rtol=1e-5)
    assert np.linalg.norm(turned.positions, axis=1).max() == pytest.approx(1, abs=1e-5)


def test_the_camera_looks_down_with_many_lenses() -> None:
    """From above the ground, from tele to wide, never nearer than two and a half radii."""
    body = lying(skin("box"), np.eye(3))
    stands = [standing(body, generator("stand", seed), 64) for seed in range(60)]
    poses = np.stack([camera.matrix for camera in stands])
    assert (poses[:, 2, 2] > 0.25).all()
    lenses = np.rad2deg([camera.yfov for camera in stands])
    assert np.ptp(lenses) > 15
    distances = np.einsum("ni,ni->n", poses[:, :3, 3], poses[:, :3, 2]) / body.radius
    assert distances.min() > 2.4


def test_the_light_is_another_one_each_time() -> None:
    """One to six lamps, all of them above; together they give about as much light as the studio does."""
    rigs = [shining(generator("light", seed)) for seed in range(50)]
    counts = {int((rig.colour[:, 1] > 0).sum()) for rig in rigs}
    assert counts == {1, 2, 3, 4, 5, 6}
    assert all((rig.axis[:, 2] > 0).all() for rig in rigs)
    for rig in rigs:
        np.testing.assert_allclose(np.linalg.norm(rig.axis[:, :3], axis=1), 1, atol=1e-5)
        np.testing.assert_allclose((rig.axis[:, :3] * rig.side[:, :3]).sum(1), 0, atol=1e-5)


def test_the_finish_is_another_one_but_of_the_same_kind_mostly() -> None:
    """Brass stays brass in most pictures, never with the look that the index has; a nameless part may be anything."""
    brass = Part(number="1", material="brass")
    made = [finished(brass, generator("finish", seed)) for seed in range(200)]
    assert 0.5 < np.mean([one.name == "brass" for one in made]) < 0.8
    assert look(brass) not in made
    assert all(0 < share < 1 for one in made for share in one.base)
    anything = {finished(Part(number="1"), generator("finish", seed)).name for seed in range(300)}
    assert len(anything) > 0.8 * len(MATERIALS)


def test_difficulties_are_what_they_are_called() -> None:
    """Clean lies on a plain ground; cluttered does not; occluded hides some of the part, and not most of it."""
    rims = {}
    for difficulty in ("clean", "cluttered"):
        pictures = shots("ring", *((str(seed), difficulty) for seed in range(6)))
        rims[difficulty] = np.median([np.std(picture[:8].astype(float), axis=(0, 1)).mean() for picture in pictures])
    assert rims["clean"] < 0.5 * rims["cluttered"]
    hidden = []
    for seed in range(6):
        view = taken(skin("box"), Part(number="1"), str(seed), 96)
        shown = {difficulty: placed(view, difficulty, str(seed)).mask for difficulty in DIFFICULTIES}
        np.testing.assert_array_equal(shown["clean"], view.mask)
        np.testing.assert_array_equal(shown["cluttered"], view.mask)
        hidden.append(1 - np.count_nonzero(shown["occluded"]) / np.count_nonzero(view.mask))
    assert max(hidden) < 0.45
    assert np.mean(hidden) > 0.05


def test_a_mesh_that_cannot_be_seen_is_an_error_in_words() -> None:
    """As in the studio."""
    with pytest.raises(ValueError, match="no triangles"):
        list(snapshots(np.zeros((0, 3)), np.zeros((0, 3), int), Part(number="1"), [("a", "clean")]))
