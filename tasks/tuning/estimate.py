"""How long an adaptation will take: what is known of its pieces, and what a few seconds of measuring say here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tasks.reembedding import ASKED_BY

if TYPE_CHECKING:
    from tasks.tuning.work import Adaptation

TRIED: Final = 32  # pictures that the model is timed with
CUT: Final = 4  # pictures that the cut-out is timed with
ASKED: Final = 0.03  # seconds of a core for a question that is not there yet
LOOKS: Final = 3  # at a question: two by what is live, one by what would take its place
CUTS: Final = 2  # of a question's picture: for what is live, and for what would take its place
BACK: Final = 3.0  # times as long as looking at a picture, that learning from it takes


def estimate(work: Adaptation) -> dict[str, float]:
    """Seconds that rendering, learning, embedding and the evaluation will take, and their sum."""
    from tasks import queries
    from tasks.tuning.library import PACE, views

    vectors = work.shown.table(work.shown.vectors).count_rows()
    each, cutting = paces(work)
    asked = queries.plan(work.catalogue, work.shown, work.customer, ASKED_BY)
    course, count = work.course, len(work.sitters)
    batch = min(course.parts, count) * (1 + course.pictures)
    found = {
        "render": count * views(count, course, work.workers) / PACE / work.workers,
        "learn": course.steps * batch * each / work.weights.turns * BACK if course.steps else 60 * course.minutes,
        "embed": vectors * each,
        "evaluate": len(asked.wanted) * (LOOKS * each + CUTS * cutting) + asked.lacking * ASKED / work.workers,
    }
    return {name: round(value, 1) for name, value in found.items()} | {"total": round(sum(found.values()), 1)}


def paces(work: Adaptation) -> tuple[float, float]:
    """Seconds in which a picture of the catalogue is embedded here, and cut out, measured with some of them."""
    from lancedb.expr import col, lit

    from tasks import codec, cutout

    accepted = work.shown.table("images").search().where(col("accepted") == lit(value=True))
    rows = accepted.select(["image"]).limit(TRIED).to_list()
    if not rows:
        raise ValueError(
            "No picture of this catalogue is accepted, so there is nothing to compare with: onboard again."
        )
    pictures = [codec.decode(row["image"]) for row in rows]
    work.embedder.images(pictures[:1])  # it is loaded, and warm
    cutout.cut(pictures[0][:64])
    begun = time.perf_counter()
    work.embedder.images(pictures)
    embedded = time.perf_counter()
    for picture in pictures[:CUT]:
        cutout.cut(picture)
    return (embedded - begun) / len(pictures), (time.perf_counter() - embedded) / len(pictures[:CUT])
