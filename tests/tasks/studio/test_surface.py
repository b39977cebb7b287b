"""A mesh becomes a surface that is round where it is round and sharp where it is sharp."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.studio.surface import Surface, surface

Array = NDArray[np.float64]
Mesh = tuple[Array, NDArray[np.int64]]


@pytest.fixture(scope="module")
def cylinder() -> Mesh:
    """A drum of radius 5 and height 8 with 24 sides."""
    import trimesh

    made = trimesh.creation.cylinder(radius=5, height=8, sections=24)
    return np.array(made.vertices), np.array(made.faces)


def faces_of(skin: Surface) -> Array:
    """Flat normals (m, 3) of the triangles."""
    a, b, c = (skin.positions[skin.triangles[:, corner]].astype(float) for corner in range(3))
    cross = np.cross(b - a, c - a)
    return np.asarray(cross / np.linalg.norm(cross, axis=1, keepdims=True))


def test_a_cylinder_is_round_along_its_side_and_sharp_at_its_rims(cylinder: Mesh) -> None:
    """Normals of the side point straight away from the axis, those of the ends along it, and none in between."""
    skin = surface(*cylinder)
    ends = np.abs(skin.normals[:, 2]) > 0.5
    assert np.allclose(np.abs(skin.normals[ends, 2]), 1, atol=1e-5)
    radial = skin.positions[~ends] * [1, 1, 0]
    radial = radial / np.linalg.norm(radial, axis=1, keepdims=True)
    assert (skin.normals[~ends] * radial).sum(1).min() > np.cos(np.deg2rad(0.5))


def test_triangles_that_share_no_vertices_are_joined(cylinder: Mesh) -> None:
    """STL repeats each corner: the surface is the same as that of the merged mesh."""
    vertices, faces = cylinder
    loose = surface(vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3))
    assert len(loose.positions) == len(surface(*cylinder).positions)
    assert loose.closed


def test_a_plane_stays_flat_up_to_its_fillet() -> None:
    """A narrow fillet takes all of the turn: the large face beside it is not shaded as if it were bent."""
    turn = np.deg2rad([0, 15, 30, 45, 60, 75, 90])
    profile = np.concatenate([[[-20, 0]], np.stack([np.sin(turn), np.cos(turn) - 1], 1), [[1, -20]]])
    left, right = (np.insert(profile, 1, y, axis=1) for y in (0.0, 30.0))
    count = len(profile)
    faces = [[i, i + 1, i + count] for i in range(count - 1)] + [
        [i + 1, i + count + 1, i + count] for i in range(count - 1)
    ]
    skin = surface(np.concatenate([left, right]), np.array(faces))
    flat = faces_of(skin)[:, 2]
    plane = skin.triangles[np.abs(flat) > 0.9999]
    assert np.abs(skin.normals[plane][..., 2]).min() > np.cos(np.deg2rad(2))


def test_inverted_meshes_are_turned_the_right_way_round(cylinder: Mesh) -> None:
    """Winding from inside out makes the same surface, shell by shell."""
    vertices, faces = cylinder
    both = np.concatenate([vertices, vertices + np.array([30, 0, 0])])
    skin = surface(both, np.concatenate([faces[:, ::-1], faces + len(vertices)]))
    outward = skin.positions * skin.radius + skin.centre - np.where(skin.positions[:, :1] < 0, [0, 0, 0], [30, 0, 0])
    assert ((outward * skin.normals).sum(1) > 0).all()
    assert skin.closed


def test_open_surfaces_are_known(cylinder: Mesh) -> None:
    """A mesh with a triangle missing is not closed: its inside can be seen."""
    vertices, faces = cylinder
    assert surface(vertices, faces).closed
    assert not surface(vertices, faces[1:]).closed


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_the_way_back_to_the_meshs_unit_is_kept(cylinder: Mesh, scale: float) -> None:
    """Unit positions times the radius plus the centre are the mesh's points again."""
    vertices = cylinder[0] * scale + 3 * scale
    skin = surface(vertices, cylinder[1])
    back = skin.positions * skin.radius + skin.centre
    assert np.abs(skin.positions).max() <= 1
    assert np.allclose(back.min(0), vertices.min(0), rtol=1e-5)
    assert np.allclose(skin.extents, np.ptp(vertices, axis=0), rtol=1e-9)


POINTS = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
BROKEN = {
    "no triangles": (POINTS, np.zeros((0, 3), int), "no triangles"),
    "no vertices": (np.zeros((0, 3)), np.array([[0, 1, 2]]), "no triangles"),
    "unknown vertices": (POINTS, np.array([[0, 1, 7]]), "does not have"),
    "not numbers": (POINTS * np.nan, np.array([[0, 1, 2]]), "finite"),
    "one place": (POINTS * 0 + 5, np.array([[0, 1, 2]]), "no extent"),
    "a line": (POINTS * [1, 0, 0], np.array([[0, 1, 2]]), "no area"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_seen_is_refused_with_a_sentence(name: str) -> None:
    """Degenerate meshes raise ValueError that says what is wrong with them."""
    vertices, faces, words = BROKEN[name]
    with pytest.raises(ValueError, match=words):
        surface(vertices, faces)
