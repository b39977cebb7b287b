"""What ControlNets are shown is what the CAD knows: nearness, normals, edges, and nothing off the part."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

from blocks.models.pipelines import Condition
from tasks.diffusion.conditions import condition, geometry, outlines

if TYPE_CHECKING:
    from tests.tasks.conftest import Shown


def test_geometry_is_normals_and_nearness_on_the_part_alone(shown: Shown) -> None:
    """Four channels from 0 to 1: the normal, halved and raised; 1 at the nearest point, a quarter at the farthest."""
    view = shown("ball")
    made = geometry(view)
    assert made.shape == (128, 128, 4)
    assert made.dtype == np.float32
    assert (made[~view.mask] == 0).all()
    assert made[view.mask][:, :3] * 2 - 1 == pytest.approx(view.normals[view.mask], abs=1e-5)
    near = made[..., 3]
    assert near.max() == near[np.where(view.mask, view.depth, np.inf) == view.depth[view.mask].min()].max() == 1
    assert near[view.mask].min() == pytest.approx(0.25)


@pytest.mark.parametrize("kind", get_args(Condition))
def test_conditions_are_pictures_from_0_to_1(shown: Shown, kind: Condition) -> None:
    """Every kind has three channels, or four with geometry, in the size of the view, even where no part is."""
    view = shown()
    made = condition(view, kind)
    assert made.shape == (128, 128, 4 if kind == "geometry" else 3)
    assert made.dtype == np.float32
    assert 0 <= made.min() < made.max() <= 1
    nothing = view.replace(mask=np.zeros_like(view.mask), depth=view.depth * 0, normals=view.normals * 0)
    assert np.isfinite(condition(nothing, kind)).all()


def test_what_is_no_part_faces_the_camera_in_a_picture_of_normals(shown: Shown) -> None:
    """Normal ControlNets know the ground as flat before the camera."""
    view = shown()
    made = condition(view, "normals")
    assert (made[~view.mask] == (0.5, 0.5, 1)).all()


def test_edges_are_the_outline_and_the_creases(shown: Shown) -> None:
    """A block shows its outline and the edges between its three faces; a ball its outline alone."""
    for shape, inner in (("ball", 0), ("block", 40)):
        view = shown(shape)
        edges = outlines(view)
        rim = view.mask & ~(
            np.roll(view.mask, 1, 0) & np.roll(view.mask, -1, 0) & np.roll(view.mask, 1, 1) & np.roll(view.mask, -1, 1)
        )
        assert edges[rim].all()
        assert (edges & ~rim).sum() >= inner
        assert (edges & ~rim).sum() < 0.06 * view.mask.sum()
        assert not edges[~view.mask].any()


def test_a_step_in_depth_is_an_edge_on_its_nearer_side(shown: Shown) -> None:
    """Two faces that are parallel and one above the other have an edge between them."""
    view = shown()
    flat = np.zeros_like(view.depth)
    flat[20:100, 20:60], flat[20:100, 60:100] = 90, 80
    mask = flat > 0
    normals = np.zeros_like(view.normals)
    normals[mask] = (0, 0, 1)
    edges = outlines(view.replace(depth=flat, mask=mask, normals=normals))
    assert edges[21:99, 60].all()
    assert not edges[21:99, 22:60].any()
