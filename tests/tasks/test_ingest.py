"""Every file of a source becomes bodies, a photograph, or a sentence that says why not; and none stops the others."""

from __future__ import annotations

import io
import os
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trimesh
from PIL import Image

from blocks.customer import Quotas
from blocks.source import Listing, Source, SourceFile
from tasks.ingest import Found, Reading, bodies_in_child, read, readings, sandbox, scan
from tasks.readers import READERS, registry
from tasks.records import Body
from tasks.sandbox import Fault, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.sandbox import Sandbox

QUOTAS = Quotas(parse_seconds=30, parse_memory_mb=1024)
BOX = trimesh.creation.box((10, 20, 30))


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One sandbox with the readers, for all tests."""
    with sandbox() as opened:
        yield opened


def found(folder: Path, salt: str = "acme") -> dict[str, Found]:
    """What a scan finds in a folder, by name."""
    with Source(location=str(folder)).open(QUOTAS) as listing:
        return {one.name: one for one in scan(listing, salt)}


def one(path: Path, data: bytes, box: Sandbox, quotas: Quotas = QUOTAS) -> Reading:
    """Reading of a file with this content."""
    path.write_bytes(data)
    return read(found(path.parent)[path.name], quotas, box)


def test_files_are_told_apart(tmp_path: Path) -> None:
    """CAD, native CAD, photographs and metadata are found in any folder; other files are ignored."""
    kinds = {
        **dict.fromkeys(("a.STEP", "x/b.stl", "c.SLDPRT", "d.prt.12", "e.7z"), "cad"),
        **dict.fromkeys(("f.JPG", "x/g.png"), "photo"),
        **dict.fromkeys(("x/Parts.csv", "parts.json", "valves.parts.csv"), "metadata"),
    }
    for name in (*kinds, "readme.txt", "drawing.pdf", "prices.csv", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    assert {name: file.kind for name, file in found(tmp_path).items()} == kinds


def test_digests_are_of_content_and_customer(tmp_path: Path) -> None:
    """Equal files have equal digests for one customer, and different ones for two."""
    for name in ("a.stl", "b.stl"):
        (tmp_path / name).write_bytes(b"same")
    (tmp_path / "c.stl").write_bytes(b"other")
    ours = {name: file.digest for name, file in found(tmp_path).items()}
    assert ours["a.stl"] == ours["b.stl"] != ours["c.stl"]
    assert len(ours["a.stl"]) == 32
    assert found(tmp_path, "other")["a.stl"].digest != ours["a.stl"]


def test_companions_count(tmp_path: Path) -> None:
    """A changed material changes the digest of the part; a texture is no photograph of a part."""
    BOX.export(tmp_path / "a.obj")
    (tmp_path / "a.obj").write_text("mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", encoding="utf-8")
    (tmp_path / "a.mtl").write_text("newmtl x\nKd 1 0 0\nmap_Kd paint.png\n", encoding="utf-8")
    for name in ("paint.png", "photo.png"):
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    before = found(tmp_path)
    assert set(before) == {"a.obj", "photo.png"}
    (tmp_path / "a.mtl").write_text("newmtl x\nKd 0 1 0\nmap_Kd paint.png\n", encoding="utf-8")
    assert found(tmp_path)["a.obj"].digest != before["a.obj"].digest
    assert found(tmp_path)["photo.png"].digest == before["photo.png"].digest


def test_a_mesh_comes_out_of_the_sandbox_as_it_went_in(tmp_path: Path, box: Sandbox) -> None:
    """What the child answers is exactly what the reader found."""
    reading = one(tmp_path / "a_mm.stl", BOX.export(file_type="stl"), box)
    (body,) = reading.bodies
    assert not reading.reason
    assert body.unit == "mm"
    assert np.ptp(body.vertices, axis=0).tolist() == [10, 20, 30]
    assert body.faces.dtype == np.int64
    assert trimesh.Trimesh(body.vertices, body.faces, process=False).volume == pytest.approx(6000)


def test_a_photograph_comes_out_as_jpeg(tmp_path: Path, box: Sandbox) -> None:
    """A picture is decoded where it can do no harm, and arrives small."""
    Image.new("RGB", (2000, 1000), "orange").save(tmp_path / "a.png")
    reading = read(found(tmp_path)["a.png"], QUOTAS, box)
    assert Image.open(io.BytesIO(reading.photo)).size == (768, 384)
    assert not reading.reason


def test_metadata_is_left_to_others(tmp_path: Path) -> None:
    """A table is classified and hashed, and not read here."""
    (tmp_path / "parts.csv").write_text("number,name\n", encoding="utf-8")
    assert read(found(tmp_path)["parts.csv"], QUOTAS) == Reading(found(tmp_path)["parts.csv"])


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.stl", b"", "a.stl is empty (0 bytes)."),
        ("a.sldprt", b"x", "a.sldprt is a native SolidWorks file, which only that program reads: export it as STEP."),
        ("a.prt.3", b"x", "a.prt.3 is a native NX, Creo or Solid Edge file"),
        ("a.rar", b"x", "a.rar is an archive that is not opened: send a ZIP archive."),
        ("a.step", b"ISO-10303-21;\nDATA;\n", "cut off"),
        ("a.step", b"PK\3\4", "a.step does not begin like a STEP file."),
        ("a.igs", b"nothing", "a.igs does not begin like an IGES file."),
        ("a.stl", b"\0" * 80 + b"\xff\0\0\0" + b"\0" * 100, "a.stl announces 255 triangles but holds 2"),
        ("a.3mf", b"nothing", "a.3mf is not a 3MF package"),
        ("a.glb", b"glTF", "a.glb is damaged, or its content is no GLB: export it again."),
        ("a.gltf", b"[" * 100_000, "a.gltf is not glTF: its description is no valid JSON."),
        ("a.obj", b"f 1 2 3", "a.obj has faces whose corners are missing"),
        ("a.ply", b"ply\n", "a.ply holds points and no faces."),
        ("a.dae", b"<COLLADA", "a.dae is damaged, or its content is no DAE: export it again."),
        ("a.png", b"nothing", "a.png can't be read as a picture: send a JPEG, PNG"),
    ],
)
def test_every_bad_file_has_its_sentence(tmp_path: Path, box: Sandbox, name: str, data: bytes, words: str) -> None:
    """The sentence begins with the file's name, ends with a full stop, and says what to do where something helps."""
    reading = one(tmp_path / name, data, box)
    assert not reading.bodies
    assert not reading.photo
    assert words in reading.reason
    assert reading.reason.startswith(f"{name} ")
    assert reading.reason.endswith(".")


def test_quotas_hold(tmp_path: Path, box: Sandbox) -> None:
    """A file that is too large is not tried, and one that takes too long or too much memory is given up."""
    large = one(tmp_path / "a.stl", bytes(3 * 1024 * 1024), box, Quotas(file_mb=2))
    assert large.reason == "a.stl is larger than 2 MB, the most that one file may have."
    slow = b"v 0 0 0\n" * 3_000_000
    assert "takes too long" in one(tmp_path / "b.obj", slow, box, Quotas(parse_seconds=0.3)).reason
    assert "256 MB of memory" in one(tmp_path / "c.obj", slow, box, Quotas(parse_memory_mb=256)).reason
    assert box.starts == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every file")
def test_a_file_without_permission_is_said(tmp_path: Path, box: Sandbox) -> None:
    """A file that cannot be opened is quarantined like any other."""
    reading = one(tmp_path / "a.stl", b"x", box)
    (tmp_path / "a.stl").chmod(0)
    assert "permissions" in read(reading.found, QUOTAS, box).reason


def test_a_file_that_has_gone_is_said(tmp_path: Path, box: Sandbox) -> None:
    """Between the scan and the reading a file may vanish."""
    (tmp_path / "a.stl").write_bytes(b"x")
    gone = found(tmp_path)["a.stl"]
    (tmp_path / "a.stl").unlink()
    assert "it has gone" in read(gone, QUOTAS, box).reason
    listing = Listing((SourceFile("a.stl", tmp_path / "a.stl", 1),), ())
    assert scan(listing, "acme")[0].digest == ""


def test_readings_keep_the_order_and_read_little_ahead(tmp_path: Path) -> None:
    """Two sandboxes work at once, the answers come in the order of the files, and few wait in memory."""
    data = BOX.export(file_type="stl")
    for index in range(30):
        (tmp_path / f"{index:02}.stl").write_bytes(data if index % 3 else b"broken")
    files = list(found(tmp_path).values())
    taken = []

    def fed() -> Iterator[Found]:
        for file in files:
            taken.append(file.name)
            yield file

    stream = readings(fed(), QUOTAS, workers=2)
    first = next(stream)
    assert len(taken) <= 6
    names = [first.found.name, *(reading.found.name for reading in stream)]
    assert names == [file.name for file in files]


class Slow:
    """A reader that takes its time."""

    suffixes = (".slow",)

    def companions(self, path: Path) -> tuple[str, ...]:  # noqa: ARG002 - none
        """None."""
        return ()

    def __call__(self, path: Path) -> list[Body]:
        """Nothing, late."""
        time.sleep(25)
        raise AssertionError(path)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers that come from elsewhere: two that load, and one that does not."""
    known = f"taken={__name__}:Taken,gone=nowhere:Reader,slow={__name__}:Slow"
    monkeypatch.setenv("PARTSIGHT_READERS", known)


@pytest.mark.usefixtures("plugins")
def test_an_abandoned_run_leaves_nothing(tmp_path: Path) -> None:
    """Who stops in the middle leaves no process behind, and does not wait for the slowest file."""
    for name in ("0.stl", "1.slow", "2.slow"):
        (tmp_path / name).write_bytes(BOX.export(file_type="stl"))
    stream = readings(found(tmp_path).values(), QUOTAS, workers=1)
    next(stream)
    assert _children()
    start = time.monotonic()
    stream.close()
    assert not _children()
    assert time.monotonic() - start < 20


def _children() -> set[str]:
    """Zygotes of this process that this test started."""
    return _zygotes() - _OTHERS


def _zygotes() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    pids = {pid for task in tasks for pid in (task / "children").read_text(encoding="ascii").split()}
    return {pid for pid in pids if b"tasks.zygote" in Path(f"/proc/{pid}/cmdline").read_bytes()}


_OTHERS: set[str] = set()


@pytest.fixture(autouse=True)
def _others(box: Sandbox) -> None:
    """Other tests' zygotes do not count, and that of the pictures stays for the next one."""
    _OTHERS.update(_zygotes())
    if box._process is not None:
        _OTHERS.add(str(box._process.pid))


class Taken:
    """A reader that was taken over by the file it reads."""

    suffixes = (".taken",)

    def companions(self, path: Path) -> tuple[str, ...]:  # noqa: ARG002 - none
        """None."""
        return ()

    def __call__(self, path: Path) -> list[Body]:
        """A body whose faces point anywhere."""
        corner = int(path.read_text(encoding="ascii"))
        return [Body(vertices=np.eye(3), faces=np.array([[0, 1, corner]]))]


@pytest.mark.parametrize("corner", [3, -1, 1_000_000])
def test_what_the_child_says_is_checked(tmp_path: Path, box: Sandbox, corner: int) -> None:
    """Faces that point outside the vertices never reach the renderer."""
    from tasks.ingest import _bodies

    path = tmp_path / "a.taken"
    path.write_text(str(corner), encoding="ascii")
    arguments = {"reference": f"{__name__}:Taken", "path": str(path)}
    answer = box.run(bodies_in_child, arguments, Limits(), [str(tmp_path), str(Path(__file__).parents[2])])
    with pytest.raises(Fault, match="makes no sense"):
        _bodies(answer.data, answer.arrays)


@pytest.mark.usefixtures("plugins")
def test_a_reader_can_be_added_without_packaging(tmp_path: Path) -> None:
    """PARTSIGHT_READERS names a class; one that does not load is named and leaves the others alone."""
    assert registry().readers[".taken"].name == "taken"
    assert "nowhere" in registry().broken["gone"]
    (tmp_path / "a.taken").write_text("2", encoding="ascii")
    assert len(read(found(tmp_path)["a.taken"], QUOTAS).bodies) == 1


def test_the_built_in_readers_come_through_the_same_door() -> None:
    """Every reader that pyproject.toml names is there, and serves the formats that we promise."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    names = {entry.name for entry in registry().readers.values()}
    assert names == set(project["project"]["entry-points"][READERS.entry])
    promised = [".step", ".stp", ".igs", ".iges", ".stl", ".obj", ".ply", ".off", ".3mf", ".glb", ".gltf", ".dae"]
    assert set(promised) <= set(registry().readers)


def test_real_cad_is_read(shared_cad: Path) -> None:
    """Of the real assemblies every file is read, and the same part in STL and STEP has the same size."""
    parts = shared_cad / "prusa-i3-mk3s" / "Printed-Parts"
    names = [parts / "STEP" / "fs-lever.stp", parts / "STL" / "fs-lever.stl"]
    files = [*sorted((shared_cad / "assemblies").glob("*.[si][tg][ps]")), *names]
    listing = Listing(tuple(SourceFile(path.name, path, path.stat().st_size) for path in files), ())
    found_bodies = {reading.found.name: reading.bodies for reading in readings(scan(listing, "acme"), QUOTAS)}
    assert all(found_bodies.values())
    step, stl = (np.ptp(found_bodies[path.name][0].vertices, axis=0) for path in names)
    assert step == pytest.approx(stl, rel=2e-3)


@pytest.mark.usefixtures("plugins")
def test_a_reader_that_is_not_allowed_is_not_there(tmp_path: Path) -> None:
    """Its formats are unknown to a customer whose file does not allow it, and it is not imported."""
    assert ".taken" not in registry(()).readers
    assert registry(()).broken == {}
    assert registry(("taken",)).readers[".taken"].name == "taken"
    (tmp_path / "a.taken").write_text("2", encoding="ascii")
    with Source(location=str(tmp_path)).open(QUOTAS) as listing:
        assert [one.name for one in scan(listing, "acme")] == ["a.taken"]
        assert scan(listing, "acme", ()) == ()
