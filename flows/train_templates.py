"""Made-up parts -> the projection of the shape templates: how `partsight-templates` was made.

    see parts from anywhere -> describe what is seen -> learn what all have in common, and in what they differ

`python -m flows.train_templates` does it, in minutes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.unkept import unkept
from tasks.templates.training import Course

if TYPE_CHECKING:
    from tasks.templates.projection import Projection

RELEASED: Final = Course()


@task(task_run_name="learn", cache_policy=NO_CACHE, **unkept)
def learn(course: Course, workers: int) -> tuple[Projection, int]:
    """See the parts, and learn from what is seen; returns what was learned, and from how many views."""
    from tasks.templates import projection, training

    log, done = get_run_logger(), [0]

    def advance(count: int) -> None:
        done[0] += count
        log.info("%d of %d parts seen", done[0], course.parts)

    features = training.learned_from(course, workers, advance)
    return projection.whitening(features), len(features)


@flow(name="train-templates", flow_run_name="seed {course.seed}", **unkept)
def train_templates(course: Course = RELEASED, out: Path = Path("blocks/weights"), workers: int = 2) -> dict[str, Any]:
    """Learn the projection of the shape templates, from nothing but parts that the project makes up.

    Args:
        course: From how much it is learned.
        out: Where the weights are put in the end.
        workers: Processes that render, one a core.
    """
    from tasks.templates import projection

    learned, views = learn(course, workers)
    file = out / projection.WEIGHTS.name
    projection.write(learned, file)
    return {"weights": str(file), "views": views, "numbers": learned.matrix.shape[1]}


def main() -> None:
    """Run the flow from the command line: `python -m flows.train_templates --help`."""
    from cyclopts import App

    app = App(name="python -m flows.train_templates")
    app.default(train_templates)
    app()


if __name__ == "__main__":
    main()
