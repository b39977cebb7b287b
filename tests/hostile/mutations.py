"""Breaks CAD files in every way that disks, mail and malice do, and counts what becomes of them.

`python tests/hostile/mutations.py --count 300` prints a table: loaded, quarantined, brought down (never).
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import json
import re
import struct
import sys
import tempfile
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from blocks.customer import Quotas
from tasks.ingest import Found, Reading, read, sandbox
from tasks.records import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.sandbox import Sandbox

QUOTAS = Quotas(parse_seconds=20, parse_memory_mb=1024)
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FORMATS = ("step", "stl", "3mf", "glb", "obj")


_UUID = re.compile(rb' p:UUID="[^"]*"')


def bases(folder: Path) -> dict[str, Path]:
    """A sound file of each format in `folder`: a plate with a post, once with a kernel and four times as a mesh."""
    import build123d
    import trimesh

    solid = build123d.Box(40, 30, 6) + build123d.Pos(0, 0, 8) * build123d.Cylinder(6, 12)
    solid.label = "post"
    build123d.export_step(solid, str(folder / "base.step"), timestamp=EPOCH)
    plate = trimesh.creation.box((40, 30, 6))
    post = trimesh.creation.cylinder(6, 12, transform=trimesh.transformations.translation_matrix((0, 0, 9)))
    scene = trimesh.Scene({"plate": plate, "post": post})
    for kind in FORMATS[1:]:
        scene.export(str(folder / f"base.{kind}"))
    package = folder / "base.3mf"
    package.write_bytes(_packed({name: _UUID.sub(b"", data) for name, data in _unpacked(package.read_bytes()).items()}))
    return {kind: folder / f"base.{kind}" for kind in FORMATS}


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A copy of `data` with one to four faults: flipped bits, lost, doubled, foreign or zeroed bytes, other digits."""
    faults = (_flipped, _cut, _lost, _doubled, _foreign, _zeroed, _renumbered, _swapped)
    for _ in range(rng.integers(1, 5)):
        data = faults[rng.integers(len(faults))](bytearray(data), rng) or data
    return data


def broken(base: Path, index: int, seed: str) -> bytes:
    """Mutation `index` of a file; every second one is repaired on the outside, so that it is wrong deeper inside."""
    rng, data = generator(seed, base.suffix, index), base.read_bytes()
    if index % 2 and base.suffix == ".3mf":
        return _repacked(data, rng)
    data = mutated(data, rng)
    if index % 2 and base.suffix == ".glb" and len(data) > 20:
        return b"glTF" + struct.pack("<II", 2, len(data)) + data[12:]
    if index % 2 and base.suffix == ".stl" and len(data) > 84:
        return data[:80] + struct.pack("<I", (len(data) - 84) // 50) + data[84:]
    if index % 2 and base.suffix == ".step":
        return data + b"\nENDSEC;\nEND-ISO-10303-21;\n"
    return data


def _repacked(data: bytes, rng: np.random.Generator) -> bytes:
    """A 3MF package whose model is mutated, and whose checksums are right."""
    members = _unpacked(data).items()
    return _packed({name: mutated(inside, rng) if name.endswith(".model") else inside for name, inside in members})


def _unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(members: dict[str, bytes]) -> bytes:
    """A ZIP archive that is the same at any time of day."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _span(data: bytearray, rng: np.random.Generator) -> slice:
    start = int(rng.integers(max(len(data), 1)))
    return slice(start, start + int(2 ** rng.uniform(0, 9)))


def _flipped(data: bytearray, rng: np.random.Generator) -> bytes:
    for place in rng.integers(len(data), size=int(rng.integers(1, 9))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _cut(data: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(data[: int(rng.integers(len(data)))])


def _lost(data: bytearray, rng: np.random.Generator) -> bytes:
    del data[_span(data, rng)]
    return bytes(data)


def _doubled(data: bytearray, rng: np.random.Generator) -> bytes:
    span = _span(data, rng)
    return bytes(data[: span.stop] + data[span] + data[span.stop :])


def _foreign(data: bytearray, rng: np.random.Generator) -> bytes:
    span = _span(data, rng)
    data[span] = rng.bytes(span.stop - span.start)
    return bytes(data)


def _zeroed(data: bytearray, rng: np.random.Generator) -> bytes:
    span = _span(data, rng)
    data[span] = bytes(span.stop - span.start)
    return bytes(data)


def _renumbered(data: bytearray, rng: np.random.Generator) -> bytes:
    digits = np.flatnonzero((np.frombuffer(data, np.uint8) >= 48) & (np.frombuffer(data, np.uint8) <= 57))
    for place in rng.choice(digits, min(len(digits), 12)) if len(digits) else ():
        data[place] = int(rng.integers(48, 58))
    return bytes(data)


def _swapped(data: bytearray, rng: np.random.Generator) -> bytes:
    lines = bytes(data).split(b"\n")
    first, second = (int(place) for place in rng.integers(len(lines), size=2))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def outcomes(base: Path, count: int, seed: str, within: Sandbox) -> Iterator[tuple[Path, Reading | str]]:
    """Readings of `count` mutations of a file; text in place of a reading where one brought the reader down."""
    folder = base.parent
    for index in range(count):
        path = folder / f"mutation-{index}{base.suffix}"
        path.write_bytes(broken(base, index, seed))
        try:
            yield path, read(Found(path.name, "0", "cad", path, path.stat().st_size), QUOTAS, within)
        except Exception as error:  # noqa: BLE001 - to be counted: none may come
            yield path, f"{type(error).__name__}: {error}"
        path.unlink()


def tally(base: Path, count: int, seed: str) -> dict[str, object]:
    """What became of `count` mutations of a file, in numbers."""
    counts: Counter[str] = Counter()
    clauses: Counter[str] = Counter()
    start = slowest = time.monotonic()
    slowest = 0.0
    with sandbox() as within:
        last = start
        for path, reading in outcomes(base, count, seed, within):
            slowest, last = max(slowest, time.monotonic() - last), time.monotonic()
            if isinstance(reading, str):
                counts["down"] += 1
                clauses[reading] += 1
            elif reading.bodies:
                counts["loaded"] += 1
            else:
                counts["quarantined"] += 1
                clauses[reading.reason.removeprefix(f"{path.name} ")[:60]] += 1
        restarts = within.starts - 1
    return {
        "format": base.suffix[1:],
        **{key: counts[key] for key in ("loaded", "quarantined", "down")},
        "restarts": restarts,
        "seconds": round(time.monotonic() - start, 1),
        "slowest": round(slowest, 2),
        "reasons": dict(clauses.most_common(12)),
    }


def main() -> None:
    """Mutate each format and print what became of the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="Mutations of each format.")
    parser.add_argument("--seed", default="partsight", help="Other seeds give other mutations.")
    parser.add_argument("--json", action="store_true", help="Print JSON alone.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        paths = list(bases(Path(folder)).values())
        rows = list(pool.map(lambda path: tally(path, options.count, options.seed), paths))
    if options.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    keys = ("format", "loaded", "quarantined", "down", "restarts", "seconds", "slowest")
    sys.stdout.write("".join(f"{key:>13}" for key in keys) + "\n")
    for row in rows:
        sys.stdout.write("".join(f"{row[key]!s:>13}" for key in keys) + "\n")


if __name__ == "__main__":
    main()
