"""A customer's tables in an S3-compatible server: onboarded, killed, resumed, searched, and written by four at once."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import trimesh
from moto_server import served

from blocks import source, upkeep
from blocks.catalogue import SMALL, Catalogue
from blocks.customer import Quotas
from blocks.source import Source
from blocks.tables import key
from infra import cli
from tasks.records import generator
from tasks.search import alike

ROOT = Path(__file__).parents[2]
BUCKET = "partsight-tests"
WRITER = """
import sys
from blocks.catalogue import Catalogue

catalogue, name = Catalogue(uri=sys.argv[1]), sys.argv[2]
same = {"part": "P", "kind": "view", "vector": [1.0, 0.0]}
catalogue.tables()
print("ready", flush=True)
sys.stdin.readline()
for batch in range(4):
    names = [f"all-{batch}-{number}" for number in range(20)] + [f"{name}-{batch}-{number}" for number in range(20)]
    catalogue.upsert("vectors__two", [same | {"id": one, "material": name} for one in names], dimension=2)
"""

SAME = {
    "files": ("status", "digest"),
    "parts": ("status", "geometry", "recipe"),
    "images": ("part", "image", "accepted"),
}

FIRST = """
import sys
from pathlib import Path
from blocks.catalogue import Catalogue
from blocks.customer_file import load
from tasks.job import opened

if __name__ == "__main__":
    customer = load(Path(sys.argv[2]))
    with opened(customer, Catalogue(uri=sys.argv[1]), None, None, Path(sys.argv[3]), 1) as job:
        for files in job.file_batches():
            job.read(files)
        job.find_parts()
        for parts in job.part_batches():
            job.make(parts)
        job.finish()
"""


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    """An empty bucket on this machine, which the environment names as AWS's own tools have it."""
    with served(BUCKET) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield f"s3://{BUCKET}/customers"


def python(script: str, *words: str, talks: bool = False) -> subprocess.Popen[bytes]:
    """A process of its own, with what it starts in a group."""
    both = subprocess.PIPE if talks else None
    return subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=ROOT,
        stdin=both,
        stdout=both,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def manifest(catalogue: Catalogue, name: str, columns: Sequence[str]) -> list[str]:
    """What a table holds, in an order of its own; a row that is there twice is here twice."""
    return sorted(repr(row) for row in catalogue.rows(name, columns))


def test_a_bucket_holds_a_catalogue_like_any_folder(
    storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An onboarding is killed when the first pictures are there; the next one completes it, and searches find parts."""
    for size in range(3):
        trimesh.creation.box((10 + 4 * size, 20, 10)).export(tmp_path / f"box-{size}.stl")
    file, there = tmp_path / "acme.yaml", Catalogue(uri=f"{storage}/acme")
    file.write_text(
        "slug: acme\nsource: .\nrecipe: {render: {views: 2, size: 64}, stages: []}\nrelease: {queries: 0}\n"
    )
    first = python(FIRST, there.uri, str(file), str(tmp_path / "home"))
    while first.poll() is None and "images" not in there.tables():
        time.sleep(0.1)
    os.killpg(first.pid, signal.SIGKILL)
    assert first.communicate()[1] == b""
    assert there.live() == ""
    for name, value in (("HOME", str(tmp_path / "home")), ("CATALOGUES", storage), ("WORKERS", "1")):
        monkeypatch.setenv(f"PARTSIGHT_{name}", value)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    partsight = Path(sys.executable).with_name("partsight")
    done = subprocess.run([partsight, "onboard", file, "--json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["released"]
    images = [row["id"] for row in there.rows("images", ("id",))]
    assert len(images) == len(set(images)) == 6
    assert {row["id"] for row in there.rows(there.live(), ("id",))} == set(images)
    undisturbed = Catalogue(uri=str(tmp_path / "undisturbed"))
    assert python(FIRST, undisturbed.uri, str(file), str(tmp_path / "other")).communicate()[1] == b""
    for name in ("files", "shapes", "parts", "images"):
        columns = (key(name), *SAME.get(name, ()))
        assert manifest(there, name, columns) == manifest(undisturbed, name, columns)
    capfd.readouterr()
    assert cli.run(["search", str(file), "--text", "box-2", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["results"][0]["part"] == "box-2"
    assert not (tmp_path / "home" / "customers" / "acme" / "catalogue").exists()


def test_four_writers_at_once_lose_and_double_nothing(storage: str) -> None:
    """The server's conditional puts keep commits apart: keys of one are all there, those of all are there once."""
    uri, names = f"{storage}/shared", ("a", "b", "c", "d")
    Catalogue(uri=uri).table("vectors__two", 2)
    writers = [python(WRITER, uri, name, talks=True) for name in names]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    with ThreadPoolExecutor(len(writers)) as together:
        ended = list(together.map(lambda writer: (writer.communicate(b"go\n")[1], writer.returncode), writers))
    assert ended == [(b"", 0)] * len(names)
    found = [row["id"] for row in Catalogue(uri=uri).rows("vectors__two", ("id",))]
    wanted = {f"{name}-{batch}-{at}" for name in ("all", *names) for batch in range(4) for at in range(20)}
    assert len(found) == len(set(found))
    assert set(found) == wanted


def test_a_search_reads_little_of_a_bucket_twice(storage: str, caplog: pytest.LogCaptureFixture) -> None:
    """What a process read of a table's description stays in memory: the second search asks the server for less."""
    catalogue = Catalogue(uri=f"{storage}/large")
    drawn = generator("bucket").standard_normal((SMALL, 8), dtype=np.float32)
    rows = [
        {"id": f"v{number}", "part": f"P{number // 16}", "kind": "view", "material": "", "vector": one}
        for number, one in enumerate(drawn)
    ]
    catalogue.upsert("vectors__large", rows, dimension=8)
    catalogue.index("vectors__large")
    upkeep.session.cache_clear()
    spent = []
    with caplog.at_level(logging.INFO, "werkzeug"):  # a line for each request
        for _ in range(2):
            caplog.clear()
            assert alike(catalogue.table("vectors__large"), drawn[4711], 5)["id"][0].as_py() == "v4711"
            spent.append(len(caplog.records))
    assert spent[0] > 0
    assert spent[1] < spent[0] / 2


def test_a_server_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One sentence with the address and what to look at, as a wrong call."""
    for name, value in (("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("PARTSIGHT_CATALOGUES", "s3://nowhere/customers")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path))
    assert cli.run(["parts", "demo"]) == 2
    assert (
        "s3://nowhere/customers/demo cannot be opened: are PARTSIGHT_CATALOGUES and AWS_* right"
        in capfd.readouterr().err
    )


def test_of_a_source_in_a_bucket_no_more_is_listed_than_a_customer_may_send(storage: str) -> None:
    """There may be millions of keys: one more than the quota is enough to refuse it."""
    import boto3
    import fsspec

    keys = [f"cad/{number:02}.stl" for number in range(9)]
    for key_ in keys:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key_, Body=b"solid\nendsolid\n")
    bucket = storage.removesuffix("/customers")
    system, root = fsspec.core.url_to_fs(f"{bucket}/cad")
    assert len(source._sizes(system, root, 4)) == 4
    with (
        pytest.raises(ValueError, match="holds more than this customer may send"),
        Source(location=f"{bucket}/cad").open(Quotas(files=8)),
    ):
        pass
    with Source(location=f"{bucket}/cad").open(Quotas(files=9)) as listing:
        assert [f"cad/{file.name}" for file in listing.files] == keys
