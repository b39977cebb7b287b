"""A customer's tables in an S3-compatible server: onboarded, killed, resumed, searched, and written by two at once."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trimesh
from moto.server import ThreadedMotoServer

from blocks.catalogue import Catalogue
from infra import cli

ROOT = Path(__file__).parents[2]
BUCKET = "partsight-tests"
WRITER = """
import sys
from blocks.catalogue import Catalogue

catalogue, name = Catalogue(uri=sys.argv[1]), sys.argv[2]
for batch in range(4):
    rows = [{"part": f"p{batch}-{number}", "name": name, "status": "active"} for number in range(20)]
    catalogue.upsert("parts", rows)
"""

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
    import boto3

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "tests")
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.setenv(name, "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield f"s3://{BUCKET}/customers"
    server.stop()


def python(script: str, *words: str) -> subprocess.Popen[bytes]:
    """A process of its own, with what it starts in a group."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *words], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True
    )


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
    capfd.readouterr()
    assert cli.run(["search", str(file), "--text", "box-2", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["results"][0]["part"] == "box-2"
    assert not (tmp_path / "home" / "customers" / "acme" / "catalogue").exists()


def test_two_writers_at_once_leave_every_key_once(storage: str) -> None:
    """The server's conditional puts keep their commits apart; a key that both write is there once."""
    uri = f"{storage}/twice"
    Catalogue(uri=uri).table("parts")
    writers = [python(WRITER, uri, name) for name in ("one", "other")]
    assert [(writer.communicate()[1], writer.returncode) for writer in writers] == [(b"", 0)] * 2
    rows = Catalogue(uri=uri).rows("parts", ("part", "name"))
    assert len(rows) == len({row["part"] for row in rows}) == 80


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
