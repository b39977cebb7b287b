"""A file for each corner that parsers fall into, with what has to become of it."""

from __future__ import annotations

import functools
from typing import NamedTuple

from formats import Upload

SECRET_COLOUR = (0.1255, 0.4392, 0.8157)  # of what lies beside an upload: no part may have it
PAYLOAD = "<script>alert(1)</script>"


class Corner(NamedTuple):
    """An upload and its outcome: whether it `loads` (None: either), words of the sentence, bodies and their names."""

    label: str
    upload: Upload
    loads: bool | None = False
    words: str = ""
    bodies: int | None = None
    names: tuple[str, ...] | None = None


def single(name: str, data: bytes, **files: bytes) -> Upload:
    """An upload of one file, and of those that belong to it."""
    return Upload(name, {name: data, **files})


@functools.cache
def catalogue() -> tuple[Corner, ...]:
    """All corners of all formats, but for those that lead out of the upload (`corners_external`)."""
    import corners_kernel
    import corners_mesh
    import corners_scene

    return tuple(corner for module in (corners_kernel, corners_mesh, corners_scene) for corner in module.corners())
