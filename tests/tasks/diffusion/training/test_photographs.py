"""Pictures to learn from show the part where their geometry says that it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from tasks.diffusion.training import captions, tracing
from tasks.diffusion.training.photographs import condition, photograph
from tasks.generate import specimen
from tasks.photoreal import available
from tasks.records import generator

needed = pytest.mark.skipif(not available(), reason="the extra photoreal is not installed")


@needed
def test_geometry_is_where_the_camera_sees_the_part() -> None:
    """Dots on the part fall on its silhouette, nearer ones on brighter pixels; what it hides is not of it."""
    made, size = specimen("lever", 1, 0), 64
    rng = generator("geometry", 3)
    scene = tracing.laid((made.vertices, made.faces), rng)
    loaded = tracing._world(tracing._shapes(scene, tracing.finish(made.part, rng), rng)[0], tracing.room(rng)[0])
    view = tracing._geometry(loaded, scene.eye, size, made.part)
    where, ahead = scene.eye.seen(scene.own)
    columns = np.clip((where[:, 0] + 1) / 2 * size, 0, size - 1).astype(int)
    rows = np.clip((1 - where[:, 1]) / 2 * size, 0, size - 1).astype(int)
    assert binary_dilation(view.mask)[rows, columns].mean() > 0.995
    assert view.mask[rows, columns].mean() > 0.85
    dotted = np.zeros_like(view.mask)
    dotted[rows, columns] = True
    assert dotted[view.mask].mean() > 0.9
    near = np.full(view.mask.shape, np.inf)
    np.minimum.at(near, (rows, columns), ahead)
    both = view.mask & dotted
    assert np.median(np.abs(near - view.depth)[both]) < 0.02
    np.testing.assert_allclose(np.linalg.norm(view.normals[view.mask], axis=1), 1, atol=0.02)
    assert (view.normals[view.mask][:, 2] > 0).mean() > 0.97
    made_small = condition(view, size // 2)
    assert made_small.shape == (size // 2, size // 2, 4)
    assert ((made_small[..., 3] > 0) == view.mask.reshape(32, 2, 32, 2).any((1, 3))).mean() > 0.99


@pytest.mark.parametrize("traced", [pytest.param(True, marks=needed), False])
def test_picture_depends_on_its_seed_alone(traced: bool) -> None:
    """The same seed gives the same picture, geometry and words, another seed another; the part can be seen."""
    made, other = specimen("lever", 1, 0), specimen("hex bolt", 1, 0)
    around = [(other.vertices, other.faces)]
    first, again, next_ = (photograph(made, seed, 32, around, traced=traced) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.condition, again.condition)
    assert first.said == again.said
    assert np.abs(first.image.astype(int) - next_.image).mean() > 10
    on_part = first.condition[..., 3] > 0
    assert 0.02 <= on_part.mean() <= 0.9
    assert first.said.place in {*captions.TRACED.values(), *captions.DRAWN.values()} or "bin" in first.said.place
    assert np.abs(first.image[on_part].mean(0).astype(int) - first.image[~on_part].mean(0)).max() > 3


@needed
def test_part_in_a_bin_is_seen() -> None:
    """A bin stands around the part and hides next to nothing of it."""
    made = specimen("lever", 1, 0)
    found = 0
    for seed in range(8):
        rng = generator("bin", seed)
        scene = tracing.laid((made.vertices, made.faces), rng)
        walls = tracing.boxed(scene, rng)
        if walls is not None:
            found += 1
            assert (walls.points[:, :2].max(0) > scene.part.points[:, :2].max(0)).all()
            assert (walls.points[:, :2].min(0) < scene.part.points[:, :2].min(0)).all()
            assert tracing.hidden(scene.own, tracing.dots(walls, rng), scene.eye) < scene.hidden + 0.1
    assert found > 4
