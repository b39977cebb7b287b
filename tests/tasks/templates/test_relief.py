"""A relief shows what the studio's own views know of a part, without lamps."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.generate import specimen
from tasks.records import Camera, Part
from tasks.render import Studio
from tasks.templates.plates import around
from tasks.templates.relief import reliefs


def test_normals_and_cover_are_those_of_the_studio() -> None:
    """From every side, and in every channel: a sign the other way round would be another part."""
    made = specimen("hinge", 1, 0)
    cameras = [camera.replace(size=160) for camera in around(made.vertices, 12)]
    shown = np.concatenate(list(reliefs(made.vertices, made.faces, cameras)))
    taken = Studio(160).taken(made.vertices, made.faces, Part(number="p"), dict(enumerate(cameras)), "s", shadow=False)
    for number, view in taken:
        cover = shown[number, ..., 3]
        assert np.mean((cover > 0.5) != view.mask) < 0.02
        inside = (cover == 1) & view.mask
        alike = (shown[number, ..., :3] * view.normals).sum(axis=2)[inside]
        assert np.median(alike) > 0.99
        assert np.mean(alike > 0.8) > 0.9
        assert not shown[number][cover == 0].any()


def test_a_mesh_without_extent_cannot_be_seen_from_around() -> None:
    """And says so, for a note."""
    with pytest.raises(ValueError, match="no extent"):
        around(np.zeros((3, 3)), 4)


def test_cameras_stand_evenly_around_and_see_all_of_the_part() -> None:
    """Each frames it: no corner is outside of its picture, and some are near the rim."""
    vertices = specimen("clevis", 0, 0).vertices
    cameras: tuple[Camera, ...] = around(vertices, 40)
    ways = np.array([camera.matrix[:3, 2] for camera in cameras])
    nearest = np.sort(ways @ ways.T, axis=1)[:, -2]
    assert np.rad2deg(np.arccos(nearest)).min() > 20
    for camera in cameras:
        eye = np.linalg.inv(camera.matrix)
        seen = vertices @ eye[:3, :3].T + eye[:3, 3]
        reach = np.abs(seen[:, :2] / -seen[:, 2:]).max() / np.tan(camera.yfov / 2)
        assert 0.8 < reach < 0.9
