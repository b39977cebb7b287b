"""What is looked at in an embedder: unit vectors of one length for any picture, the same in any company."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from blocks.customer import Embed
from tasks import embed, embedders
from tasks.contract import Finding, form, subjects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.embed import Embedder
    from tasks.plugins import Plugin
    from tasks.records import Bytes

SLOW: Final = 2.0  # pictures a second
ROUNDING: Final = 1e-3  # a cosine: how far vectors of another batch may be


def findings(plugin: Plugin) -> list[Finding]:
    """All that was found about an embedder."""
    found = form.findings(plugin)
    if any(one.level == "fail" for one in found) or plugin.settings is None:
        return found
    try:
        made = embedders.ready(plugin, Embed(model=plugin.name))
        model = made if isinstance(made, embed.Embedder) else embed.Plugged(plugin, *made)
        model.images([])
        vectors = model.images(list(_pictures().values()))
    except ValueError as error:
        mend = "Called without arguments it gives an object with `dimension` and `images(pictures)` -> (n, dimension)."
        return [*found, Finding(level="fail", name="types", what=str(error), mend=mend)]
    words = "knows words" if model.words else "knows no words"
    what = f"{model.dimension} numbers of unit length for any picture; {words}; table {model.table}."
    found.append(Finding(level="pass", name="types", what=what))
    found += _same(model, vectors)
    found += _telling(vectors)
    found += _words(model)
    found += _speed(model)
    return found


def _pictures() -> dict[str, Bytes]:
    """Pictures of all sizes, by what they show."""
    ball, ring = subjects.ball(), subjects.ring()
    return {
        "a ball": ball.image,
        "a ring": ring.image,
        "an oblong": np.ascontiguousarray(ring.image[20:90]),
        "a small one": np.ascontiguousarray(ball.image[::9, ::9]),
        "one pixel": np.full((1, 1, 3), 90, dtype=np.uint8),
        "all black": np.zeros((64, 64, 3), dtype=np.uint8),
        "all white": np.full((80, 64, 3), 255, dtype=np.uint8),
    }


def _same(model: Embedder, vectors: Any) -> Iterator[Finding]:
    pictures = list(_pictures().values())
    again = model.images(pictures)
    alone = np.concatenate([model.images([picture]) for picture in reversed(pictures)])[::-1]
    for other, when in ((again, "a second time"), (alone, "one by one")):
        strayed = 1 - float((vectors * other).sum(axis=1).min())
        if strayed > ROUNDING:
            what = f"The same pictures, embedded {when}, have a cosine of {1 - strayed:.3f} with themselves."
            mend = (
                "A vector depends on its picture alone: no random numbers, no statistics of the batch (model.eval())."
            )
            yield Finding(level="fail", name="determinism", what=what, mend=mend)
            return
    yield Finding(level="pass", name="determinism", what="The same vectors again, one by one and in a batch.")


def _telling(vectors: Any) -> Iterator[Finding]:
    """Whether a ball and a ring have different vectors."""
    cosine = float(vectors[0] @ vectors[1])
    if cosine > 0.9999:
        what, mend = "A ball and a ring have the same vector.", "Then no search can tell parts apart."
        yield Finding(level="fail", name="effect", what=what, mend=mend)


def _words(model: Embedder) -> Iterator[Finding]:
    if not model.words:
        return
    try:
        found = model.texts(["hex bolt M8", "", "Schlüssel", "long " * 500])
    except ValueError as error:
        mend = "texts(texts) gives (n, dimension) for any text, or is left out."
        yield Finding(level="fail", name="words", what=str(error), mend=mend)
        return
    yield Finding(level="pass", name="words", what=f"{len(found)} texts, empty and long ones too.")


def _speed(model: Embedder) -> Iterator[Finding]:
    pictures = [subjects.ball(256).image] * 8
    start = time.perf_counter()
    model.images(pictures)
    pace = len(pictures) / max(time.perf_counter() - start, 1e-9)
    level: Any = "pass" if pace >= SLOW else "warn"
    mend = "" if pace >= SLOW else "Every picture of a catalogue is embedded, and every question: take batches at once."
    yield Finding(level=level, name="speed", what=f"{pace:.3g} pictures a second of 256 px.", mend=mend)
