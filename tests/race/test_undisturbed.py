"""Searches go on while new catalogues are made, refused, killed and switched to: none fails, none is a mixture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trimesh
import yaml

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed, Recipe, Release, Render
from blocks.source import Source
from tasks import codec
from tasks.embed import embedder
from tasks.job import opened
from tasks.reembedding import opened as reembedding
from tasks.release import RefusedError
from tasks.search import search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tasks.records import Bytes

RECIPE = Recipe(render=Render(views=3, size=64), stages=(), variants=0, templates=0)
ACME = Customer(slug="acme", recipe=RECIPE, release=Release(queries=12))
OTHER = Embed(model="hog")
KILL = """
import os, signal, sys
sys.path.insert(0, {root!r})
from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed
from pathlib import Path
from tasks.reembedding import opened
import yaml
who = Customer.model_validate(yaml.safe_load(Path({file!r}).read_text()))
with opened(who, Catalogue(uri={uri!r}), Embed(model="hog"), Path({home!r}), 1) as work:
    for batch in work.filling.batches():
        work.filling.make(batch)
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Searcher:
    """Asks the same questions over and over, each of one catalogue from beginning to end, and keeps the answers."""

    def __init__(self, catalogue: Catalogue, asked: list[Bytes]) -> None:
        self.catalogue, self.asked = catalogue, asked
        self.seen: dict[str, int] = {}
        self.failures: list[str] = []

    def answer(self) -> str:
        """What all questions give, as what is live when the first is asked has it."""
        served = self.catalogue.served()
        assert served.embed is not None
        model = embedder(served.embed)
        found = [search(served, model, [picture], "", 3) for picture in self.asked]
        words = search(served, model, [], "Spacer", 3)
        return "\n".join(one.model_dump_json() for one in (*found, words))

    @property
    def turns(self) -> int:
        """How often all was asked."""
        return sum(self.seen.values()) + len(self.failures)

    @contextmanager
    def throughout(self) -> Iterator[None]:
        """Search in a thread of its own until the block ends."""
        self.seen, over = {}, threading.Event()

        def on() -> None:
            while not over.is_set():
                try:
                    found = self.answer()
                    self.seen[found] = self.seen.get(found, 0) + 1
                except Exception as error:  # noqa: BLE001 - whatever a search says, it failed
                    self.failures.append(f"{type(error).__name__}: {error}")
                over.wait(0.3)  # what it is held against wants the processor too

        thread = threading.Thread(target=on)
        thread.start()
        try:
            yield
            asked, until = self.turns, time.monotonic() + 300
            while self.turns < asked + 2:  # one more that began after the block
                assert time.monotonic() < until, f"{self.turns} turns, of which {asked} began before the end"
                time.sleep(0.05)
        finally:
            over.set()
            thread.join()


def onboarded(who: Customer, catalogue: Catalogue, cad: Path, home: Path) -> None:
    """The steps of an onboarding."""
    with opened(who, catalogue, Source(location=str(cad)), None, home, 1) as job:
        for files in job.file_batches():
            job.read(files)
        job.find_parts()
        for parts in job.part_batches():
            job.make(parts)
        job.finish()


def test_no_search_fails_and_none_is_a_mixture(tmp_path: Path) -> None:
    """Beside a refused onboarding of changed CAD, a reembedding that is killed, and a switch that goes through."""
    cad, home = tmp_path / "cad", tmp_path / "home"
    cad.mkdir()
    for inner in (3, 5, 7):
        trimesh.creation.annulus(inner, 10, 2).export(cad / f"washer-{inner}.stl")
    trimesh.creation.box((30, 20, 10)).export(cad / "Spacer.stl")
    trimesh.creation.cylinder(2, 60).export(cad / "pin.stl")
    catalogue = Catalogue(uri=str(tmp_path / "db"))
    onboarded(ACME, catalogue, cad, home)
    asked = [codec.decode(row["image"]) for row in catalogue.rows("queries", ("id", "image"))[:3]]
    searcher = Searcher(catalogue, asked)
    old, began = searcher.answer(), catalogue.served()

    trimesh.creation.box((11, 9, 3)).export(cad / "pin.stl")  # one part is another one now: its rows are replaced
    trimesh.creation.icosphere(2, 9).export(cad / "ball.stl")
    strict = ACME.model_copy(
        update={
            "recipe": RECIPE.model_copy(update={"embed": OTHER}),
            "release": Release(queries=12, tolerance=0.0),
        }
    )
    with searcher.throughout(), pytest.raises(RefusedError):
        onboarded(strict, catalogue, cad, home)
    assert (set(searcher.seen), searcher.failures) == ({old}, [])
    assert catalogue.served() == began

    file = tmp_path / "acme.yaml"
    file.write_text(yaml.safe_dump(ACME.model_dump(mode="json")))
    script = KILL.format(root=os.fspath(_root()), file=str(file), uri=catalogue.uri, home=str(home))
    with searcher.throughout():
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (set(searcher.seen), searcher.failures) == ({old}, [])

    wanted = ACME.model_copy(update={"release": Release(queries=12, tolerance=1.0)})
    with searcher.throughout(), reembedding(wanted, catalogue, OTHER, home, 1) as work:
        for batch in work.filling.batches():
            work.filling.make(batch)
        work.finish()
    new = searcher.answer()
    assert new != old
    assert (set(searcher.seen) | {old}, searcher.failures) == ({old, new}, [])
    late = [search(began, embedder(RECIPE.embed), [picture], "", 3).model_dump_json() for picture in asked]
    assert "\n".join(late) == old.rpartition("\n")[0]  # a search that began before the switch ends as it began


def _root() -> Path:
    from pathlib import Path

    return Path(__file__).resolve().parents[2]
