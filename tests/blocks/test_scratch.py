"""What a killed run unpacked is a customer's: it does not lie about until somebody cleans the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from blocks import scratch
from blocks.customer import Quotas
from blocks.source import Source

ROOT = Path(__file__).parents[2]
WAITS = """
import sys
from blocks.customer import Quotas
from blocks.source import Source

with Source(location=sys.argv[1]).open(Quotas()) as listing:
    print(listing.files[0].path, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for temporary files that no other test uses."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def waiting(archive: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that has an archive open, and a file that it has unpacked."""
    command = [sys.executable, "-c", WAITS, str(archive)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_unpacked_goes_with_the_next_one(tmp_path: Path, temporary: Path) -> None:
    """That of one that lives stays as long as it lives."""
    with zipfile.ZipFile(tmp_path / "parts.zip", "w") as archive:
        archive.writestr("secret.stl", "solid secret")
    killed, left = waiting(tmp_path / "parts.zip")
    living, kept = waiting(tmp_path / "parts.zip")
    killed.kill()
    killed.communicate()
    assert left.exists()
    with Source(location=str(tmp_path / "parts.zip")).open(Quotas()) as listing:
        assert [file.name for file in listing.files] == ["parts.zip/secret.stl"]
        assert not left.exists()
        assert kept.exists()
    living.communicate("")
    assert list(temporary.iterdir()) == []


def test_a_folder_goes_at_its_end_and_only_those_of_its_kind_with_it(temporary: Path) -> None:
    """Others', and what has no lock, are left alone."""
    (temporary / "partsight-source-other").mkdir()
    with scratch.scratch("source") as folder, scratch.scratch("sandbox") as another:
        assert scratch.swept("source") == []
        assert (folder.exists(), another.exists()) == (True, True)
    assert [path.name for path in temporary.iterdir()] == ["partsight-source-other"]
