"""Stop it anywhere, start it again: the same catalogue, nothing twice, nothing missing, nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trimesh

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from blocks.source import Source
from tasks import ingest, publish
from tasks.job import opened
from tasks.sandbox import Sandbox

Run = Callable[..., dict[str, Any]]
Ring = Callable[..., trimesh.Trimesh]


def manifest(catalogue: Catalogue) -> dict[str, Any]:
    """All that must not depend on how often a run was stopped: ids, contents, and what is live."""
    found: dict[str, Any] = {"live": catalogue.live()}
    for name in ("files", "shapes", "parts", "images", catalogue.live()):
        columns = [field for field in catalogue.table(name).schema.names if field != "run"]
        rows = [json.dumps(row, default=str, sort_keys=True) for row in catalogue.rows(name, columns)]
        found[name] = sorted(rows)
        assert len(set(rows)) == len(rows)
    return found


def seen(catalogue: Catalogue) -> dict[str, Any]:
    """All that searches read."""
    served = catalogue.served()
    return {name: sorted(map(str, served.rows(name, served.table(name).schema.names))) for name in served.tables()}


def zygotes() -> list[str]:
    """Processes that read files, of this process."""
    pids = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    commands = [(Path("/proc") / pid / "cmdline").read_bytes() for pid in pids]
    return [pid for pid, command in zip(pids, commands, strict=True) if b"tasks.zygote" in command]


def rests(onboard: Run, catalogue: Catalogue) -> None:
    """One more run has nothing to do: it writes nothing at all, not even that it was."""
    before = {name: catalogue.table(name).version for name in catalogue.tables()}
    assert onboard()["vectors"] == 0
    assert {name: catalogue.table(name).version for name in catalogue.tables()} == before


class Stopped(BaseException):
    """The run is ended from outside."""


def stop_after(commits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the catalogue be written to so many times, and no more."""
    left = commits

    def counted(whole: Callable[..., Any]) -> Callable[..., Any]:
        def write(self: Catalogue, *arguments: Any, **more: Any) -> Any:
            nonlocal left
            if left == 0:
                raise Stopped
            left -= 1
            return whole(self, *arguments, **more)

        return write

    for name in ("upsert", "replace", "delete", "compact"):
        monkeypatch.setattr(Catalogue, name, counted(getattr(Catalogue, name)))


@pytest.mark.parametrize("commits", [0, 1, 2, 3, 4, 5, 8])
def test_stopped_at_any_commit_the_next_run_completes_it(
    onboard: Run,
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    commits: int,
) -> None:
    """After the n-th commit the run is ended; the next one gives the tables of an undisturbed run."""
    undisturbed = Catalogue(uri=str(tmp_path / "other"))
    onboard(into=undisturbed)
    stop_after(commits, monkeypatch)
    with pytest.raises(Stopped):
        onboard()
    monkeypatch.undo()
    assert catalogue.live() == ""
    onboard()
    assert manifest(catalogue) == manifest(undisturbed)
    rests(onboard, catalogue)


@pytest.mark.parametrize("commits", range(8))
def test_a_stopped_update_is_completed_too(
    onboard: Run,
    catalogue: Catalogue,
    tmp_path: Path,
    cad: Path,
    monkeypatch: pytest.MonkeyPatch,
    commits: int,
    washer: Ring,
) -> None:
    """A changed, a removed and a new file: stopped after the n-th commit, searches read the old rows; then none."""
    onboard()
    before = seen(catalogue)
    washer(6).export(cad / "washer-5.stl")
    (cad / "block.ply").unlink()
    washer(4).export(cad / "washer-4.stl")
    stop_after(commits, monkeypatch)
    with pytest.raises(Stopped):
        onboard()
    monkeypatch.undo()
    assert seen(catalogue) == before
    onboard()
    fresh = Catalogue(uri=str(tmp_path / "fresh"))
    onboard(into=fresh)
    after, expected = manifest(catalogue), manifest(fresh)
    assert after[catalogue.live()] == expected[fresh.live()]
    assert after["files"] == expected["files"]
    assert len(catalogue.rows("shapes", ("geometry",))) == 4  # the retired block keeps its shape
    pictures = {row["id"] for row in catalogue.rows("images", ("id",))}
    assert {row["id"] for row in catalogue.rows(catalogue.live(), ("id",))} <= pictures
    rests(onboard, catalogue)


@pytest.mark.parametrize("step", ["publish_files", "go_live"])
def test_a_step_that_fails_once_may_be_tried_again(
    customer: Customer,
    cad: Path,
    catalogue: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    usual: Callable[..., Sandbox],
    step: str,
) -> None:
    """What Prefect does after a storage error: the same step of the same run again, and the numbers stay right."""
    (cad / "bad.stl").write_bytes(b"solid nothing")
    monkeypatch.setattr(ingest, "sandbox", usual)
    whole, failed, others = getattr(publish, step), [], set(zygotes())  # that of the pictures stays for the next one

    def once(*arguments: Any, **more: Any) -> Any:
        if not failed:
            failed.append(step)
            raise OSError("storage")
        return whole(*arguments, **more)

    monkeypatch.setattr(publish, step, once)

    def patiently(run: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return run(*arguments)
        except OSError:
            return run(*arguments)

    with opened(customer, catalogue, Source(location=str(cad)), None, tmp_path / "home", 1) as job:
        for files in job.file_batches():
            patiently(job.read, files)
        job.find_parts()
        for parts in job.part_batches():
            job.make(parts)
        assert set(zygotes()) <= others
        summary = patiently(job.finish)
    assert failed == [step]
    assert summary["files"] == {"ok": 3, "quarantined": 1, "unchanged": 0}
    assert [entry["file"] for entry in summary["quarantine"]] == ["bad.stl"]
    assert summary["parts"]["new"] == 3
    assert summary["images"]["views"] == 12
