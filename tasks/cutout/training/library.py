"""Pictures to learn from on disk: path-traced ones with the object's exact cover, and views to lay into places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks import codec
from tasks.generate import specimen
from tasks.records import Bytes, Floats, Record, generator
from tasks.render import RENDERER
from tasks.rig import MATERIALS, roaming
from tasks.training import chunks
from tasks.training.library import DRAWN, designs, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tasks.generate import Specimen
    from tasks.training.library import Key

TRACED: Final = "cutout-1"  # change it when the same seed gives another picture: the library is made anew
SIZE: Final = 144  # pixels of a path-traced picture
EACH: Final = 3  # path-traced pictures of a part: one alone, the others in clutter
PARTS: Final = 8  # in a file of path-traced pictures
LEAST: Final = 0.02  # share of a picture that its part takes at least
TRIES: Final = 6
FILL: Final = (0.32, 0.9)  # share of the frame that the part takes
BINS: Final = 0.04  # share of pictures in which it lies in a bin
SIDE: Final = 128  # pixels of a rendered view
VIEWS: Final = 5  # of a part
CHUNK: Final = 32  # parts in a file of views
UNSEEN: Final = 1000  # designs from this number on are never trained on


class Album(Record):
    """Path-traced pictures.

    `images` (n, s, s, 3) uint8, `covers` (n, s, s) uint8: how much of each pixel is the part's, in 255ths;
    `cluttered` (n,) bool, `parts` (n,) their numbers.
    """

    images: Bytes
    covers: Bytes
    cluttered: Any
    parts: Any

    def __len__(self) -> int:
        """How many pictures."""
        return len(self.images)


def planned(count: int, many: tuple[int, int, int], seed: object, *, first: int = 0) -> tuple[Key, ...]:
    """`count` parts of families that are not held out, designs from `first` on, in an order that mixes all kinds."""
    each = designs(*many)
    keys = plan({name: 1 for name, some in each.items() if some} if first else each, first=first)
    order = generator("cutout", seed, first).permutation(len(keys))
    return tuple(keys[int(place)] for place in order[:count])


def photographed(
    folder: Path, keys: Sequence[Key], workers: int, advance: Callable[[int], None], size: int = SIZE
) -> Album:
    """Path-traced pictures of `keys` in `folder`, of `size` pixels; only the chunks that it lacks are made.

    `advance` is told of each chunk's pictures. Raises ImportError with a sentence where the path tracer is missing.
    """
    from tasks.photoreal.engine import mitsuba

    mitsuba()
    starts = range(0, len(keys), PARTS)
    orders = [(index, tuple(keys[start : start + PARTS]), size) for index, start in enumerate(starts)]
    told = chunks.stocked(folder, orders, _trace, workers, advance, TRACED, DRAWN)
    stems = [chunks.stem(folder, index) for index in range(len(orders))]
    rows = [row for one in told for row in one["rows"]]
    return Album(
        images=np.concatenate([np.load(f"{stem}.images.npy") for stem in stems]),
        covers=np.concatenate([np.load(f"{stem}.covers.npy") for stem in stems]),
        cluttered=np.array([cluttered for _, cluttered in rows]),
        parts=np.array([part for part, _ in rows]),
    )


def _trace(stem: Path, order: tuple[int, Sequence[Key], int]) -> tuple[dict[str, Any], int]:
    """Make a chunk of path-traced pictures."""
    index, keys, size = order
    made = [one for one in (_sound(key) for key in keys) if one is not None]
    images, covers, rows = [], [], []
    for place, one in enumerate(made):
        others = [other for number, other in enumerate(made) if number != place]
        for number in range(EACH):
            cluttered = number > 0 and bool(others)
            found = traced(one, others if cluttered else (), ("cutout", index, place, number), size)
            if found is not None:
                images.append(found[0])
                covers.append(found[1])
                rows.append((one.number, cluttered))
    np.save(f"{stem}.images.npy", np.array(images, np.uint8).reshape(-1, size, size, 3))
    np.save(f"{stem}.covers.npy", np.array(covers, np.uint8).reshape(-1, size, size))
    return {"rows": rows}, len(rows)


def traced(made: Specimen, others: Sequence[Specimen], seed: object, size: int = SIZE) -> tuple[Bytes, Bytes] | None:
    """The part `made` path-traced, among `others` if there are any; None where it is hardly seen from any side.

    Picture (size, size, 3) uint8, and how much of each pixel is the part's, (size, size) uint8 in 255ths.
    """
    from tasks.diffusion.training.photographs import averaged
    from tasks.diffusion.training.tracing import Setting, exposed

    setting = Setting(clutter=float(bool(others)), fill=FILL, bins=BINS)
    meshes = [(other.vertices, other.faces) for other in others]
    for attempt in range(TRIES):
        image, view, _ = exposed(made, meshes, size, generator(seed, made.number, attempt), setting)
        cover: Floats = averaged(view.mask[..., None].astype(np.float32), size)[..., 0]
        if cover.mean() >= LEAST:
            return image, np.asarray(np.rint(255 * cover), np.uint8)
    return None


def rendered(folder: Path, keys: Sequence[Key], workers: int, advance: Callable[[int], None]) -> list[Bytes]:
    """Views of `keys` in `folder`, one memory map (n, 128, 128, 8) uint8 for each 32 parts; what it lacks is made.

    Channels are those of `tasks.codec.packed`, but soft at the outline. `advance` is told of each chunk's views.
    """
    orders = [tuple(keys[start : start + CHUNK]) for start in range(0, len(keys), CHUNK)]
    chunks.stocked(folder, orders, _render, workers, advance, DRAWN, RENDERER, VIEWS, SIDE)
    return [np.load(f"{chunks.stem(folder, index)}.npy", mmap_mode="r") for index in range(len(orders))]


def _render(stem: Path, order: Sequence[Key]) -> tuple[dict[str, Any], int]:
    """Make a chunk of views."""
    from tasks.render import Studio

    studio = Studio(2 * SIDE)
    made = (one for one in (_sound(key) for key in order) if one is not None)
    views = [view for one in made for view in _views(studio, one)]
    np.save(f"{stem}.npy", np.array(views, np.uint8).reshape(-1, SIDE, SIDE, 8))
    return {}, len(views)


def _views(studio: Any, made: Specimen) -> Iterator[Bytes]:
    """A part from anywhere, of its own material or any other, each pixel the mean of four."""
    rng = generator("cutout", made.number)
    material = made.part.material if rng.random() < 0.6 else str(rng.choice(sorted(MATERIALS)))
    stands = dict(enumerate(roaming(made.vertices, VIEWS, 2 * SIDE, ("cutout", made.number))))
    for _, view in studio.taken(made.vertices, made.faces, made.part.replace(material=material), stands, made.number):
        fine = codec.packed(view).reshape(SIDE, 2, SIDE, 2, -1)
        yield np.asarray(np.rint(fine.mean((1, 3), dtype=np.float32)), np.uint8)


def _sound(key: Key) -> Specimen | None:
    """The part, or None where a family's draft is not sound."""
    try:
        return specimen(*key)
    except ValueError:
        return None
