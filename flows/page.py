"""What the page of a run shows in Prefect: progress while it runs, then tables and a report with thumbnails."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from prefect import runtime
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.states import Completed

from tasks.report import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect.client.schemas.objects import State

    from blocks.catalogue import Catalogue
    from tasks.progress import Progress

T = TypeVar("T")
log = logging.getLogger("partsight")
EVERY: Final = 2.0  # seconds between two looks at what has moved


def saying(sentence: str, result: T) -> T:
    """The end of a task or flow, with a sentence in its state; whoever called a flow gets `result`.

    Who calls a task gets the state as it is: Prefect takes the result out of it for flows alone.
    """
    ended: Any = Completed(message=sentence, data=result)
    return cast("T", ended)


def result(ended: State[T]) -> T:
    """What a task that ended by `saying` gave, called with `return_state`; raises what the task raised."""
    found: Any = ended.result()
    return cast("T", found)


def deployed() -> bool:
    """Whether this run was started by a deployment; one from the command line has its own bars and tables."""
    return bool(runtime.deployment.id)


class Artifacts:
    """Progress as artifacts of the run, one for each phase, brought up to date every few seconds by a thread."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self._phases: dict[str, tuple[int, int | None, bool]] = {}  # steps done, of how many, whether it is over
        self._sent: dict[str, tuple[int, int | None, bool]] = {}
        self._ids: dict[str, Any] = {}
        self._lock, self._over = Lock(), Event()
        self._thread = Thread(target=self._watch, name="progress", daemon=True)
        self._thread.start()

    def start(self, phase: str, total: int | None = None) -> None:
        """`phase` begins, or begins again."""
        with self._lock:
            self._phases[phase] = (0, total, False)

    def advance(self, phase: str, n: int = 1) -> None:
        """`n` more steps of `phase` are done."""
        with self._lock:
            done, total, _ = self._phases.get(phase, (0, None, False))
            self._phases[phase] = (done + n, total, False)

    def finish(self, phase: str) -> None:
        """`phase` is over."""
        with self._lock:
            if phase in self._phases:
                done, total, _ = self._phases[phase]
                self._phases[phase] = (done, total, True)

    def note(self, message: str) -> None:
        """Say `message` in the run's log."""
        log.info("%s", message)

    def close(self) -> None:
        """Show how far everything came, and end."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self._send()
        self._send()

    def _send(self) -> None:
        from prefect.client.orchestration import get_client

        with self._lock:
            moved = {name: state for name, state in self._phases.items() if self._sent.get(name) != state}
        if not moved:
            return
        try:
            with get_client(sync_client=True) as client:
                for name, state in moved.items():
                    self._show(client, name, *state)
                    self._sent[name] = state
        except Exception as error:  # noqa: BLE001 a picture of the work is not the work
            log.debug("progress was not shown: %s", error)

    def _show(self, client: Any, name: str, done: int, total: int | None, over: bool) -> None:
        from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate

        share = 100.0 if over else 100.0 * min(done, total) / total if total else 0.0
        words = f"{name}: {done}" + (f" of {total}" if total else "")
        if name in self._ids:
            client.update_artifact(self._ids[name], ArtifactUpdate(data=share, description=words))
        else:
            made = ArtifactCreate(type="progress", flow_run_id=self._run, data=share, description=words)
            self._ids[name] = client.create_artifact(made).id


@contextmanager
def progress() -> Iterator[Progress | None]:
    """Progress on the page of this run; nothing where the command line shows its own."""
    if not deployed():
        yield None
        return
    shown = Artifacts(runtime.flow_run.id)
    try:
        yield shown
    finally:
        shown.close()


def show(slug: str, summary: dict[str, Any], catalogue: Catalogue) -> None:
    """Leave tables and the report of an onboarding on the page of its run, whether it went live or was refused."""
    if not deployed():
        return
    table(f"{slug}-summary", brief.summary_rows(summary), "What this run did.")
    table(f"{slug}-quarantine", summary["quarantine"], "Files that cannot be used, and why.")
    with _perhaps("report"):
        told = brief.markdown(catalogue, summary)
        create_markdown_artifact(told, key=f"{slug}-report", description=summary["report"])


def table(key: str, rows: list[dict[str, Any]], description: str) -> None:
    """Leave a table on the page of this run."""
    if deployed() and rows:
        with _perhaps(key):
            create_table_artifact(rows, key=key, description=description)


@contextmanager
def _perhaps(what: str) -> Iterator[None]:
    """Go on where the page cannot be written: what the run did is done, and may be live."""
    try:
        yield
    except Exception:
        log.warning("The page of this run lacks its %s.", what, exc_info=True)
