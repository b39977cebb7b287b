"""Unpacks ZIP archives that nobody vouches for: counts what comes out, and refuses what would land elsewhere."""

from __future__ import annotations

import re
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = 1024 * 1024
BLOCK = 256 * 1024
SUFFIX = ".zip"
DEEPEST = 3
# text compresses 20 to 1, a mesh with few digits 100 to 1; what goes beyond that was made to fill a disk
MOST_RATIO, RATIO_FROM = 300, 8 * MEGABYTE
LONGEST_STEP, LONGEST_NAME = 200, 1000

_DRIVE = re.compile(r"^[A-Za-z]:")


class SourceFile(NamedTuple):
    """A file of a source: its name below the source, where it is on this machine, its size in bytes."""

    name: str
    path: Path
    size: int


class Refused(NamedTuple):
    """A name in a source that is not taken, and why, in a sentence."""

    name: str
    reason: str


@dataclass
class Allowance:
    """What a source may still hold: number of files, bytes in all, bytes of one file."""

    files: int
    bytes: int
    file_bytes: int

    def count(self, size: int) -> str:
        """Take one file of `size` bytes off; returns why it may not be, or nothing."""
        if size > self.file_bytes:
            return f"is larger than {self.file_bytes // MEGABYTE} MB, the most that one file may have"
        if self.files < 1:
            return "is one file more than the source may hold"
        if size > self.bytes:
            return "makes the source larger than it may be"
        self.files -= 1
        self.bytes -= size
        return ""


class _TooMuch(Exception):  # noqa: N818 - a reason, not an error
    """Says why unpacking a member stopped."""


def skipped(name: str) -> bool:
    """Whether a file or folder is none of the customer's: hidden, or left there by macOS or Windows."""
    return name.startswith(".") or name in {"__MACOSX", "Thumbs.db", "desktop.ini"}


def unpack(
    archive: SourceFile, folder: Path, allowance: Allowance, depth: int = 1
) -> tuple[list[SourceFile], list[Refused]]:
    """Members of a ZIP archive, unpacked below `folder`, with those of archives inside it; and what was refused.

    Bytes are counted as they come out: what the archive says of its sizes is not believed.
    """
    files: list[SourceFile] = []
    refused: list[Refused] = []
    taken: set[str] = set()
    try:
        with zipfile.ZipFile(archive.path) as opened:
            for member in _members(opened):
                name = f"{archive.name}/{member.filename}"
                if reason := _unfit(member, taken):
                    refused.append(Refused(_shown(name), reason))
                    continue
                try:
                    found = _extracted(opened, member, folder, allowance)
                except _TooMuch as reason:
                    refused.append(Refused(_shown(name), str(reason)))
                    continue
                found = found._replace(name=_shown(f"{archive.name}/{found.name}"))
                if found.path.suffix.lower() != SUFFIX:
                    files.append(found)
                elif depth >= DEEPEST:
                    refused.append(Refused(found.name, f"is an archive more than {DEEPEST} archives deep"))
                else:
                    inner, no = unpack(found, Path(f"{found.path}.opened"), allowance, depth + 1)
                    files += inner
                    refused += no
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        refused.append(Refused(archive.name, f"is not a ZIP archive that can be opened: {error}"))
    return files, refused


def _shown(name: str) -> str:
    """Name that can be shown and stored."""
    text = name.encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:LONGEST_NAME]


def _members(opened: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Members that are files and not hidden."""
    for member in opened.infolist():
        if not member.is_dir() and not any(skipped(step) for step in _steps(member.filename) if step != ".."):
            yield member


def _steps(name: str) -> list[str]:
    """Steps of a member's name; archives made on Windows may have backslashes."""
    return [step for step in name.replace("\\", "/").split("/") if step not in {"", "."}]


def _unfit(member: zipfile.ZipInfo, taken: set[str]) -> str:
    """Why a member is not unpacked, or nothing; a name that is fine is noted in `taken`."""
    name, steps = member.filename, _steps(member.filename)
    same = "/".join(steps).casefold()
    long = len(name) > LONGEST_NAME or any(len(step.encode("utf-8", "replace")) > LONGEST_STEP for step in steps)
    checks = (
        (name.startswith(("/", "\\")) or bool(_DRIVE.match(name)), "has an absolute name, which is not unpacked"),
        (".." in steps, "has a name that leads outside the archive"),
        (not steps or long, "has a name that is too long, or none"),
        (not name.isprintable(), "has a name with characters that cannot be shown"),
        (stat.S_ISLNK(member.external_attr >> 16), "is a link: put the file itself into the archive"),
        (bool(member.flag_bits & 1), "is encrypted: send the archive without a password"),
        (same in taken, "has the same name as another member, up to capital letters"),
    )
    reason = next((reason for wrong, reason in checks if wrong), "")
    if not reason:
        taken.add(same)
    return reason


def _extracted(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, allowance: Allowance) -> SourceFile:
    """One member as a file below `folder`. Raises _TooMuch with the reason why not."""
    inside = PurePosixPath(*_steps(member.filename))
    target = folder.joinpath(*inside.parts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(member) as stream, target.open("xb") as file:
            size = _copied(stream, file, member.compress_size, allowance)
        if not (reason := allowance.count(size)):
            return SourceFile(inside.as_posix(), target, size)
    except _TooMuch as too_much:
        reason = str(too_much)
    except Exception as error:  # noqa: BLE001 - zlib, bz2 and lzma have errors of their own, and so has the disk
        reason = f"cannot be unpacked: {error}"
    if target.is_file():
        target.unlink()
    raise _TooMuch(reason)


def _copied(stream: IO[bytes], file: IO[bytes], packed: int, allowance: Allowance) -> int:
    """Unpack a stream into a file; returns its size. Raises _TooMuch where it goes beyond what it may be."""
    size = 0
    while block := stream.read(BLOCK):
        size += len(block)
        bomb = size > RATIO_FROM and size > MOST_RATIO * max(packed, 1)
        if bomb or size > min(allowance.file_bytes, allowance.bytes):
            # what came out was work all the same: a thousand such members must come to an end
            reason = f"unpacks to more than {MOST_RATIO} times its size" if bomb else allowance.count(size)
            allowance.bytes = max(0, allowance.bytes - size)
            raise _TooMuch(reason)
        file.write(block)
    return size
