"""Two customers on one machine with the same files: `acme`, and `acme-2`, whose name begins like the other's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import trimesh

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Recipe, Release, Render
from blocks.source import Source
from infra import cli
from infra.cli.who import remember
from infra.settings import Settings
from tasks.job import opened

THEIR_WORD = "Geheimnis-der-zweiten"
RECIPE = Recipe(render=Render(views=1, size=64), stages=("background",), variants=1, templates=0)


class Two:
    """Both customers: `mine`, whose identity the tests have, and `theirs`, which must not be reached by it."""

    def __init__(self, home: Path, cad: Path) -> None:
        self.home, self.machine = home, Settings(home=home)
        self.mine = self._onboarded("acme", cad / "acme")
        self.theirs = self._onboarded("acme-2", cad / "acme-2")

    def _onboarded(self, slug: str, cad: Path) -> Catalogue:
        who = Customer(slug=slug, recipe=RECIPE, release=Release(queries=0), source=str(cad))
        catalogue = Catalogue(uri=self.machine.uri(slug))
        with opened(who, catalogue, Source(location=str(cad)), None, self.home, 1) as job:
            for files in job.file_batches():
                job.read(files)
            job.find_parts()
            for parts in job.part_batches():
                job.make(parts)
            job.finish()
        remember(who, self.machine)
        return catalogue

    def state(self) -> dict[str, str]:
        """Every file of theirs with what is in it."""
        folder = self.machine.folder("acme-2")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def handles(self) -> set[str]:
        """Every key of theirs: what could be handed to a command as if it were one's own."""
        keys = {"files": "id", "shapes": "geometry", "images": "id", "runs": "run", self.theirs.live(): "id"}
        return {row[column] for table, column in keys.items() for row in self.theirs.rows(table, (column,))}

    def image(self) -> str:
        """Id of a picture of theirs."""
        return str(self.theirs.rows("images", ("id",))[0]["id"])


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    """Both, onboarded from the same washer; theirs have a part more."""
    folder = tmp_path_factory.mktemp("two")
    for slug in ("acme", "acme-2"):
        (folder / "cad" / slug).mkdir(parents=True)
        trimesh.creation.annulus(3.0, 10.0, 2.0).export(folder / "cad" / slug / "washer.stl")
    trimesh.creation.box((30, 20, 10)).export(folder / "cad" / "acme-2" / "only-theirs.stl")
    told = f"number,name,description\nonly-theirs,{THEIR_WORD},{THEIR_WORD}\nwasher,Ring,{THEIR_WORD}\n"
    (folder / "cad" / "acme-2" / "parts.csv").write_text(told)
    return Two(folder / "home", folder / "cad")


@pytest.fixture
def partsight(two: Two, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run the command in this process on their machine: (exit code, all that it said)."""
    monkeypatch.setenv("PARTSIGHT_HOME", str(two.home))
    monkeypatch.setenv("PARTSIGHT_WORKERS", "1")

    def run(*tokens: object) -> tuple[int, str]:
        capfd.readouterr()
        code = cli.run([str(token) for token in tokens])
        seen = capfd.readouterr()
        return code, seen.out + seen.err

    return run
