"""The place behind a part is opaque, varied, takes the part's shadow and leaves the part where it is."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from PIL import Image

from tasks.records import View, generator
from tasks.stages.background import Background
from tasks.stages.props import bench
from tasks.stages.props.scenes import Scene

if TYPE_CHECKING:
    from tests.tasks.conftest import Shown


def applied(stage: Background, view: View, *seed: object) -> View:
    """The one view that the stage makes with that seed."""
    (made,) = stage(view.replace(rng=generator(*seed)))
    return made


def pictures(folder: Path, count: int) -> list[int]:
    """Plain photographs in the folder, each of its own red; their reds."""
    reds = [40 + 50 * k for k in range(count)]
    for k, red in enumerate(reds):
        Image.new("RGB", (300, 200), (red, 90, 20)).save(folder / f"place{k}.png")
    return reds


@pytest.mark.parametrize("scene", get_args(Scene))
def test_every_place_fills_the_picture_and_has_structure(shown: Shown, scene: Scene) -> None:
    """Each made-up place covers all pixels, is no flat colour, and differs from seed to seed."""
    view = shown()
    stage = Background(scenes=(scene,), light=0, shadow=0, clutter=0)
    first, second = (applied(stage, view, scene, k) for k in range(2))
    assert (first.alpha == 1).all()
    behind = first.image[~view.mask].astype(float)
    assert behind.mean() > 8
    assert behind.std() > 1.5
    assert np.abs(behind - second.image[~view.mask]).mean() > 4


def test_part_keeps_its_place_and_its_shading(shown: Shown) -> None:
    """Silhouette, depth and normals are untouched and the part's own shading is still there."""
    view = shown("ball")
    likeness = []
    for seed in range(9):
        made = applied(Background(), view, seed)
        assert all(getattr(made, name) is getattr(view, name) for name in ("mask", "depth", "normals"))
        before, after = (picture[view.mask].mean(axis=1) for picture in (view.image, made.image))
        likeness.append(np.corrcoef(before, after)[0, 1])
    # another lamp may outshine a smooth ball's own shading once; mostly it must not
    assert np.median(likeness) > 0.8


def test_without_light_the_part_is_pixel_for_pixel_its_render(shown: Shown) -> None:
    """With light and shadow at zero only what is around the part changes."""
    view = shown()
    made = applied(Background(light=0, shadow=0), view, 2)
    assert (made.image[view.mask] == view.image[view.mask]).all()


def test_ground_throws_its_colour_on_what_faces_down(shown: Shown, tmp_path: Path) -> None:
    """On green ground the underside of a grey ball is greener than its top."""
    Image.new("RGB", (64, 64), (20, 200, 20)).save(tmp_path / "lawn.png")
    view = shown("ball", elevation=5, grey=0.15)
    made = applied(Background(folder=str(tmp_path), share=1, light=1, shadow=0), view, 7).image.astype(float)
    green = made[..., 1] / made.sum(axis=-1)
    low, high = view.normals[..., 1] < -0.8, view.normals[..., 1] > 0.8
    assert green[low].mean() > green[high].mean() + 0.01


def test_part_throws_a_shadow_on_the_ground(shown: Shown) -> None:
    """Close around the part the ground is darker with a shadow than without, and far away it is not."""
    view = shown()
    lit, shaded = (applied(Background(scenes=("paper",), shadow=s, light=0, clutter=0), view, 3).image for s in (0, 1))
    change = (lit.astype(float) - shaded).mean(axis=-1)
    assert change[~view.mask].max() > 40
    assert change[view.mask].max() <= 1
    assert np.abs(change[:4, :4]).max() < 8


def test_contact_shadow_of_the_render_stays(shown: Shown) -> None:
    """Where the render's alpha holds a shadow outside the part, the ground is darkened by that share."""
    view = shown()
    alpha = view.alpha.copy()
    alpha[116:124, 4:24] = 0.5
    stage = Background(light=0, shadow=0, clutter=0)
    plain, dark = (applied(stage, view.replace(alpha=a), 4).image.astype(float) for a in (view.alpha, alpha))
    patch = (slice(116, 124), slice(4, 24))
    assert dark[patch].mean() == pytest.approx(plain[patch].mean() / 2, abs=1)


def test_part_held_in_the_air_throws_no_shadow(shown: Shown) -> None:
    """In front of a far workshop neither a shadow of our own nor the render's contact shadow is seen."""
    view = shown()
    alpha = view.alpha.copy()
    alpha[116:124, 4:24] = 0.5
    made = (Background(scenes=("workshop",), light=0, shadow=s) for s in (0, 1))
    bare, shadowed = (
        applied(stage, view.replace(alpha=a), 9) for stage, a in zip(made, (view.alpha, alpha), strict=True)
    )
    assert (bare.image == shadowed.image).all()


def test_bench_lies_in_the_perspective_of_the_camera(shown: Shown) -> None:
    """Points of the bench, projected back through the camera's pose, meet the pixels that show them."""
    view = shown(elevation=35)
    normal = view.camera.matrix[:3, :3].T @ np.array([0, 0, 1.0])
    plane = bench.laid((128, 128), view.camera.yfov, normal, 0.0)
    slope = np.tan(view.camera.yfov / 2)
    side = np.cross(normal, [0, 0, 1.0])
    side /= np.linalg.norm(side)
    row, column = 20, 100
    place = plane.x[row, column] * side + plane.y[row, column] * np.cross(normal, side)
    seen = np.array([0, 0, -1.0]) + place * slope
    u, v = seen[0] / -seen[2] / slope, seen[1] / -seen[2] / slope
    assert ((u + 1) / 2 * 128, (1 - v) / 2 * 128) == pytest.approx((column + 0.5, row + 0.5), abs=0.05)


def test_low_camera_sees_the_workshop_beyond_the_bench(shown: Shown) -> None:
    """From a low angle the bench ends and something else stands behind it."""
    normal = shown(elevation=14).camera.matrix[:3, :3].T @ np.array([0, 0, 1.0])
    plane = bench.laid((128, 128), 0.5, normal, 0.0)
    assert plane.far is not None
    assert plane.far[0].all()
    assert not plane.far[-1].any()


def test_photographs_of_the_customers_place_are_used(shown: Shown, tmp_path: Path) -> None:
    """With a folder and share 1 the background is one of its photographs; all of them get their turn."""
    reds = pictures(tmp_path, 3)
    view = shown()
    stage = Background(folder=str(tmp_path), share=1, light=0, shadow=0)
    corners = {int(applied(stage, view, k).image[0, 0, 0]) for k in range(24)}
    assert corners == set(reds)


def test_share_zero_never_uses_the_folder(shown: Shown, tmp_path: Path) -> None:
    """The share of pictures that use the folder is respected at its lower end."""
    pictures(tmp_path, 1)
    view = shown()
    stage = Background(folder=str(tmp_path), share=0, scenes=("workshop",), light=0, shadow=0)
    assert all(applied(stage, view, k).image[~view.mask].std() > 2 for k in range(4))


def test_unreadable_photograph_is_left_out_and_named(
    shown: Shown, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken file among the photographs costs a warning with its name and nothing else."""
    pictures(tmp_path, 1)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING):
        made = applied(Background(folder=str(tmp_path), share=1, light=0, shadow=0), shown(), 5)
    assert "broken.jpg" in caplog.text
    assert tuple(made.image[0, 0]) == (40, 90, 20)


def test_folder_without_readable_photographs_says_so(shown: Shown, tmp_path: Path) -> None:
    """A folder that holds nothing usable is an error that names the folder."""
    with pytest.raises(ValueError, match="holds no photographs"):
        _ = Background(folder=str(tmp_path)).mark
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="can be read"):
        applied(Background(folder=str(tmp_path), share=1), shown(), 6)


def test_mark_changes_with_the_photographs(tmp_path: Path) -> None:
    """Another photograph in the folder names other pictures; a second look at the same folder does not."""
    pictures(tmp_path, 1)
    first = Background(folder=str(tmp_path)).mark
    assert Background(folder=str(tmp_path)).mark == first
    pictures(tmp_path, 2)
    assert Background(folder=str(tmp_path)).mark != first
