"""Each corner that parsers fall into has its outcome: a part, or a sentence that says what is wrong."""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import fuzz
import numpy as np
import pytest
from corners import PAYLOAD, Corner, catalogue, single

from blocks.customer import Quotas
from blocks.source import Source
from tasks.ingest import _bodies, read, sandbox, scan
from tasks.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.sandbox import Sandbox

QUOTAS = Quotas(parse_seconds=120, parse_memory_mb=512, files=500, file_mb=64, source_mb=256)
SLOW = "obj: 50,000 objects"  # is given up at the limit, which a test of its own shows


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One sandbox for all corners."""
    with sandbox() as opened:
        yield opened


@pytest.fixture(scope="module")
def corners() -> tuple[Corner, ...]:
    """All corners."""
    return catalogue()


def test_corners_have_their_outcomes(corners: tuple[Corner, ...], box: Sandbox, tmp_path: Path) -> None:
    """Every corner loads, or is refused in words that fit it; none raises or brings the sandbox down."""
    tried = 0
    for corner in corners:
        if corner.label == SLOW:
            continue
        found = fuzz.outcome(corner.upload, tmp_path / "upload", box, QUOTAS)
        assert found.problems == (), (corner.label, found.sentences)
        assert len(found.sentences) + found.loaded == 1, (corner.label, found.sentences)
        assert corner.loads in {None, bool(found.loaded)}, (corner.label, found.sentences)
        assert corner.words in "".join(found.sentences), (corner.label, found.sentences)
        assert not any("was given up" in text for text in found.sentences), corner.label
        if corner.bodies is not None:
            assert len(found.bodies) == corner.bodies, corner.label
        if corner.names is not None:
            assert set(corner.names) <= {body.name for body in found.bodies}, corner.label
        tried += 1
    assert tried >= 245
    assert box.starts == 1


def test_what_takes_too_long_is_given_up(corners: tuple[Corner, ...], box: Sandbox, tmp_path: Path) -> None:
    """A file that is work without end stops at the limit, and its sentence says so."""
    (corner,) = [corner for corner in corners if corner.label == SLOW]
    found = fuzz.outcome(corner.upload, tmp_path / "upload", box, QUOTAS.model_copy(update={"parse_seconds": 1.5}))
    assert found.sentences == ("part.obj was given up after 1.5 s: it takes too long to read.",)
    assert found.problems == ()


def test_memory_stays_within_the_limit(corners: tuple[Corner, ...], tmp_path: Path) -> None:
    """A file that asks for gigabytes is refused, and its child never had more than it may."""
    (corner,) = [corner for corner in corners if corner.label == "gltf: 10^8 vertices of nothing"]
    most = 0
    stop = threading.Event()
    with sandbox() as within:
        fuzz.outcome(single("a.stl", b"solid x\nendsolid\n"), tmp_path / "upload", within, QUOTAS)
        own = fuzz._resident(within)

        def watch() -> None:
            nonlocal most
            while not stop.wait(0.002):
                most = max(most, *(children(within) or [0]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        found = fuzz.outcome(corner.upload, tmp_path / "upload", within, QUOTAS)
        stop.set()
        watcher.join()
    assert found.sentences == (f"p.glb needs more than {QUOTAS.parse_memory_mb} MB of memory to read.",)
    assert 0 < most <= own + QUOTAS.parse_memory_mb


def children(within: Sandbox) -> list[int]:
    """MB that each child of a sandbox has in memory."""
    process = within._process
    found = []
    for task in Path(f"/proc/{process.pid}/task").iterdir() if process else ():
        for pid in (task / "children").read_text(encoding="ascii").split():
            try:
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            except OSError:  # it has ended
                continue
            found += [int(size) // 1024 for size in re.findall(r"VmRSS:\s+(\d+)", status)]
    return found


def test_scanning_is_linear(tmp_path: Path) -> None:
    """What a file refers to is searched outside the sandbox: no text makes that slow, and none ends the run."""
    blanks = b" " * 3_000_000
    for corner in (
        single("p.dae", b"<COLLADA><init_from>" + blanks + b"<" + b"<init_from>" * 100_000),
        single("p.gltf", b'{"uri"' + blanks + b'"uri": ' + b'"uri":"' * 300_000),
        single("p.obj", b'mtllib "\nmtllib a.mtl\n' + blanks, **{"a.mtl": b'map_Kd "\nmap_Kd ' + blanks + b"\n"}),
        single("p.obj", b"mtllib a.mtl\n" * 80_000, **{"a.mtl": b"map_Kd p.png\n" * 80_000}),
        single("p.ply", b"ply\n" + b"comment TextureFile a.png\n" * 100_000),
    ):
        start = time.process_time()
        folder = tmp_path / f"{time.monotonic_ns()}"
        folder.mkdir()
        corner.written(folder)
        with Source(location=str(folder)).open(Quotas()) as listing:
            assert [file.name for file in scan(listing, "acme", ())] == [corner.name]
        assert time.process_time() - start < 3, corner.name


def test_a_shared_file_is_hashed_once(tmp_path: Path) -> None:
    """A thousand files may name the same large texture: hashing it for each of them would take hours."""
    (tmp_path / "large.png").write_bytes(bytes(30_000_000))
    for index in range(200):
        (tmp_path / f"{index}.gltf").write_bytes(b'{"images":[{"uri":"large.png"}]}')
    start = time.process_time()
    with Source(location=str(tmp_path)).open(Quotas()) as listing:
        assert len({file.digest for file in scan(listing, "acme", ())}) == 1
    assert time.process_time() - start < 3


def test_the_child_sees_no_more_than_it_needs(box: Sandbox, tmp_path: Path) -> None:
    """A file that is a source on its own does not open its folder, which may be somebody's home."""
    from tasks.sandbox import Limits

    (tmp_path / "private.txt").write_text("private")
    (tmp_path / "a.obj").write_text("mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (tmp_path / "a.mtl").write_text("newmtl x\nKd 1 0 0\n")
    seen: list[list[str]] = []

    class Watched:
        """Notes what a child may read."""

        def run(self, function: object, arguments: object, limits: Limits, readable: Iterator[str]) -> object:
            seen.append([Path(path).name for path in readable])
            return box.run(function, arguments, limits, [str(tmp_path / name) for name in seen[-1]])  # type: ignore[arg-type]

    with Source(location=str(tmp_path / "a.obj")).open(QUOTAS) as listing:
        (found,) = scan(listing, "acme", ())
    assert read(found, QUOTAS, Watched()).bodies  # type: ignore[arg-type]
    assert seen == [["a.obj", "a.mtl"]]


TRIANGLE = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0]], dtype="<f8")
ENTRY = {"name": "x", "path": "a/b", "count": 1, "colour": None, "material": "", "unit": "mm", "mesh": 0}


@pytest.mark.parametrize(
    ("vertices", "faces"),
    [
        (TRIANGLE * np.nan, [[0, 1, 2]]),
        (TRIANGLE * 1e300, [[0, 1, 2]]),
        (TRIANGLE * 0, [[0, 1, 2]]),
        (TRIANGLE, [[0, 1, 3]]),
        (TRIANGLE, [[0, 1, -1]]),
        (TRIANGLE, [[0, 0, 0]]),
        (TRIANGLE, []),
        (TRIANGLE[:, :2], [[0, 1, 2]]),
    ],
)
def test_a_child_that_was_taken_over_is_not_believed(vertices: object, faces: object) -> None:
    """What it answers is checked again: nothing that would spoil a table or bring down who works on."""
    arrays = {"v0": np.asarray(vertices, "<f8"), "f0": np.asarray(faces, "<i4").reshape(-1, 3)}
    with pytest.raises(Fault, match="makes no sense"):
        _bodies([ENTRY], arrays)


def test_odd_words_of_a_child_are_made_plain() -> None:
    """Names, paths, colours and counts fit the table that they go into."""
    odd = {"name": "a\n\ud800b", "path": "x\x1b[2J/\u202e/y", "count": 10**30, "colour": [float("nan"), 0.5, 1]}
    (body,) = _bodies([ENTRY | odd], {"v0": TRIANGLE, "f0": np.array([[0, 1, 2]], "<i4")})
    assert (body.name, body.path, body.colour) == ("a b", "x [2J/y", None)
    assert body.count <= 200_000


def test_html_stays_text(corners: tuple[Corner, ...], box: Sandbox, tmp_path: Path) -> None:
    """A name that is HTML is a name: it is kept as it is, and escaped where it is shown."""
    wanted = {corner.label: corner for corner in corners if "HTML" in corner.label}
    assert isinstance(wanted["obj: a name of HTML"], Corner)
    found = fuzz.outcome(wanted["obj: a name of HTML"].upload, tmp_path / "upload", box, QUOTAS)
    assert [body.name for body in found.bodies] == [PAYLOAD]
    assert os.sep in PAYLOAD
