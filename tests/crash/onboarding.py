"""A small onboarding with all stages on, in a process that can be killed at a commit, and its steps are counted.

`serve` is a process that has imported what is heavy and forks another for each onboarding that it is told of: no test
waits for torch. What is forked imports LanceDB itself, since its threads would not come along.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from blocks.customer import Customer, Pools, Recipe, Release, Render

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.job import Job

HEAVY: Final = ("torch", "pyarrow", "trimesh", "scipy.ndimage", "PIL.Image", "tasks.pictures", "tasks.gate")
ONCE: Final = (
    *("torchvision.transforms.v2", "open_clip", "jinja2", "lance_namespace"),
    *("tasks.embed", "tasks.ingest", "tasks.score"),
)
PASSING: Final = (OSError, RuntimeError)  # as flows.patience has it, which would import Prefect
AT_ONCE: Final = 2  # parts in a batch: there are few
CUSTOMER: Final = Customer(
    slug="acme",
    recipe=Recipe(
        render=Render(views=2, size=64), stages=("wear", "background", "occlude", "camera"), variants=1, templates=4
    ),
    release=Release(queries=6),
    pools=Pools(workers=2),
)
COMMITS: Final = {  # what makes a new version of a table, or a table
    "LanceTable": (
        *("_do_merge", "delete", "update", "create_index", "optimize", "add_columns"),
        "set_unenforced_primary_key",
    ),
    "LanceDBConnection": ("drop_table",),
    "blocks.catalogue": ("found",),
}


def source(folder: Path) -> Path:
    """A customer's folder: five shapes in three formats, one of them twice, a picture, a table and a broken file."""
    import numpy as np
    import trimesh
    from PIL import Image

    folder.mkdir(parents=True)
    for inner in (3, 5):
        trimesh.creation.annulus(inner, 10.0, 2.0).export(folder / f"washer-{inner}.stl")
    trimesh.creation.annulus(5, 10.0, 2.0).export(folder / "ring.stl")
    trimesh.creation.box((30, 20, 10)).export(folder / "block.ply")
    trimesh.creation.cone(8, 20, sections=16).export(folder / "cone.obj")
    trimesh.creation.cylinder(4, 30, sections=12).export(folder / "pin.stl")
    (folder / "broken.step").write_text("no STEP file")
    light = np.linspace(20, 230, 96, dtype=np.uint8)
    Image.fromarray(np.stack([np.add.outer(light // 2, light // 2)] * 3, axis=-1)).save(folder / "block_1.jpg")
    (folder / "parts.csv").write_text("number,name,material\nwasher-3,Washer small,brass\nblock,Spacer,POM\n")
    return folder


def patient(step: Callable[..., Any], *arguments: Any) -> Any:
    """As the flow has it: what may pass by itself is tried again twice."""
    for pause in (0.1, 0.3, None):
        try:
            return step(*arguments)
        except PASSING:
            if pause is None:
                raise
            traceback.print_exc()
            time.sleep(pause)
    raise AssertionError


def steps(job: Job) -> dict[str, Any]:
    """The steps of the flow, in small batches."""
    from tasks.making import chunks

    if job.nothing_to_do():
        return job.rest()
    for files in job.file_batches():
        patient(job.read, files)
    patient(job.find_parts)
    for parts in chunks([part for batch in job.part_batches() for part in batch], AT_ONCE):
        patient(job.make, parts)
    return ended(job)


def ended(job: Job) -> dict[str, Any]:
    """What comes after the parts are made."""
    from tasks.making import chunks

    for pictures in job.filling.batches():
        patient(job.filling.make, pictures)
    for views in job.augmentation.batches():
        patient(job.augmentation.make, views)
    for shapes in chunks([shape for batch in job.shape_batches() for shape in batch], AT_ONCE):
        patient(job.casting.make, shapes)
    return dict(patient(job.finish))


def onboarded(told: dict[str, Any]) -> dict[str, Any]:
    """Onboard `told["cad"]` into `told["uri"]`."""
    from blocks.catalogue import Catalogue
    from blocks.source import Source
    from tasks.job import opened

    where = (
        Catalogue(uri=told["uri"], storage_options=told.get("options", {})),
        *(Source(location=told["cad"]), None, Path(told["home"]), 1),
    )
    with opened(customer(told), *where) as job:
        return steps(job)


def customer(told: dict[str, Any]) -> Customer:
    """The customer, with the stages that are wanted."""
    recipe = CUSTOMER.recipe.model_copy(update={"stages": tuple(told.get("stages", CUSTOMER.recipe.stages))})
    return CUSTOMER.model_copy(update={"recipe": recipe})


def counted(log: Path) -> None:
    """Write down what is read, rendered and embedded, one line for each."""
    from tasks import augmentation, intake, publish, workshop

    def told(what: str, count: int) -> None:
        with log.open("a") as file:
            file.write(f"{what} {count}\n")

    def wrap(owner: Any, name: str, count: Callable[..., list[tuple[str, int]]]) -> None:
        whole = getattr(owner, name)

        def watched(*arguments: Any, **more: Any) -> Any:
            made = whole(*arguments, **more)
            for what, how_many in count(made, *arguments[-1:]):
                told(what, how_many)
            return made

        setattr(owner, name, watched)

    wrap(intake.Intake, "_next", lambda *_: [("files", 1)])
    wrap(publish, "embedded", lambda rows, *_: [("vectors", len(rows))])
    wrap(augmentation.Augmentation, "_make", lambda _, views: [("Made", len(views))])
    wrap(workshop.Workshop, "make", lambda made, *_: [(type(one).__name__, _count(one)) for one in made])


def _count(made: Any) -> int:
    """Rows of what came of an order; 1 where it is no rows."""
    return len(getattr(made, "rows", "1"))


class Points:
    """Counts the commits of this process and writes them down; at one of them something befalls it.

    At commit `stop` it is killed, `before` or `after` it. At commit `rival` another writer's commit to the same table
    comes first.
    """

    def __init__(self, log: Path, told: dict[str, Any]) -> None:
        self._log, self._count, self._rivals = log, 0, False
        self._stop, self._when = told.get("stop", -1), told.get("when", "before")
        self._rival = told.get("rival", -1)

    def watch(self) -> None:
        """Stand at everything that commits."""
        from lancedb import db, table

        from blocks import catalogue

        for owner in (table.LanceTable, db.LanceDBConnection, catalogue):
            for name in COMMITS[owner.__name__]:
                setattr(owner, name, self._watched(getattr(owner, name), name))

    def _watched(self, whole: Callable[..., Any], what: str) -> Callable[..., Any]:
        def commit(owner: Any, *arguments: Any, **more: Any) -> Any:
            if self._rivals:
                return whole(owner, *arguments, **more)
            here, self._count = self._count, self._count + 1
            if here == self._stop and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            if here == self._rival:
                self._rivals = True
                if what == "found":
                    whole(owner, *arguments, **more)
                else:
                    rivalled(owner)
                self._rivals = False
            done = whole(owner, *arguments, **more)
            with self._log.open("a") as file:
                file.write(f"{here} {what} {getattr(owner, 'name', '') or arguments[0]}\n")
            if here == self._stop:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return commit


def rivalled(table: Any) -> None:
    """Another writer's commit: a row of the table is written again as it is; an empty one is put in order."""
    import lancedb

    from blocks.tables import key

    other = lancedb.connect(str(Path(table.uri).parent)).open_table(table.name)
    row = other.search().limit(1).to_arrow()
    if row.num_rows:
        other.merge_insert(key(table.name)).when_matched_update_all().execute(row)
    else:
        other.optimize()


def forked(told: dict[str, Any]) -> None:
    """The other side of a fork: do what is `told`, write what came of it, and never come back."""
    from multiprocessing import forkserver

    os.setsid()
    folder = Path(told["home"])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "said.log").open("ab") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    if "largest" in told:  # what is written beyond that fails, as on a disk that is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (told["largest"], told["largest"]))
    os.environ.update(told.get("environment", {}))
    # workers are forked by the server that was started before this process, and is no child of it
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[attr-defined]
    counted(folder / "work.log")
    Points(folder / "commits.log", told).watch()
    module, _, name = str(told.get("do", "onboarding:onboarded")).partition(":")
    try:
        outcome = {"summary": getattr(importlib.import_module(module), name)(told)}
    except Exception as error:  # noqa: BLE001 what it says is what is looked at
        traceback.print_exc()
        outcome = {"error": f"{type(error).__name__}: {error}"}
    (folder / "outcome.json").write_text(json.dumps(outcome, default=str))
    os._exit(1 if "error" in outcome else 0)


def serve() -> None:
    """Fork for each line that says so, and tell what has become of a process when asked."""
    from multiprocessing import forkserver

    from blocks import torchvision_ops

    forkserver.set_forkserver_preload(["__main__", "tasks.preload"])
    forkserver.ensure_running()
    torchvision_ops.declare()
    for name in (*HEAVY, *ONCE):
        __import__(name)
    assert "lancedb" not in sys.modules
    for line in sys.stdin:
        told = json.loads(line)
        if "wait" in told:
            _, status = os.waitpid(told["wait"], 0)
            answer = {"status": os.waitstatus_to_exitcode(status)}
        else:
            answer = {"pid": os.fork()}
            if not answer["pid"]:
                forked(told)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
