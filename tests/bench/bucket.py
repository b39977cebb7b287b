"""What a bucket costs: a catalogue on the disk and on an S3-compatible server, in the same run: `make bench-storage`.

The server is moto's, a process of its own on this machine: it has no network and little speed, so that what is
measured is what LanceDB asks of a server and what this machine makes of it. Pictures and vectors are written as a run
commits them, read back and searched. Prints a table and writes build/storage.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table as Shown

from blocks import upkeep
from blocks.catalogue import Catalogue
from blocks.tables import vectors_table
from tasks.records import content_id, generator
from tasks.search import alike

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
TABLE: Final = vectors_table("storage")
DIMENSION: Final = 512
PICTURE: Final = 20_000  # bytes of a picture, depth and mask together, about
VECTORS_AT_ONCE: Final = 4096  # in a commit
PICTURES_AT_ONCE: Final = 256  # in a commit
BUCKET: Final = "partsight-bench"
ROWS: Final = {  # what is shown: key, unit
    "vectors written": ("rows_per_second", "rows/s"),
    "vectors written ": ("megabytes_per_second", "MB/s"),
    "pictures written": ("picture_rows_per_second", "rows/s"),
    "pictures written ": ("picture_megabytes_per_second", "MB/s"),
    "pictures read": ("read_megabytes_per_second", "MB/s"),
    "vectors indexed": ("index_seconds", "s"),
    "first search of a process": ("first_search_ms", "ms"),
    "search, p50": ("search_p50_ms", "ms"),
    "search, p95": ("search_p95_ms", "ms"),
}


@contextmanager
def server() -> Iterator[str]:
    """An S3-compatible server with an empty bucket; the environment names it meanwhile, as AWS's own tools have it."""
    import boto3

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
    given = {name: os.environ.get(name) for name in keys}
    os.environ.update(dict(zip(keys, ("bench", "bench", "us-east-1", "us-east-1", address), strict=True)))
    command = [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            for _ in range(600):
                with socket.socket() as asked:
                    if asked.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            boto3.client("s3").create_bucket(Bucket=BUCKET)
            yield f"s3://{BUCKET}/customers/bench"
        finally:
            running.terminate()
            for name, value in given.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def vectors(count: int, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Vectors (n, 512) of unit length around as many centres as there are parts of 16 pictures."""
    rng = generator("storage", seed)
    centres = rng.standard_normal((-(-count // 16), DIMENSION), dtype=np.float32)
    made = np.repeat(centres, 16, axis=0)[:count] + rng.standard_normal((count, DIMENSION), dtype=np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def measured(uri: str, count: int, pictures: int, searches: int, seed: int) -> dict[str, float]:
    """Rates and times of one catalogue, which is empty before. Raises ValueError when it does not give all back."""
    catalogue, matrix = Catalogue(uri=uri), vectors(count, seed)
    catalogue.tables()  # the library is loaded
    begun = time.perf_counter()
    for start in range(0, count, VECTORS_AT_ONCE):
        some = enumerate(matrix[start : start + VECTORS_AT_ONCE], start=start)
        kept = {"kind": "view", "material": ""}
        rows = [{"id": content_id(seed, at), "part": f"P-{at // 16}", "vector": one, **kept} for at, one in some]
        catalogue.upsert(TABLE, rows, dimension=DIMENSION)
    vectors_took = time.perf_counter() - begun
    rng = generator("pictures", seed)
    shown = [{"id": content_id("picture", seed, at), "part": f"P-{at}", "kind": "view"} for at in range(pictures)]
    begun = time.perf_counter()
    for start in range(0, pictures, PICTURES_AT_ONCE):
        some = shown[start : start + PICTURES_AT_ONCE]
        catalogue.upsert("images", [{**row, "accepted": True, "image": rng.bytes(PICTURE)} for row in some])
    pictures_took = time.perf_counter() - begun
    begun = time.perf_counter()
    read = catalogue.read("images", ("id", "image"))
    read_took = time.perf_counter() - begun
    begun = time.perf_counter()
    catalogue.index(TABLE)
    index_took = time.perf_counter() - begun
    upkeep.session.cache_clear()  # as a process that just started
    spent = []
    for at in range(searches + 1):
        begun = time.perf_counter()
        found = alike(catalogue.table(TABLE), matrix[at * 97 % count], 10)["id"][0].as_py()
        spent.append(1000 * (time.perf_counter() - begun))
        if found != content_id(seed, at * 97 % count):
            raise ValueError(f"{uri} did not find vector {at * 97 % count}, which is in it.")
    if read.num_rows != pictures or catalogue.table(TABLE).count_rows() != count:
        raise ValueError(f"{uri} did not give back all that was written.")
    return {
        "rows_per_second": count / vectors_took,
        "megabytes_per_second": matrix.nbytes / 1e6 / vectors_took,
        "picture_rows_per_second": pictures / pictures_took,
        "picture_megabytes_per_second": pictures * PICTURE / 1e6 / pictures_took,
        "read_megabytes_per_second": pictures * PICTURE / 1e6 / read_took,
        "index_seconds": index_took,
        "first_search_ms": spent[0],
        "search_p50_ms": float(np.percentile(spent[1:], 50)),
        "search_p95_ms": float(np.percentile(spent[1:], 95)),
    }


def compared(folder: Path, count: int, pictures: int, searches: int, seed: int) -> dict[str, Any]:
    """The disk, the server, and how many times as long the server takes."""
    measured(str(folder / "warm"), 512, PICTURES_AT_ONCE, 1, seed)
    disk = measured(str(folder / "disk"), count, pictures, searches, seed)
    with server() as uri:
        far = measured(uri, count, pictures, searches, seed)
    slower = {name: disk[name] / far[name] if "per_second" in name else far[name] / disk[name] for name in disk}
    figures = {"disk": disk, "s3": far, "times_as_long": slower}
    rounded = {where: {name: round(value, 2) for name, value in one.items()} for where, one in figures.items()}
    return {"vectors": count, "dimension": DIMENSION, "pictures": pictures, "seed": seed} | rounded


def main() -> int:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=40_960, help="vectors that are written")
    parser.add_argument("--pictures", type=int, default=2_048, help="pictures that are written and read")
    parser.add_argument("--searches", type=int, default=50, help="searches that are timed")
    parser.add_argument("--seed", type=int, default=0, help="what all is drawn from")
    given = parser.parse_args()
    folder = ROOT / "build" / "storage"
    shutil.rmtree(folder, ignore_errors=True)
    report = compared(folder, given.vectors, given.pictures, given.searches, given.seed)
    shutil.rmtree(folder)
    title = f"{given.vectors:,} vectors of {DIMENSION} numbers, {given.pictures:,} pictures of {PICTURE // 1000} kB"
    shown = Shown("", "", "disk", "S3 server", "times as long", title=title)
    for label, (name, unit) in ROWS.items():
        shown.add_row(
            label.strip(), unit, *(f"{report[where][name]:,.1f}" for where in ("disk", "s3", "times_as_long"))
        )
    console = Console(width=120)
    console.print(shown)
    (ROOT / "build" / "storage.json").write_text(json.dumps(report, indent=1))
    console.print("written to build/storage.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
