"""The library of pictures to learn from: made once, the same for everybody who asks for more."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.diffusion.training import library
from tasks.diffusion.training.course import Course, Shape
from tasks.generate import families

COURSE = Course(pictures=4, designs=(1, 0, 0), traced=0.0, shape=Shape(size=32))


def test_more_pictures_begin_with_the_same() -> None:
    """A longer course has the pictures of a shorter one first; unseen and held-out parts are in neither."""
    few, many = (library.planned(Course(pictures=count)) for count in (400, 16_000))
    assert len(few) == 100
    assert many[:100] == few
    assert len({family for family, _, _ in few}) > 30
    kept = {name for name, family in families().items() if family.held_out}
    assert not kept & {family for family, _, _ in many}
    assert not set(library.unseen(Course())) & set(many)


def test_pictures_come_with_geometry_and_words(tmp_path: Path) -> None:
    """Four pictures of each part, all different, with what is said of it; what is there is not made again."""
    keys = library.planned(COURSE)
    told: list[int] = []
    album = library.stocked(tmp_path, keys, COURSE, 1, told.append)
    assert told == [4]
    assert (album.count, len(album.says), len(album.said)) == (4, 4, 4)
    assert album.images()[0].shape == (4, 32, 32, 3)
    assert album.conditions()[0].shape == (4, 32, 32, 4)
    assert len({np.asarray(picture).tobytes() for picture in album.images()[0]}) == 4
    made = (tmp_path / "00000.images.npy").stat().st_mtime_ns
    assert library.stocked(tmp_path, keys, COURSE, 1, told.append) == album
    assert (tmp_path / "00000.images.npy").stat().st_mtime_ns == made
