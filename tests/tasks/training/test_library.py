"""The library of rendered parts: whole, kept, and made again where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.generate import families
from tasks.training import library
from tasks.training.places import SIZE, places

if TYPE_CHECKING:
    from pathlib import Path


def test_chunks_that_stand_are_kept_and_broken_ones_made_again(tmp_path: Path) -> None:
    """A second stocking renders nothing; a chunk without its name is rendered anew, to the same pixels."""
    keys = library.plan({"washer": 5, "link": 5})
    rendered: list[int] = []
    shelf = library.stocked(tmp_path, keys, 1, rendered.append)
    first = np.array(shelf.open()[1])
    stamp = (tmp_path / "00000.npy").stat().st_mtime_ns
    (tmp_path / "00001.json").unlink()
    again = library.stocked(tmp_path, keys, 1, rendered.append)
    assert (tmp_path / "00000.npy").stat().st_mtime_ns == stamp
    assert np.array_equal(np.array(again.open()[1]), first)
    assert rendered == [32, 8, 32, 8]
    assert len(shelf.says) == len(keys) == 40


def test_every_view_shows_the_part(tmp_path: Path) -> None:
    """Each view has a silhouette, normals of unit length on it, and depth from front to back."""
    shelf = library.stocked(tmp_path, library.plan({"angle bracket": 1}), 1, lambda _: None)
    views = np.array(shelf.open()[0])
    assert views.shape == (4, library.VIEWS, library.SIZE, library.SIZE, library.CHANNELS)
    mask = views[..., 3] > 0
    assert (mask.mean((2, 3)) > 0.03).all()
    normals = (views[..., 4:7].astype(float) - 128) / 127
    assert np.allclose(np.linalg.norm(normals[mask], axis=1), 1, atol=0.03)
    assert (views[..., 7][mask] > 0).all()
    assert not views[..., 7][~mask].any()


def test_siblings_stand_in_one_shelf_with_their_design() -> None:
    """Four siblings of each design, the first designs of all families first."""
    keys = library.plan({"washer": 1, "link": 2})
    assert keys[:8] == tuple((name, 0, sibling) for name in ("washer", "link") for sibling in range(4))
    assert keys[8:] == tuple(("link", 1, sibling) for sibling in range(4))


def test_families_that_are_tested_on_are_not_trained_on() -> None:
    """No held-out family has a design in the library, every other one has."""
    designs = library.designs(1, 2, 3)
    assert {family.name for family in families().values() if not family.held_out} == set(designs)
    assert set(designs.values()) == {1, 2, 3}


def test_places_are_made_once(tmp_path: Path) -> None:
    """They are kept in their file, and are not all alike."""
    made = places(13, tmp_path / "places.npy")
    assert made.shape == (13, SIZE, SIZE, 3)
    assert np.array_equal(made, places(13, tmp_path / "places.npy"))
    assert made.reshape(13, -1).mean(1).std() > 5
