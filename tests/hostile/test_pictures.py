"""Whatever is sent as a picture becomes pixels or one clear sentence, and is decoded in the sandbox alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pictures import bombs, colours, kinds, outcomes, pretenders, saved
from PIL import Image

from tasks import photograph
from tasks.photograph import opened

if TYPE_CHECKING:
    from tasks.records import Bytes

ROOT = Path(__file__).resolve().parents[2]
KINDS, BOMBS, PRETENDERS = kinds(), bombs(), pretenders()
GREY = {"JPEG grey", "PNG 1 bit", "PNG 16 bit grey", "PNG grey and alpha", "TIFF 16 bit grey", "TIFF float"}


def placed(folder: Path, data: bytes, name: str = "part.jpg") -> Path:
    """A file that says it is a JPEG, whatever it is."""
    path = folder / name
    path.write_bytes(data)
    return path


def corners(pixels: Bytes) -> list[list[int]]:
    """Colours near the four corners, row by row."""
    height, width, _ = pixels.shape
    rows, columns = (height // 4, height - height // 4 - 1), (width // 4, width - width // 4 - 1)
    return [pixels[row, column].tolist() for row in rows for column in columns]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_opened(tmp_path: Path, kind: str) -> None:
    """Every format, mode and depth that people send shows what was saved: its first picture, in its colours."""
    pixels = opened(placed(tmp_path, KINDS[kind]))
    assert pixels.shape == (32, 48, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    grey = Image.fromarray(np.asarray(colours().convert("L"))).convert("RGB")
    wanted = np.asarray(grey if kind in GREY else colours()).astype(int)
    if kind != "PNG 1 bit":
        assert np.abs(np.array(corners(pixels)) - corners(wanted)).max() <= 24, corners(pixels)
    assert min(corners(pixels)[3]) >= 231


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_way_to_hold_a_camera_is_undone(tmp_path: Path, kind: str) -> None:
    """All eight EXIF orientations end upright, in each format that has them."""
    turns = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for number, turn in turns.items():
        exif = Image.Exif()
        exif[0x0112] = number
        lying = colours() if turn is None else colours().transpose(turn)
        pixels = opened(placed(tmp_path, saved(lying, kind, exif=exif)))
        assert pixels.shape == (32, 48, 3), number
        assert np.abs(np.array(corners(pixels)) - corners(np.asarray(colours()).astype(int))).max() <= 24, number


def test_damaged_notes_spoil_no_picture(tmp_path: Path) -> None:
    """EXIF and colour profiles that are rubbish are not needed to see what is there."""
    for options in (
        {"exif": b"Exif\0\0rubbish" * 9},
        {"exif": b"Exif\0\0II*\0\xff\xff\xff\xff"},
        {"icc_profile": b"x" * 999},
    ):
        assert opened(placed(tmp_path, saved(colours(), "JPEG", **options))).shape == (32, 48, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2), (7000, 5)])
def test_any_shape_is_a_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    """One pixel, and a line of them, are opened."""
    height, width, _ = opened(placed(tmp_path, saved(Image.new("RGB", size), "PNG"))).shape
    assert 1 <= min(height, width) <= max(height, width) <= 1024


def test_the_largest_picture_is_opened(tmp_path: Path) -> None:
    """A picture at the limit of 100 million pixels fits into the sandbox."""
    data = saved(Image.new("L", (10_000, 10_000)), "PNG", compress_level=1)
    assert opened(placed(tmp_path, data)).shape == (1024, 1024, 3)


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_cost_a_sentence(tmp_path: Path, name: str) -> None:
    """What says it is huge, or unpacks to it, is refused at once, or opened without what was not asked for."""
    path = placed(tmp_path, BOMBS[name], "bomb.png")
    if name.startswith("PNG with 200 MB of"):  # beside the pixels: it may be left out
        try:
            assert opened(path).shape == (8, 8, 3)
        except ValueError as error:
            assert str(error).startswith(f"{path} can't be read as a picture")  # noqa: PT017 - both are right
    else:
        with pytest.raises(
            ValueError, match=r"bomb\.png (has more than 100 million pixels|can't be read as a picture)"
        ):
            opened(path)


@pytest.mark.parametrize("name", PRETENDERS)
def test_what_only_pretends_is_refused(tmp_path: Path, name: str) -> None:
    """Documents, programs and pictures of kinds that are not taken get a sentence, whatever they are called."""
    with pytest.raises(ValueError, match=r"part\.jpg can't be read as a picture: send a JPEG"):
        opened(placed(tmp_path, PRETENDERS[name]))


def test_no_picture_starts_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ghostscript, which Pillow would start for EPS, is not started: neither by search nor outside the sandbox."""
    for name in ("gs", "gswin32c", "gswin64c"):
        program = placed(tmp_path, f"#!/bin/sh\ntouch {tmp_path}/started\n".encode(), name)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("EPS", "EPS in a DOS shell", "WMF", "EMF"):
        with pytest.raises(ValueError, match="can't be read as a picture"):
            photograph.decoded(PRETENDERS[name], "part.eps")
        with pytest.raises(ValueError, match="can't be read as a picture"):
            opened(placed(tmp_path, PRETENDERS[name], "part.eps"))
    assert not (tmp_path / "started").exists()


def test_damaged_pictures_are_opened_or_refused(tmp_path: Path) -> None:
    """The first of what `make fuzz-pictures` tries: no crash and no other exception."""
    told = list(outcomes(tmp_path, 90, seed=7))
    assert {one for _, one, _ in told} == {"opened", "refused"}


def test_nothing_is_decoded_outside_the_sandbox(tmp_path: Path) -> None:
    """A process that opens a picture loads no decoder itself: what is in it is not touched there."""
    path = placed(tmp_path, KINDS["AVIF"])
    code = (
        "import sys; from pathlib import Path; from tasks.photograph import opened;"
        "pixels = opened(Path(sys.argv[1])); print(pixels.shape, sorted(one for one in sys.modules if 'PIL' in one))"
    )
    command = [sys.executable, "-c", code, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "(32, 48, 3) []"
    assert run.stderr == ""


def test_relative_paths_and_forbidden_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture is found from where the caller stands; one that is a pipe or gone is a sentence."""
    placed(tmp_path, KINDS["PNG"])
    monkeypatch.chdir(tmp_path)
    assert opened(Path("part.jpg")).shape == (32, 48, 3)
    os.mkfifo("pipe.jpg")
    Path("link.jpg").symlink_to("part.jpg")
    assert opened(Path("link.jpg")).shape == (32, 48, 3)
    for name in ("pipe.jpg", "gone.jpg", "."):
        with pytest.raises(ValueError, match="There is no picture"):
            opened(Path(name))


def test_a_crash_of_the_decoder_is_a_sentence(tmp_path: Path) -> None:
    """The sandbox of a process stays warm from picture to picture, and is started again when it was killed."""
    path = placed(tmp_path, KINDS["PNG"])
    opened(path)
    room, _ = photograph._darkroom(os.getpid())
    starts = room.starts
    opened(path)
    assert room.starts == starts
    room.interrupt()
    room._process.wait()
    assert opened(path).shape == (32, 48, 3)
    assert room.starts == starts + 1


def test_a_forked_process_has_its_own_sandbox(tmp_path: Path) -> None:
    """Workers are forked: two of them on one pipe would get each other's pictures."""
    path = placed(tmp_path, KINDS["PNG"])
    opened(path)
    child = os.fork()
    if not child:
        try:
            os._exit(0 if opened(path).shape == (32, 48, 3) else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert opened(path).shape == (32, 48, 3)
