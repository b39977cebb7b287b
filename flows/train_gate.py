"""Made-up parts -> the network of the gate's check `matter`: how `partsight-gate` was made.

    photograph parts as they are, and with faults planted -> learn where the part is seen, where that differs from its
    CAD, and whether it does -> measure on other series -> weights

`python -m flows.train_gate` does it. Stopped anywhere and started again, it goes on from its last checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.unkept import unkept
from tasks.gate.training.course import Course
from tasks.progress import line

if TYPE_CHECKING:
    from tasks.gate.training.library import Book

RELEASED: Final = Course()
LOOKED: Final = 500  # steps between two exams
UNSEEN: Final = 700  # series from this number on are never trained on; `make bench-gate` begins at 900


@task(task_run_name="plant faults", cache_policy=NO_CACHE, retries=2, **unkept)
def stock(folder: Path, course: Course, workers: int) -> tuple[Book, Book]:
    """Make the pictures to learn from and those to measure with; what is there already is kept."""
    from tasks.gate.training import library

    log, done = get_run_logger(), [0]

    def advance(count: int) -> None:
        done[0] += count
        if done[0] % 1024 < count:
            log.info("%d pictures stand in the library", done[0])

    asked = library.planned(course.asked, course.seed + 1, first=UNSEEN)
    unseen = library.stocked(folder / "unseen", asked, workers, advance)
    keys = library.planned(course.sitters, course.seed)
    return library.stocked(folder / "library", keys, workers, advance), unseen


@task(task_run_name="learn", cache_policy=NO_CACHE, **unkept)
def learn(folder: Path, course: Course, book: Book, unseen: Book) -> dict[str, float]:
    """Train from the last checkpoint to the end; returns what is caught on series that were not trained on."""
    from tasks.gate.training import loop

    log = get_run_logger()
    lessons, asked = loop.Lessons(book, course, folder), loop.Lessons(unseen, course, folder)
    learner = lessons.learner
    if learner.resume():
        log.info("going on from step %d", learner.step)
    while True:
        until = (learner.step // LOOKED + 1) * LOOKED
        learner.run(lessons.losses, lambda told: log.info("%s", line(told)), until=until)
        network = learner.averaged()["sight"]
        found = loop.exam(network, asked)
        log.info("step %d: %s", learner.step, line(found))
        loop.write(network, folder / loop.FILE)
        if learner.step >= course.pace.steps:
            return found


@flow(name="train-gate", flow_run_name="seed {course.seed}", **unkept)
def train_gate(
    course: Course = RELEASED,
    folder: Path = Path("build/train-gate"),
    out: Path = Path("blocks/weights"),
    workers: int = 2,
) -> dict[str, Any]:
    """Train the network of the gate's check `matter`, from nothing but parts that the project makes up.

    Args:
        course: How long and how hard to train.
        folder: Where pictures, checkpoint and log are kept; the next run goes on from there.
        out: Where the weights are put in the end.
        workers: Processes that draw and render, one a core.
    """
    from shutil import copyfile

    from tasks.gate.training import loop

    book, unseen = stock(folder, course, workers)
    found = learn(folder, course, book, unseen)
    copyfile(folder / loop.FILE, out / loop.FILE)
    return {"weights": str(out / loop.FILE), "pictures": len(book), **found}


def main() -> None:
    """Run the flow from the command line: `python -m flows.train_gate --help`."""
    from cyclopts import App

    app = App(name="python -m flows.train_gate")
    app.default(train_gate)
    app()


if __name__ == "__main__":
    main()
