"""Pictures show the part as it is: where it is, how it is turned, what it is made of; and always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from blocks.customer import Render
from tasks.records import Part, View, over
from tasks.render import Studio, gl_info

Array = NDArray[np.float64]
Mesh = tuple[Array, NDArray[np.int64]]
RADIUS = 12.0


@pytest.fixture(scope="module")
def studio() -> Studio:
    """The studio of this process."""
    return Studio(128)


@pytest.fixture(scope="module")
def ball() -> Mesh:
    """A fine ball of radius 12 about (3, 4, 5)."""
    import trimesh

    made = trimesh.creation.icosphere(subdivisions=5, radius=RADIUS)
    return np.array(made.vertices) + np.array([3.0, 4.0, 5.0]), np.array(made.faces)


@pytest.fixture(scope="module")
def block() -> Mesh:
    """A box of 30 x 20 x 10."""
    return solid("box")


def solid(name: str) -> Mesh:
    """Meshes of many proportions."""
    import trimesh

    made = {
        "box": lambda: trimesh.creation.box([30, 20, 10]),
        "rod": lambda: trimesh.creation.cylinder(radius=2, height=150, sections=32),
        "plate": lambda: trimesh.creation.box([100, 70, 1]),
        "ring": lambda: trimesh.creation.annulus(r_min=15, r_max=20, height=4),
        "tube": lambda: trimesh.creation.annulus(r_min=8, r_max=10, height=40),
    }[name]()
    return np.array(made.vertices), np.array(made.faces)


Shots = Callable[..., list[View]]


@pytest.fixture(scope="module")
def shots(studio: Studio) -> Shots:
    """All views of a mesh: `shots(mesh, views=8, size=128, material="steel", shadow=False)`."""

    def made(
        mesh: Mesh, material: str = "", wanted: set[int] | None = None, seed: str = "s", **render: int
    ) -> list[View]:
        settings = Render(**({"views": 8, "size": 128, "shadow": False} | render))
        return [view for _, view in studio.views(*mesh, Part(number="1", material=material), settings, seed, wanted)]

    return made


def rays(view: View) -> Array:
    """Directions (h, w, 3) through the middles of the pixels, in camera space, one long along the axis."""
    size = view.camera.size
    steps = ((np.arange(size) + 0.5) / size * 2 - 1) * np.tan(view.camera.yfov / 2)
    return np.stack(np.broadcast_arrays(steps[None], -steps[:, None], -1.0), axis=-1)


def inner(mask: NDArray[np.bool_], by: int = 2) -> NDArray[np.bool_]:
    """The mask without its border."""
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(mask, iterations=by))


def light(view: View) -> Array:
    """Luminance (n,) of the part's own pixels, 0 to 255."""
    return np.asarray(view.image[inner(view.mask)] @ [0.2126, 0.7152, 0.0722])


def test_depth_and_normals_are_those_of_a_ball(shots: Shots, ball: Mesh) -> None:
    """Distances are right to a thousandth of the radius, normals to one degree, at every pixel of a sphere."""
    for view in shots(ball):
        centre = np.linalg.inv(view.camera.matrix) @ [3, 4, 5, 1]
        way = rays(view)
        middle, square = way @ centre[:3], (way**2).sum(-1)
        depth = (middle - np.sqrt(np.maximum(middle**2 - square * (centre[:3] @ centre[:3] - RADIUS**2), 0))) / square
        normals = (way * depth[..., None] - centre[:3]) / RADIUS
        seen = inner(view.mask, 3)
        assert np.abs(view.depth - depth)[seen].max() < 0.012 * RADIUS
        assert np.abs(view.depth - depth)[seen].mean() < 0.001 * RADIUS
        assert (view.normals * normals).sum(-1)[seen].min() > np.cos(np.deg2rad(1.0))


def test_normals_of_a_box_are_its_sides(shots: Shots, block: Mesh) -> None:
    """Turned back into the world, each normal is an axis, and each faces the camera."""
    for view in shots(block):
        world = view.normals[inner(view.mask)] @ view.camera.matrix[:3, :3].T
        assert np.abs(world).max(1).min() > 0.9999
        assert (view.normals * rays(view)).sum(-1)[view.mask].max() < 0


def test_points_of_a_box_are_on_it(shots: Shots, block: Mesh) -> None:
    """Depth and intrinsics lead back to the surface of the part, in mm."""
    for view in shots(block):
        local = (rays(view) * view.depth[..., None])[inner(view.mask)]
        points = local @ view.camera.matrix[:3, :3].T + view.camera.matrix[:3, 3]
        away = np.abs(np.abs(points / [15, 10, 5]).max(1) - 1)
        assert away.mean() < 0.001
        assert away.max() < 0.03  # across an edge a pixel is the mean of two sides


@pytest.mark.parametrize("name", ["box", "rod", "plate", "ring", "tube"])
def test_what_is_seen_fills_the_picture_and_touches_no_border(shots: Shots, name: str) -> None:
    """The silhouette is 80 to 90 % of the frame long, and neither it nor its shadow reaches the border."""
    for view in shots(solid(name), views=12, shadow=True):
        rows, columns = np.nonzero(view.mask)
        assert 0.78 * 128 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 0.91 * 128
        border = np.concatenate([view.alpha[0], view.alpha[-1], view.alpha[:, 0], view.alpha[:, -1]])
        assert border.max() < 0.02


def test_the_mask_is_the_silhouette(shots: Shots, ball: Mesh) -> None:
    """Without a shadow the mask is where alpha is at least a half, and depth and normals are there alone."""
    for view in shots(ball):
        opaque = view.alpha >= 0.49
        assert (opaque & view.mask).sum() / (opaque | view.mask).sum() > 0.999
        assert ((view.depth > 0) == view.mask).all()
        assert not view.normals[~view.mask].any()
        assert np.allclose(np.linalg.norm(view.normals[view.mask], axis=1), 1, atol=1e-4)


def test_edges_are_smooth(shots: Shots, ball: Mesh) -> None:
    """Around a ball, alpha takes values between nothing and all."""
    (view,) = shots(ball, wanted={0})
    partly = (view.alpha > 0.1) & (view.alpha < 0.9)
    assert 0.3 * np.pi * 110 < partly.sum() < 2 * np.pi * 110


def test_no_fringe_shows_on_black_or_white(shots: Shots, ball: Mesh) -> None:
    """A white ball's edge over white is not darker than the ball, nor is a black ball's over black brighter."""
    (white,) = shots(ball, "PTFE", wanted={0})
    (black,) = shots(ball, "NBR", wanted={0})
    edge = (white.alpha > 0) & (white.alpha < 1)
    assert over(white, np.full_like(white.image, 255))[edge].min() >= white.image[white.alpha == 1].min() - 3
    edge = (black.alpha > 0) & (black.alpha < 1)
    assert over(black, np.zeros_like(black.image))[edge].max() <= black.image[black.alpha == 1].max() + 3


def test_colour_goes_on_under_and_beyond_the_edge(shots: Shots, ball: Mesh) -> None:
    """Partly covered pixels and the clear ones beside them have the part's colour, so that filters draw no seam."""
    from scipy.ndimage import binary_dilation

    (view,) = shots(ball, "PTFE", wanted={0})
    beside = binary_dilation(view.alpha > 0) & (view.alpha == 0)
    assert view.image[beside].min() > 60
    assert view.image[(view.alpha > 0) & (view.alpha < 1)].min() > 60


def test_white_plastic_is_bright_and_does_not_burn_out(shots: Shots, block: Mesh) -> None:
    """Under one pixel in a hundred is pure white, and the sides of a box differ."""
    for mesh in (block, solid("tube")):
        views = shots(mesh, "PTFE")
        levels = np.concatenate([light(view) for view in views])
        assert np.median(levels) > 170
        assert (levels >= 254).mean() < 0.01
        assert np.mean([light(view).std() for view in views]) > 6


def test_black_rubber_is_dark_and_keeps_its_shape(shots: Shots) -> None:
    """It stays below a quarter of white, and light and dark sides differ by half as much again."""
    for view in shots(solid("tube"), "NBR"):
        levels = light(view)
        assert 20 < np.median(levels) < 80
        low, high = np.percentile(levels, [5, 95])
        assert high > 1.4 * low


def test_steel_mirrors_the_studio(shots: Shots) -> None:
    """A steel tube has bright and dark streaks: far more contrast than the same tube in grey plastic."""
    steel, plastic = (
        np.mean([np.subtract(*np.percentile(light(view), [95, 5])) for view in shots(solid("tube"), material)])
        for material in ("Edelstahl", "grey PVC")
    )
    assert steel > 90
    assert steel > 1.8 * plastic


def test_metals_have_their_colours(shots: Shots, block: Mesh) -> None:
    """Copper is redder than brass, brass yellower than steel, and steel has no colour."""
    mean = {
        name: np.mean([view.image[inner(view.mask)].mean(0) for view in shots(block, name)], axis=0)
        for name in ("copper", "brass", "steel")
    }
    assert np.ptp(mean["steel"]) < 0.06 * mean["steel"].max()
    assert mean["brass"][2] < 0.75 * mean["brass"][1]
    assert mean["copper"][1] < 0.9 * mean["copper"][0]
    assert mean["copper"][1] / mean["copper"][0] < mean["brass"][1] / mean["brass"][0]


def test_holes_are_darker_than_what_is_around_them(shots: Shots) -> None:
    """Ambient light reaches the inside of a deep tube less than its outside."""
    depths = []
    for view in shots(solid("tube"), "red ABS", views=24):
        world = view.normals @ view.camera.matrix[:3, :3].T
        local = rays(view) * view.depth[..., None] @ view.camera.matrix[:3, :3].T + view.camera.matrix[:3, 3]
        inside = inner(view.mask, 1) & ((world * local)[..., :2].sum(-1) < -4) & (np.abs(world[..., 2]) < 0.1)
        outside = inner(view.mask, 1) & ((world * local)[..., :2].sum(-1) > 4) & (np.abs(world[..., 2]) < 0.1)
        if inside.sum() > 100 and outside.sum() > 100:
            depths.append(view.image[inside].mean() / view.image[outside].mean())
    assert len(depths) >= 4
    assert np.mean(depths) < 0.93


def test_a_shadow_lies_below_the_part_and_only_in_views_from_above(shots: Shots, block: Mesh) -> None:
    """Outside the mask it is black and partly covering; from below, and without `shadow`, there is none."""
    with_shadow = shots(block, views=48, shadow=True)
    assert any(0 < view.camera.matrix[2, 2] < 0.05 for view in with_shadow)
    for view in with_shadow:
        outside = ~inner(~view.mask, 2) == 0
        cover = view.alpha[outside]
        if view.camera.matrix[2, 2] > 0.35:
            assert 0.15 < cover.max() < 0.95
            assert view.image[outside & (view.alpha > 0.1)].max() == 0
        if view.camera.matrix[2, 2] < 0.05:  # along the ground it would be a line
            assert cover.max() == 0
    for with_one, without in zip(with_shadow, shots(block, views=48), strict=True):
        assert without.alpha[~inner(~without.mask, 2) == 0].max() == 0
        assert np.array_equal(with_one.depth, without.depth)


def test_a_view_is_the_same_whichever_others_are_made(shots: Shots, block: Mesh) -> None:
    """Wanted views equal those of a whole set, bit by bit, also after another part and another size."""
    whole = shots(block, "steel", shadow=True)
    shots(solid("ring"), "brass", size=64)
    for index in (5, 2):
        (alone,) = shots(block, "steel", wanted={index}, shadow=True)
        for field in ("image", "alpha", "mask", "depth", "normals"):
            assert np.array_equal(getattr(alone, field), getattr(whole[index], field)), field
        assert alone.rng.integers(1 << 62) == whole[index].rng.integers(1 << 62)


def test_two_parts_may_be_photographed_in_turns(studio: Studio, block: Mesh, shots: Shots) -> None:
    """Views of two parts made alternately are those made one after the other."""
    render, ring = Render(views=3, size=128, shadow=False), solid("ring")
    first, second = (studio.views(*mesh, Part(number="1"), render, "s") for mesh in (block, ring))
    for (_, one), (_, other), alone in zip(first, second, shots(block, views=3), strict=True):
        assert np.array_equal(one.image, alone.image)
        assert not np.array_equal(one.mask, other.mask)


def test_threads_take_turns(studio: Studio, block: Mesh, shots: Shots) -> None:
    """Two threads that photograph at once get what one gets alone."""
    from concurrent.futures import ThreadPoolExecutor

    render = Render(views=6, size=128, shadow=False)
    meshes: list[Mesh] = [block, solid("ring"), block, solid("ring")]

    def all_views(mesh: Mesh) -> list[View]:
        return [view for _, view in studio.views(mesh[0], mesh[1], Part(number="1"), render, "s")]

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(all_views, meshes))
    for mesh, views in zip(meshes, made, strict=True):
        for view, alone in zip(views, shots(mesh, views=6), strict=True):
            assert np.array_equal(view.image, alone.image)


SCRIPT = """
import hashlib, sys, trimesh
from blocks.customer import Render
from tasks.records import Part
from tasks.render import Studio
mesh = trimesh.creation.annulus(r_min=8, r_max=10, height=14)
digest = hashlib.sha256()
part, render = Part(number="1", material="brass"), Render(views=3, size=96)
for index, view in Studio(96).views(mesh.vertices, mesh.faces, part, render, "s"):
    for data in (view.image, view.alpha, view.mask, view.depth, view.normals):
        digest.update(data.tobytes())
sys.stdout.write(digest.hexdigest())
"""


def test_two_processes_make_the_same_bytes() -> None:
    """Fresh processes, with one thread and with two, make equal pictures, depths, masks and normals."""
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            cwd=root,
            env=os.environ | {"LP_NUM_THREADS": threads},
            stdout=subprocess.PIPE,
        )
        for threads in ("0", "2")
    ]
    first, second = (process.communicate(timeout=120)[0] for process in running)
    assert len(first) == 64
    assert first == second


def test_a_mirrored_part_looks_different(shots: Shots) -> None:
    """A left-hand bracket is not shown as a right-hand one."""
    import trimesh

    arms = [trimesh.creation.box([30, 4, 10]), trimesh.creation.box([4, 20, 10]), trimesh.creation.box([4, 4, 25])]
    arms[1].apply_translation([13, 8, 0])
    arms[2].apply_translation([-13, 0, 12])
    made: Any = trimesh.util.concatenate(arms)
    left: Mesh = (np.array(made.vertices), np.array(made.faces))
    right: Mesh = (left[0] * [-1, 1, 1], left[1][:, ::-1])
    one, other = shots(left, views=1)[0], shots(right, views=1)[0]
    flipped = other.mask[:, ::-1]
    assert (one.mask & other.mask).sum() / (one.mask | other.mask).sum() < 0.9
    assert flipped.any()


@pytest.mark.parametrize("scale", [1e-6, 1e3])
def test_tiny_and_huge_parts_look_as_any_other(shots: Shots, block: Mesh, scale: float) -> None:
    """The picture does not depend on the part's size, and its depth scales with it."""
    (plain,) = shots(block, wanted={0})
    (scaled,) = shots((block[0] * scale, block[1]), wanted={0})
    assert np.abs(plain.image.astype(int) - scaled.image).max() <= 2
    assert np.allclose(plain.depth * scale, scaled.depth, rtol=1e-3)


def test_a_single_triangle_is_seen_from_both_sides(shots: Shots) -> None:
    """An open surface is lit on its back as well, with normals towards the camera."""
    mesh: Mesh = (np.array([[0.0, 0, 0], [10, 0, 0], [0, 8, 3]]), np.array([[0, 1, 2]]))
    across = np.array([0, -3, 8]) / np.sqrt(73)
    seen = 0
    for view in shots(mesh, "PTFE", views=24):
        world = view.normals[view.mask] @ view.camera.matrix[:3, :3].T
        assert (view.normals * rays(view)).sum(-1)[view.mask].max(initial=-1) < 0
        assert np.abs(world @ across).min(initial=1) > np.cos(np.deg2rad(1))
        seen += int(view.mask.sum() > 50 and np.median(view.image[view.mask]) > 40)
    assert seen > 18


def test_inverted_winding_changes_nothing(shots: Shots, block: Mesh) -> None:
    """A mesh turned inside out looks the same."""
    (plain,), (inverted,) = (shots((block[0], faces), wanted={1}) for faces in (block[1], block[1][:, ::-1]))
    assert np.abs(plain.image.astype(int) - inverted.image).max() <= 1


def test_what_cannot_be_photographed_is_refused_with_a_sentence(studio: Studio) -> None:
    """The sentence says what is wrong with the mesh."""
    with pytest.raises(ValueError, match="the mesh has no triangles"):
        next(studio.views(np.zeros((3, 3)), np.zeros((0, 3), int), Part(number="X-17"), Render(), "s"))


def test_who_draws_is_told() -> None:
    """OpenGL names its vendor, renderer and version."""
    info = gl_info()
    assert set(info) == {"vendor", "renderer", "version"}
    assert all(info.values())


def test_without_opengl_a_sentence_says_what_to_install() -> None:
    """Where no OpenGL platform starts, the error names the packages."""
    script = """
from tasks.render import gl_info
try:
    gl_info()
except (ImportError, RuntimeError) as error:
    raise SystemExit(str(error))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"EGL_DEVICE_ID": "99"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "apt install libegl1 libgl1 libgl1-mesa-dri" in done.stderr


def test_real_cad_is_photographed(shots: Shots, shared_cad: Path) -> None:
    """Printed parts of the Prusa i3 fill their pictures and have structure."""
    import trimesh

    for path in sorted((shared_cad / "prusa-i3-mk3s").rglob("*.stl"))[:4]:
        made: Any = trimesh.load(path, process=False)
        for view in shots((np.array(made.vertices), np.array(made.faces)), views=3):
            assert view.mask.mean() > 0.05, path.name
            assert light(view).std() > 9, path.name
