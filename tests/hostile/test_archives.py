"""Archives are opened within bounds: nothing lands elsewhere, nothing is believed, and what is refused is said."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from archives import Archive, archives, hollow, valued
from formats import packed
from fuzz import unfit

from blocks.archive import Allowance, SourceFile, unpack
from blocks.customer import Quotas
from blocks.source import Source

QUOTAS = Quotas(files=50, file_mb=64, source_mb=128)
SECONDS = 20.0
ROOT = Path(__file__).resolve().parents[2]


def test_archives_are_opened_within_bounds(tmp_path: Path) -> None:
    """Just these files come out, below one folder; each other one has its sentence; it takes a moment."""
    tried = 0
    for archive in archives():
        opened(archive, tmp_path)
        tried += 1
    assert tried == 67


def opened(archive: Archive, folder: Path) -> None:
    """Open one archive of a customer and look at what came of it."""
    (folder / "a.zip").write_bytes(archive.data)
    start = time.process_time()
    with Source(location=str(folder)).open(QUOTAS) as listing:
        names = [file.name for file in listing.files]
        assert names == sorted(f"a.zip/{name}" for name in archive.files), (archive.label, listing.refused[:3])
        for file in listing.files:
            assert file.path.is_file(), archive.label
            assert not file.path.is_symlink(), archive.label
            assert file.size == file.path.stat().st_size, archive.label
            assert any(parent.name.startswith("partsight-source-") for parent in file.path.resolve().parents)
    for words in archive.words:
        assert any(words in refused.reason for refused in listing.refused), (archive.label, listing.refused[:3])
    assert bool(listing.refused) == bool(archive.words), (archive.label, listing.refused[:3])
    assert not [refused for refused in listing.refused if unfit(refused.reason, refused.name)], archive.label
    assert [path.name for path in folder.rglob("*")] == ["a.zip"], archive.label
    assert time.process_time() - start < SECONDS, archive.label


def test_an_empty_archive_is_empty(tmp_path: Path) -> None:
    """An archive with nothing in it gives nothing, and is no fault."""
    (tmp_path / "a.zip").write_bytes(packed({}))
    with Source(location=str(tmp_path)).open(QUOTAS) as listing:
        assert listing.files == listing.refused == ()


BOMB = """
import resource, sys
from pathlib import Path
from blocks.archive import Allowance, SourceFile, unpack
path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
files, refused = unpack(SourceFile("a.zip", path, 0), path.parent / "out", Allowance(50, 2**40, 2**40))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, len(files), refused[0].reason)
"""


@pytest.mark.parametrize("kind", ["bzip2", "members"])
def test_opening_needs_little_memory(kind: str, tmp_path: Path) -> None:
    """240 bytes of bzip2 would come out as 120 MB at once, and a list of members is read as one: neither is."""
    bomb = zipfile.ZIP_BZIP2 if kind == "bzip2" else 0
    data = packed({"a.stl": bytes(120 * 2**20)}, bomb) if bomb else hollow(1_000_000)
    (tmp_path / "a.zip").write_bytes(data)
    command = [sys.executable, "-c", BOMB, str(tmp_path / "a.zip")]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    megabytes, files, reason = run.stdout.split(maxsplit=2)
    assert ("packed in a way" if bomb else "more members than") in reason
    assert files == "0"
    assert int(megabytes) < 60


def test_work_for_nothing_comes_to_an_end(tmp_path: Path) -> None:
    """A member that is damaged at its end took as much work as one that is whole, and is counted."""
    data = valued(packed({"a.stl": bytes(3 * 2**20)}), 14, 16, 1)
    (tmp_path / "a.zip").write_bytes(data)
    allowance = Allowance(50, 10 * 2**20, 64 * 2**20)
    _, refused = unpack(SourceFile("a.zip", tmp_path / "a.zip", len(data)), tmp_path / "out", allowance)
    assert "cannot be unpacked" in refused[0].reason
    assert allowance.bytes < 8 * 2**20


def test_a_full_disk_is_no_fault_of_the_archive(tmp_path: Path) -> None:
    """Where the machine has no room the run fails, and is tried again: the customer's file is not refused."""
    (tmp_path / "a.zip").write_bytes(packed({"a.stl": bytes(range(256)) * 8192}, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    archive = SourceFile("a.zip", tmp_path / "a.zip", 0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            unpack(archive, tmp_path / "out", Allowance(50, 2**40, 2**40))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
