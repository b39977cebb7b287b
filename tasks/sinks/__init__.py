r"""Where accepted pictures and their vectors go besides the catalogue: a sink is its settings, a pydantic model.

    class Names(BaseModel):
        '''List the pictures of every part.'''

        separator: str = Field(",", description="What stands between two columns.")

        def __call__(self, pictures, to):
            with (to.folder / "names.csv").open("w") as file:
                for picture in pictures:
                    file.write(f"{picture.id}{self.separator}{picture.part.number}\n")

A package offers it under the entry point group `partsight.sinks`; `PARTSIGHT_SINKS="names=mymodule:Names"` does without
a package. It runs in a process of its own. `pictures` comes once, a batch at a time, in an order that depends on the
pictures alone. `to.folder` is an empty folder that takes the place of the former export when the sink is done: one that
is stopped or that raises leaves the former one whole. What it returns, if anything, is a dict that is told with the
export (JSON). `revision` is counted up when the same settings write something else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.plugins import ALL, Group, Plugin, PluginError
from tasks.records import Bools, Bytes, Camera, Part, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SINKS", "Destination", "Picture", "Sink", "SinkError", "installed", "sink"]


class SinkError(PluginError):
    """A sink is missing, wrongly set, or failed: a sentence with its name."""


class Sink(Plugin):
    """A sink as it is installed: `settings` is its class, or None and `error` says why it did not load."""


class Picture(Record):
    """An accepted picture of a part, with its vector.

    `data` are the bytes as they are stored: WebP (RGBA, straight alpha) for views, JPEG otherwise. `mask` (h, w) bool
    is the part's silhouette in it, None where nobody knows it (photographs, and what was made of them or of words).
    `camera` is the one that the view was rendered with, of which a variant was made. `vector` (d,) float32 has unit
    length.
    """

    id: str
    part: Part
    kind: Literal["view", "variant", "photo", "text"]
    parent: str = Field("", description="The picture that it was made of.")
    place: int = 0
    stages: str = Field("", description="Stages that made a variant.")
    prompt: str = ""
    scores: dict[str, float] = Field({}, description="What the gate measured.")
    data: bytes
    mask: Bools | None = None
    camera: Camera | None = None
    vector: NDArray[np.float32]

    @property
    def suffix(self) -> str:
        """What a file of `data` ends in, without a dot."""
        return "webp" if self.data.startswith(b"RIFF") else "png" if self.data.startswith(b"\x89PNG") else "jpg"

    @property
    def pixels(self) -> Bytes:
        """The picture as it was embedded, (h, w, 3) uint8: a view lies on the studio's backdrop."""
        from tasks import codec

        return codec.decode(self.data)

    @property
    def jpeg(self) -> bytes:
        """The picture as it was embedded, as JPEG: the bytes as they are stored where these are JPEG."""
        from tasks import codec

        return self.data if self.suffix == "jpg" else codec.encode_photograph(self.pixels)

    @property
    def mask_png(self) -> bytes:
        """The silhouette as a one-bit PNG; empty where there is none."""
        from tasks import codec

        return b"" if self.mask is None else codec.encode_mask(self.mask)


class Destination(Record):
    """Whose pictures they are, what made their vectors, and where a sink may write.

    `parts` are all active parts by number, sorted; `count` is how many pictures come.
    """

    customer: str
    name: str = ""
    run: str
    model: str
    dimension: int
    count: int = 0
    parts: tuple[Part, ...] = ()
    folder: Path


SINKS = Group("sink", "__call__(self, pictures, to) that writes", Sink, SinkError)


def installed(plugins: Sequence[str] = ALL) -> dict[str, Sink]:
    """Every sink by name: the built-ins, other packages' that `plugins` allow, and those of `PARTSIGHT_SINKS`."""
    return SINKS.installed(plugins)


def sink(name: str, plugins: Sequence[str] = ALL) -> Sink:
    """The sink of that name, ready to use.

    Raises SinkError when there is none (naming the nearest right one), when `plugins` do not allow it, or when it
    failed to load.
    """
    return SINKS.named(name, plugins)
