"""A catalogue of which each byte is known, and the steps of a forgetting, one after the other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Customer
from tasks.forget.receipts import Receipt
from tasks.forget.work import Forgetting
from tasks.records import content_id


class Stock(Protocol):
    """Fills a customer's database with parts that nobody rendered: what is in it is random, and each byte is known."""

    def __call__(self, uri: str, numbers: Sequence[str] = ..., *, words: str = "") -> Catalogue:
        """The catalogue at `uri` with these parts, live; `words` stand in every description."""
        ...


@pytest.fixture(scope="session")
def stock() -> Stock:
    """A maker of catalogues for what is about rows and bytes, not about pictures."""
    return _stock


def _stock(
    uri: str, numbers: Sequence[str] = ("ZQ-4711", "ZQ-4711-B", "A1", "keep-me"), *, words: str = ""
) -> Catalogue:
    made = Catalogue(uri=uri)
    noise = {number: np.random.default_rng([7, *number.encode()]) for number in numbers}
    names = {number: content_id("geometry", number) for number in numbers}
    body = '[{{"geometry": "{}", "name": "{}", "path": "", "count": 1, "colour": null, "material": ""}}]'
    files = [
        {"id": content_id("file", n), "name": f"{n}.stl", "digest": content_id("digest", n), "kind": "cad"}
        | {"status": "ok", "bodies": body.format(names[n], f"body of {n}"), "run": "r1"}
        for n in numbers
    ]
    made.upsert("files", files)
    unit = {"unit": "mm", "same_as": "", "size": [1.0, 2.0, 3.0]}
    made.upsert("shapes", [{"geometry": names[n], "mesh": noise[n].bytes(3000), **unit} for n in numbers])
    plates = [{"geometry": names[n], "plates": noise[n].bytes(2000), "stands": noise[n].bytes(500)} for n in numbers]
    made.upsert("templates", plates)
    rows = [
        {"part": n, "name": f"Widget of {n}", "description": f"{words} a secret of {n} {words}", "photos": "[]"}
        | {"geometry": names[n], "status": "active", "words": f"{n} Widget of {n}", "run": "r1", "occurrences": "[]"}
        for n in numbers
    ]
    made.upsert("parts", rows)
    blobs = ("image", "depth", "mask", "normals")
    images = [
        {"id": content_id("view", n, k), "part": n, "kind": "view", "accepted": True, "run": "r1"}
        | {name: noise[n].bytes(900) for name in blobs}
        for n in numbers
        for k in range(3)
    ]
    made.upsert("images", images)
    vectors = [
        {"id": row["id"], "part": row["part"], "kind": "view", "vector": noise[row["part"]].normal(size=64).tolist()}
        for row in images
    ]
    made.upsert("vectors__x", vectors, dimension=64)
    asked = [{"id": content_id("query", n), "part": n, "image": noise[n].bytes(700)} for n in numbers]
    made.upsert("queries", asked)
    made.upsert("reviews", [{"id": row["id"], "accepted": True, "at": "2026"} for row in images])
    for table in ("files", "shapes", "parts", "images", "vectors__x", "templates"):
        made.index(table)
        made.compact(table)
    told = {"quarantine": [{"file": f"{n}.stl", "reason": f"{n}.stl is broken."} for n in numbers]}
    live = {"status": "completed", "live": "vectors__x", "versions": json.dumps(made.newest("vectors__x"))}
    made.upsert("runs", [{"run": "r1", "finished": "2026-01-01", "summary": json.dumps(told), **live}])
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions made a moment apart are told apart here: nothing else works on this machine's clock."""
    for place in ("blocks.catalogue.SLACK", "tasks.forget.tables.SLACK"):
        monkeypatch.setattr(place, timedelta(milliseconds=20))


@pytest.fixture(scope="module")
def made(stock: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue that is made once, and copied."""
    folder = tmp_path_factory.mktemp("made") / "db"
    stock(str(folder))
    return folder


@pytest.fixture
def fresh(made: Path, tmp_path: Path) -> Callable[[], Catalogue]:
    """A maker of copies of the catalogue, one at a time."""

    def copy() -> Catalogue:
        folder = tmp_path / "customers" / "acme" / "catalogue"
        shutil.rmtree(tmp_path / "customers", ignore_errors=True)
        shutil.rmtree(tmp_path / "receipts", ignore_errors=True)
        shutil.copytree(made, folder)
        return Catalogue(uri=str(folder))

    return copy


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Forgetting]:
    """A forgetting of parts of acme that can be begun, without its grace."""

    def begun(catalogue: Catalogue, *numbers: str, **options: Any) -> Forgetting:
        return Forgetting(Customer(slug="acme"), catalogue, numbers or ("ZQ-4711",), tmp_path, grace=0, **options)

    return begun


@pytest.fixture
def through() -> Callable[[Forgetting], Receipt]:
    """All steps, one after the other."""

    def gone(work: Forgetting) -> Receipt:
        work.switch(work.rewrite())
        work.clean()
        work.report()
        work.verify()
        return work.finish()

    return gone


@pytest.fixture
def every_byte() -> Callable[[Path], bytes]:
    """All files below a folder, one after the other."""

    def read(folder: Path) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())

    return read
