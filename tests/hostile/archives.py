"""Archives that lie, grow, lead elsewhere or hide something, with what has to come out of each."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, NamedTuple

from formats import packed

from tasks.records import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = {"good.stl": b"good"}
MEGABYTE = 2**20


class Archive(NamedTuple):
    """An archive: the names of the files that come out of it, and words of what is said of others."""

    label: str
    data: bytes
    files: tuple[str, ...] = ("good.stl",)
    words: tuple[str, ...] = ()


def archives() -> Iterator[Archive]:
    """All corners of archives; limits are those of Quotas(files=50, file_mb=64, source_mb=128)."""
    yield from _bombs()
    yield from _ways()
    yield from _lies()
    yield from _kinds()


def _bombs() -> Iterator[Archive]:
    # noise that recurs after more than Deflate looks back: a tenth of it is left
    large = (generator("noise").bytes(3000) + bytes(33_000)) * 1900
    zeros = bytes(20 * MEGABYTE)
    yield Archive("a bomb", packed({"a.stl": zeros} | GOOD), words=("more than 300 times",))
    for label, method in (("bzip2", zipfile.ZIP_BZIP2), ("LZMA", zipfile.ZIP_LZMA)):
        yield Archive(f"a bomb of {label}", packed({"a.stl": zeros} | GOOD, method), (), ("packed in a way",))
    yield Archive("a bomb in a bomb", packed({"in.zip": packed({"a.stl": zeros})} | GOOD), words=("300 times",))
    small = {f"{number:02}.stl": bytes(7 * MEGABYTE) for number in range(30)}
    yield Archive("thirty small bombs", packed(small), tuple(list(small)[:18]), ("makes the source larger",))
    yield Archive("a file too large", packed({"a.stl": large} | GOOD), words=("larger than 64 MB",))
    many = {f"{number:03}.stl": b"x" for number in range(3000)}
    yield Archive("too many members", packed(many), tuple(list(many)[:49]), ("one file more than", "1951 more members"))
    nested = packed(GOOD)
    for _ in range(6):
        nested = packed({"in.zip": nested})
    yield Archive("six archives deep", nested, (), ("more than 3 archives deep",))
    yield Archive("a million members", hollow(1_000_000), (), ("holds more members than an archive may have",))
    yield Archive("members that share their bytes", _overlapping(), (), ("damaged",))
    locked = _flagged(packed({"a.stl": zeros} | GOOD, 0), 8, 8, "a.stl")
    yield Archive("bytes that are no Deflate", locked, words=("cannot be unpacked",))


def _ways() -> Iterator[Archive]:
    for name, words in (
        ("../up.stl", "leads outside"),
        ("a/../../up.stl", "leads outside"),
        ("a/b/../c.stl", "leads outside"),
        ("..\\up.stl", "leads outside"),
        ("/root.stl", "an absolute name"),
        ("//server/share.stl", "an absolute name"),
        ("\\\\server\\share.stl", "an absolute name"),
        ("C:\\windows.stl", "an absolute name"),
        ("c:relative.stl", "an absolute name"),
        ("a" * 250 + ".stl", "too long"),
        ("a/" * 600 + "deep.stl", "too long"),
        ("line\nbreak.stl", "cannot be shown"),
        ("turn\u202elts.stl", "cannot be shown"),
        ("escape\x1b[2J.stl", "cannot be shown"),
        ("good.stl/inside.stl", "a file and a folder of this name"),
        ("GOOD.STL", "up to capital letters"),
        ("./good.stl", "the same name"),
    ):
        yield Archive(f"the name {name[:20]!r}", packed(GOOD | {name: b"x"}), words=(words,))
    for name in (
        "<img src=x onerror=alert(1)>.stl",
        "'; DROP TABLE files;--.stl",
        "名前 Ärger.stl",
        "$(reboot).stl",
        "x.stl",
    ):
        yield Archive(f"the name {name}", packed({name: b"x"}), (name,))
    accents = packed({"\u00c4.stl": b"1", "A\u0308.stl": b"2"})
    yield Archive("two ways to write one letter", accents, ("\u00c4.stl",), ("the same name",))
    with warnings.catch_warnings(action="ignore"):
        yield Archive(
            "one name twice", _listed([("good.stl", b"1", 0), ("good.stl", b"2", 0)]), words=("the same name",)
        )
    for label, kind, words in (
        ("a link", stat.S_IFLNK, ("is a link",)),
        ("a pipe", stat.S_IFIFO, ()),  # unpacked as the plain file that its bytes are
        ("a device", stat.S_IFBLK, ()),
    ):
        members = [("odd.stl", b"/etc/passwd", kind | 0o777), ("good.stl", b"good", 0)]
        names = ("good.stl",) if words else ("good.stl", "odd.stl")
        yield Archive(label, _listed(members), names, words)
    through = [("way", b"/tmp", stat.S_IFLNK | 0o777), ("way/evil.stl", b"x", 0), ("good.stl", b"good", 0)]
    yield Archive("a way through a link", _listed(through), ("good.stl", "way/evil.stl"), ("is a link",))
    beside = {"in.zip": packed({"b.stl": b"inner"}), "in.zip.opened/b.stl": b"outer", ".in.zip/b.stl": b"hidden"}
    yield Archive("a folder where an archive is opened", packed(beside), ("in.zip.opened/b.stl", "in.zip/b.stl"))


def _lies() -> Iterator[Archive]:
    whole = packed({"a.stl": b"a" * 5000} | GOOD)
    for label, local, central, value, words in (
        ("a size too small", 22, 24, 10, "cannot be unpacked"),
        ("a packed size too small", 18, 20, 3, "cannot be unpacked"),
        ("another checksum", 14, 16, 1, "cannot be unpacked"),
    ):
        yield Archive(label, valued(whole, local, central, value), words=(words,))
    for label, local, central in (("a size too large", 22, 24), ("a packed size too large", 18, 20)):  # it ends earlier
        yield Archive(label, valued(whole, local, central, 2**31 - 1), ("a.stl", "good.stl"))
    start = whole.index(b"PK\1\2")
    other = whole[:30] + b"b.stl" + whole[35:]
    yield Archive("two names for one member", other, words=("cannot be unpacked",))
    yield Archive(
        "a member beyond the end", whole[: start + 42] + b"\xff\xff\xff\x7f" + whole[start + 46 :], words=("a.stl",)
    )
    end = whole.index(b"PK\5\6")
    for label, data in (
        ("nothing", b""),
        ("no archive", b"no archive"),
        ("cut off", whole[: len(whole) // 2]),
        ("without its list", whole[:start]),
        ("a list of 4 GB", whole[: end + 12] + struct.pack("<I", 2**32 - 2) + whole[end + 16 :]),
        ("a list of other letters", whole[:start] + b"XX" + whole[start + 2 :]),
        ("zero bytes", bytes(5000)),
    ):
        yield Archive(label, data, (), ("is not a ZIP archive that can be opened",))
    elsewhere = whole[: end + 16] + struct.pack("<I", 3) + whole[end + 20 :]
    yield Archive("members elsewhere", elsewhere, (), ("cannot be unpacked",))
    yield Archive("something before it", b"#!/bin/sh\n" * 100 + whole, ("a.stl", "good.stl"))
    yield Archive("something behind it", whole[:-2] + struct.pack("<H", 900) + b"x" * 900, ("a.stl", "good.stl"))


def _kinds() -> Iterator[Archive]:
    whole = packed({"a.stl": b"a" * 5000} | GOOD)
    yield Archive("a password", _flagged(whole, 6, 1, "a.stl"), words=("without a password",))
    for method in (1, 9, 12, 14, 93, 98, 99):
        yield Archive(f"method {method}", _flagged(whole, 8, method, "a.stl"), words=("packed in a way",))
    yield Archive("folders alone", _listed([(f"a{number}/", b"", 0) for number in range(300)]), ())
    hidden = {".git/x.stl": b"x", "__MACOSX/a.stl": b"x", "Thumbs.db": b"x", "a/.x.stl": b"x"}
    yield Archive("what programs leave", packed(hidden | GOOD))


def _listed(members: list[tuple[str, bytes, int]]) -> bytes:
    """An archive of names, bytes and modes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data, mode in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, data)
    return stream.getvalue()


def valued(data: bytes, local: int, central: int, value: int) -> bytes:
    """An archive in which both headers of the first member have this value of four bytes."""
    out, start = bytearray(data), data.index(b"PK\1\2")
    out[local : local + 4] = out[start + central : start + central + 4] = struct.pack("<I", value)
    return bytes(out)


def _flagged(data: bytes, local: int, value: int, name: str) -> bytes:
    """An archive in which both headers of a member have this value of two bytes."""
    out, start = bytearray(data), data.index(b"PK\1\2")
    assert data[30 : 30 + len(name)] == name.encode()
    out[local : local + 2] = out[start + local + 2 : start + local + 4] = struct.pack("<H", value)
    return bytes(out)


def hollow(count: int) -> bytes:
    """An archive whose list names a member `count` times, and which holds it once."""
    name, body = b"a.stl", b"x"
    numbers = (zlib.crc32(body), 1, 1, len(name))
    local = b"PK\3\4" + struct.pack("<5H3I2H", 20, 0, 0, 0, 0, *numbers, 0) + name + body
    entry = b"PK\1\2" + struct.pack("<6H3I5H2I", 20, 20, 0, 0, 0, 0, *numbers, 0, 0, 0, 0, 0, 0) + name
    size = len(entry) * count
    large = b"PK\6\6" + struct.pack("<Q2H2I4Q", 44, 45, 45, 0, 0, count, count, size, len(local))
    found = b"PK\6\7" + struct.pack("<IQI", 0, len(local) + size, 1)
    end = b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    return local + entry * count + large + found + end


def _overlapping() -> bytes:
    """An archive whose members are all the same bytes: ten thousand bombs for the price of one."""
    whole = packed({"a.stl": bytes(3 * MEGABYTE)})
    start, end = whole.index(b"PK\1\2"), whole.index(b"PK\5\6")
    entries = b"".join(whole[start:end].replace(b"a.stl", b"%05d" % number) for number in range(40))
    return whole[:start] + entries + b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 40, 40, len(entries), start, 0)
