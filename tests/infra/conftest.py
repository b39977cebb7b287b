"""A small catalogue and the `partsight` command, for the tests of the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from blocks.catalogue import Catalogue
from blocks.customer import Customer, Embed
from infra import cli
from infra.cli.who import remember
from infra.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def spread(seed: int) -> np.ndarray:
    """A picture of coloured squares that looks like no other."""
    squares = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.kron(squares, np.ones((32, 32, 1), dtype=np.uint8))


def jpeg(seed: int) -> bytes:
    """The picture of `seed` as a file."""
    buffer = io.BytesIO()
    Image.fromarray(spread(seed)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def filled(home: Path, slug: str, numbers: Sequence[str]) -> Settings:
    """A machine with one customer whose parts have a view, and a rejected variant, each."""
    from tasks.embed import embedder

    machine = Settings(home=home)
    model = embedder(Embed())
    made = Catalogue(uri=str(machine.catalogue(slug)))
    places = json.dumps([{"file": "all.step", "path": "Pump", "count": 2}, {"file": "b.step", "path": "", "count": 1}])
    part = {"material": "Stahl", "status": "active", "occurrences": places, "photos": "[]", "size_mm": [1.0, 2.0, 3.5]}
    made.upsert("parts", [{"part": n, "name": f"Part {n}", "words": n, **part} for n in numbers])
    images = [
        {"id": f"v{k}", "part": n, "kind": "view", "image": jpeg(k), "accepted": True} for k, n in enumerate(numbers)
    ]
    bad = [
        {"id": f"x{k}", "part": n, "kind": "variant", "image": b"", "accepted": False} for k, n in enumerate(numbers)
    ]
    made.upsert("images", images + bad)
    vectors = model.images([spread(k) for k in range(len(numbers))])
    rows = [{"id": f"v{k}", "part": n, "kind": "view", "vector": vectors[k]} for k, n in enumerate(numbers)]
    made.upsert(model.table, rows, dimension=model.dimension)
    made.upsert("runs", [{"run": "r1", "finished": "2026-01-01", "status": "completed", "live": model.table}])
    remember(Customer(slug=slug), machine)
    return machine


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """State with one small customer, `acme`."""
    folder = tmp_path_factory.mktemp("home")
    filled(folder, "acme", ["B-1", "B-2", "B-3", "W-9"])
    return folder


@pytest.fixture
def partsight(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run the command in this process: (exit code, stdout, stderr)."""
    monkeypatch.setenv("PARTSIGHT_HOME", str(home))

    def run(*tokens: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = cli.run([str(token) for token in tokens])
        seen = capfd.readouterr()
        return code, seen.out, seen.err

    return run


@pytest.fixture
def picture() -> Callable[[int], bytes]:
    """The picture of the part at a place of the catalogue, as a JPEG."""
    return jpeg


@pytest.fixture
def onboarded() -> Callable[[Path, str, Sequence[str]], Settings]:
    """Make state in a folder with a customer and the parts of these numbers."""
    return filled
