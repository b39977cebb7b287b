"""Made-up parts -> the network that cuts queries out: how `partsight-cutout` was made.

    path-trace parts, alone and in clutter; render others and lay them into places -> learn which pixels are the part's
    -> measure on other designs -> weights

`python -m flows.train_cutout` does it. Stopped anywhere and started again, it goes on from its last checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.unkept import unkept
from tasks.cutout.training.course import Course
from tasks.progress import line

if TYPE_CHECKING:
    from tasks.cutout.training.library import Album
    from tasks.records import Bytes

RELEASED: Final = Course()
LOOKED: Final = 400  # steps between two exams


@task(task_run_name="make pictures", cache_policy=NO_CACHE, retries=2, **unkept)
def stock(folder: Path, course: Course, workers: int) -> tuple[Album, list[Bytes], Album]:
    """Make the pictures and views to learn from and the pictures to measure with; what is there already is kept."""
    from tasks.cutout.training import library

    log, done = get_run_logger(), [0]

    def advance(count: int) -> None:
        done[0] += count
        if done[0] % 240 < count:
            log.info("%d pictures and views stand in the library", done[0])

    asked = library.planned(course.asked, course.designs, course.seed, first=library.UNSEEN)
    unseen = library.photographed(folder / "unseen", asked, workers, advance)
    keys = library.planned(course.rendered, course.designs, (course.seed, "views"))
    views = library.rendered(folder / "views", keys, workers, advance)
    keys = library.planned(course.traced, course.designs, course.seed)
    return library.photographed(folder / "traced", keys, workers, advance), views, unseen


@task(task_run_name="learn", cache_policy=NO_CACHE, **unkept)
def learn(folder: Path, course: Course, album: Album, views: list[Bytes], unseen: Album) -> dict[str, float]:
    """Train from the last checkpoint to the end; returns how well designs are cut out that were not trained on."""
    from tasks.cutout.training import loop
    from tasks.cutout.training.ground import lined
    from tasks.training.places import places

    log = get_run_logger()
    scenes = lined(places(course.scenes, folder / "places.npy"))
    lessons = loop.Lessons(album, views, scenes, course, folder)
    learner = lessons.learner
    if learner.resume():
        log.info("going on from step %d", learner.step)
    while True:
        until = (learner.step // LOOKED + 1) * LOOKED
        learner.run(lessons.losses, lambda told: log.info("%s", line(told)), until=until)
        network = loop.settled(lessons, learner.averaged()["silhouette"])
        found = loop.exam(network, unseen)
        log.info("step %d: %s", learner.step, line(found))
        loop.write(network, folder / loop.FILE)
        if learner.step >= course.pace.steps:
            return found


@flow(name="train-cutout", flow_run_name="seed {course.seed}", **unkept)
def train_cutout(
    course: Course = RELEASED,
    folder: Path = Path("build/train-cutout"),
    out: Path = Path("blocks/weights"),
    workers: int = 2,
) -> dict[str, Any]:
    """Train the network that cuts query pictures out, from nothing but parts that the project makes up.

    Args:
        course: How long and how hard to train.
        folder: Where pictures, checkpoint and log are kept; the next run goes on from there.
        out: Where the weights are put in the end.
        workers: Processes that trace and render, one a core.
    """
    from shutil import copyfile

    from tasks.cutout.training import loop

    album, views, unseen = stock(folder, course, workers)
    found = learn(folder, course, album, views, unseen)
    copyfile(folder / loop.FILE, out / loop.FILE)
    return {"weights": str(out / loop.FILE), "pictures": len(album), **found}


def main() -> None:
    """Run the flow from the command line: `python -m flows.train_cutout --help`."""
    from cyclopts import App

    app = App(name="python -m flows.train_cutout")
    app.default(train_cutout)
    app()


if __name__ == "__main__":
    main()
