"""How long an adaptation will take: what is known of its pieces, and what a few seconds of measuring say here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tasks.reembedding import ASKED_BY

if TYPE_CHECKING:
    from tasks.tuning.work import Adaptation

TRIED: Final = 32  # pictures that the model is timed with
ASKED: Final = 0.03  # seconds of a core for a question that is not there yet
LOOKED: Final = 2  # times that a question is looked at: by what is live, and by what would take its place
BACK: Final = 3.0  # times as long as looking at a picture, that learning from it takes


def estimate(work: Adaptation) -> dict[str, float]:
    """Seconds that rendering, learning, embedding and the evaluation will take, and their sum."""
    from tasks import queries
    from tasks.tuning.library import PACE, views

    rows = work.shown.table(work.shown.vectors).count_rows()
    each = seconds_each(work)
    asked = queries.plan(work.catalogue, work.shown, work.customer, ASKED_BY)
    course, count = work.course, len(work.sitters)
    batch = min(course.parts, count) * (1 + course.pictures)
    found = {
        "render": count * views(count, course, work.workers) / PACE / work.workers,
        "learn": course.steps * batch * each / work.weights.turns * BACK if course.steps else 60 * course.minutes,
        "embed": rows * each,
        "evaluate": LOOKED * len(asked.wanted) * each * 2 + asked.lacking * ASKED / work.workers,
    }
    return {name: round(value, 1) for name, value in found.items()} | {"total": round(sum(found.values()), 1)}


def seconds_each(work: Adaptation) -> float:
    """Seconds in which the model embeds a picture of the catalogue here, measured with some of them."""
    from tasks import codec

    rows = work.shown.table("images").search().select(["image"]).limit(TRIED).to_list()
    pictures = [codec.decode(row["image"]) for row in rows]
    work.embedder.images(pictures[:1])  # it is loaded, and warm
    begun = time.perf_counter()
    work.embedder.images(pictures)
    return (time.perf_counter() - begun) / max(len(pictures), 1)
