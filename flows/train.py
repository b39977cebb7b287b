"""Made-up parts -> the weights that ship: how the embedder that works out of the box was made.

    draw parts of many families -> render what the CAD knows of each pixel, once
    -> light and photograph them anew at each step, until two pictures of one part lie close together
    -> measure on designs that were not trained on -> weights, configuration, vocabulary

`python -m flows.train` does it. Stopped anywhere and started again, it goes on from its last checkpoint; the same
seed gives the same parts, the same pictures and, on the same kind of machine, the same weights.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.unkept import unkept
from tasks.progress import line
from tasks.training.course import Course

if TYPE_CHECKING:
    from tasks.training.library import Shelf
    from tasks.training.loop import Loop

UNSEEN: Final = 1000  # designs from this number on are never trained on
PLACES: Final = 768
RELEASED: Final = Course()
EXAMINED: Final = 500  # steps between two looks at how well it finds


@task(task_run_name="stock the library", cache_policy=NO_CACHE, retries=2, **unkept)
def stock(folder: Path, course: Course, workers: int) -> tuple[Shelf, Shelf]:
    """Draw and render the parts to train on and those to measure with; what is there already is kept."""
    from tasks.training import library

    log, done = get_run_logger(), [0]
    designs = library.designs(*course.designs)
    asked = library.plan({name: 1 for name, count in designs.items() if count}, first=UNSEEN)
    keys = library.plan(designs)

    def advance(count: int) -> None:
        done[0] += count
        if done[0] % 512 < count:
            log.info("%d of %d parts stand in the library", done[0], len(asked) + len(keys))

    unseen = library.stocked(folder / "exam", asked, workers, advance)
    return library.stocked(folder / "library", keys, workers, advance), unseen


@task(task_run_name="learn", cache_policy=NO_CACHE, **unkept)
def learn(folder: Path, course: Course, shelf: Shelf, unseen: Shelf) -> dict[str, float]:
    """Train from the last checkpoint to the end; returns recall on designs that were not trained on."""
    from tasks.training import network
    from tasks.training.loop import Loop
    from tasks.training.places import places

    log = get_run_logger()
    model, tokenizer = network.created(network.configured(shelf, folder), course.seed)
    loop = Loop(model, tokenizer, shelf, places(PLACES, folder / "places.npy"), course, folder)
    if loop.resume():
        log.info("going on from step %d", loop.step)
    while True:
        loop.run(lambda told: log.info("%s", line(told)), until=_next_look(loop.step, course.steps))
        found = _examined(loop, unseen)
        log.info("step %d finds %s", loop.step, line(found))
        if loop.step >= course.steps:
            network.write(loop.average, folder)
            return found


def _next_look(step: int, last: int) -> int:
    return min(last, (step // EXAMINED + 1) * EXAMINED)


def _examined(loop: Loop, unseen: Shelf) -> dict[str, float]:
    from tasks.training.exam import exam

    model = copy.deepcopy(loop.model)
    model.load_state_dict(loop.average)
    return exam(model.eval(), loop.tokenizer, unseen, loop.scenes, loop.course.size(max(loop.step - 1, 0)))


@flow(name="train", flow_run_name="seed {course.seed}", **unkept)
def train(
    course: Course = RELEASED,
    folder: Path = Path("build/train"),
    out: Path = Path("blocks/weights"),
    workers: int = 2,
) -> dict[str, Any]:
    """Train the embedder that ships, from nothing but parts that the project makes up.

    Args:
        course: How long and how hard to train.
        folder: Where the rendered parts and the checkpoint are kept; the next run goes on from there.
        out: Where the weights, their configuration and their vocabulary are put in the end.
        workers: Processes that draw and render, one a core.
    """
    from tasks.training import network

    shelf, unseen = stock(folder, course, workers)
    found = learn(folder, course, shelf, unseen)
    return {"weights": str(network.released(folder, out)), "parts": len(shelf.parts), **found}


def main() -> None:
    """Run the flow from the command line: `python -m flows.train --help`."""
    from cyclopts import App

    app = App(name="python -m flows.train")
    app.default(train)
    app()


if __name__ == "__main__":
    main()
