"""Unpacks ZIP archives that nobody vouches for: counts what comes out, and refuses what would land elsewhere."""

from __future__ import annotations

import errno
import io
import logging
import re
import stat
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("partsight")
MEGABYTE = 1024 * 1024
BLOCK = 256 * 1024
SUFFIX = ".zip"
DEEPEST = 3
# text compresses 20 to 1, a mesh with few digits 100 to 1; what goes beyond that was made to fill a disk
MOST_RATIO, RATIO_FROM = 300, 8 * MEGABYTE
LONGEST_STEP, LONGEST_NAME = 200, 1000
MOST_LISTED = 32 * MEGABYTE  # of a list of members, which has to be in memory: half a million of them
MOST_REFUSED = 1000  # that are named one by one

# the disk is full, or there are too many open files: no archive's fault, and another try may do
MACHINE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE)
NO_ARCHIVE: Final = "is not a ZIP archive that can be opened: it is damaged, or was cut off"
# the library takes Deflate apart block by block, but bzip2 and LZMA at once: 240 bytes may be 300 MB
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
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
        with _Listed(archive.path) as stream, zipfile.ZipFile(stream) as opened:
            for member in _members(opened):
                name = f"{archive.name}/{member.filename}"
                if reason := _unfit(member, taken):
                    refused.append(Refused(shown(name), reason))
                    continue
                try:
                    found = _extracted(opened, member, folder, allowance)
                except _TooMuch as reason:
                    refused.append(Refused(shown(name), str(reason)))
                    continue
                found = found._replace(name=shown(f"{archive.name}/{found.name}"))
                if found.path.suffix.lower() != SUFFIX:
                    files.append(found)
                elif depth >= DEEPEST:
                    refused.append(Refused(found.name, f"is an archive more than {DEEPEST} archives deep"))
                else:
                    # no member is called so: hidden ones are left out
                    inner, no = unpack(found, found.path.with_name(f".{found.path.name}"), allowance, depth + 1)
                    files += inner
                    refused += no
    except _TooMuch as reason:
        refused.append(Refused(archive.name, str(reason)))
    except Exception as error:  # whatever its bytes do to the library is no fault of the other archives
        if getattr(error, "errno", None) in MACHINE:
            raise
        log.info("%s: %s", archive.name, error)
        refused.append(Refused(archive.name, NO_ARCHIVE))
    return files, _named(refused, archive.name)


class _Listed(io.FileIO):
    """An archive's file that is not read in one piece: its list of members may be as long as the file."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes. Raises _TooMuch where they are more than a list of members may have."""
        wanted = -1 if size is None else size
        place = self.tell()
        rest = max(0, self.seek(0, io.SEEK_END) - self.seek(place))
        if (rest if wanted < 0 else min(wanted, rest)) > MOST_LISTED:
            raise _TooMuch("holds more members than an archive may have: divide it")
        return super().read(wanted) or b""


def _named(refused: list[Refused], archive: str) -> list[Refused]:
    """What was refused, with a number in place of names that nobody would read to the end."""
    if len(refused) <= MOST_REFUSED:
        return refused
    more = len(refused) - MOST_REFUSED
    return [*refused[:MOST_REFUSED], Refused(archive, f"holds {more} more members that are not taken")]


def shown(name: str) -> str:
    """The name as it can be shown and stored: on one line, without what cannot be printed."""
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
    same = unicodedata.normalize("NFC", "/".join(steps)).casefold()
    long = len(name) > LONGEST_NAME or any(len(step.encode("utf-8", "replace")) > LONGEST_STEP for step in steps)
    checks = (
        (name.startswith(("/", "\\")) or bool(_DRIVE.match(name)), "has an absolute name, which is not unpacked"),
        (".." in steps, "has a name that leads outside the archive"),
        (not steps or long, "has a name that is too long, or none"),
        (not name.isprintable(), "has a name with characters that cannot be shown"),
        (stat.S_ISLNK(member.external_attr >> 16), "is a link: put the file itself into the archive"),
        (bool(member.flag_bits & 1), "is encrypted: send the archive without a password"),
        (member.compress_type not in _METHODS, "is packed in a way that is not opened: pack it with Deflate, as usual"),
        (same in taken, "has the same name as another member, up to capital letters"),
    )
    reason = next((reason for wrong, reason in checks if wrong), "")
    if not reason:
        taken.add(same)
    return reason


def _extracted(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, allowance: Allowance) -> SourceFile:
    """One member as a file below `folder`. Raises _TooMuch with the reason why not."""
    if allowance.files < 1 or allowance.bytes < 1:  # nothing of it could stay, so it is not unpacked either
        raise _TooMuch(allowance.count(1))
    inside = PurePosixPath(*_steps(member.filename))
    target = folder.joinpath(*inside.parts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(member) as stream, target.open("xb") as file:
            size = _copied(stream, file, member, allowance)
        if not (reason := allowance.count(size)):
            return SourceFile(inside.as_posix(), target, size)
    except _TooMuch as too_much:
        reason = str(too_much)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        reason = "cannot be unpacked: the archive has a file and a folder of this name"
    except Exception as error:  # zlib, bz2 and lzma have errors of their own
        if getattr(error, "errno", None) in MACHINE:
            raise
        log.info("%s: %s", shown(member.filename), error)
        reason = "cannot be unpacked: it is damaged, or packed in a way that is not known"
    if target.is_file():
        target.unlink()
    raise _TooMuch(reason)


def _copied(stream: IO[bytes], file: IO[bytes], member: zipfile.ZipInfo, allowance: Allowance) -> int:
    """Unpack a stream into a file; returns its size. Raises _TooMuch where it goes beyond what it may be."""
    size = 0
    while block := _block(stream, allowance, size):
        size += len(block)
        bomb = size > RATIO_FROM and size > MOST_RATIO * max(member.compress_size, 1)
        if bomb or size > min(allowance.file_bytes, allowance.bytes):
            # what came out was work all the same: a thousand such members must come to an end
            reason = f"unpacks to more than {MOST_RATIO} times its size" if bomb else allowance.count(size)
            allowance.bytes = max(0, allowance.bytes - size)
            raise _TooMuch(reason)
        file.write(block)
    return size


def _block(stream: IO[bytes], allowance: Allowance, size: int) -> bytes:
    """The next bytes of a member of which `size` came out; a member that is damaged after them has been work too."""
    try:
        return stream.read(BLOCK)
    except Exception:
        allowance.bytes = max(0, allowance.bytes - size)
        raise
