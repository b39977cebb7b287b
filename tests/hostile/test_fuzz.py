"""A seeded part of `make fuzz`: broken files of every format are loaded or quarantined, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import formats
import fuzz
import pytest
from formats import Upload

from tasks.ingest import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tasks.sandbox import Sandbox

COUNT = 12


@pytest.fixture(scope="module")
def uploads() -> dict[str, Upload]:
    """A sound upload of each format."""
    return formats.sound()


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One sandbox for all formats: that it lives through all of them is part of the promise."""
    with sandbox() as opened:
        yield opened


@pytest.mark.parametrize("kind", fuzz.FAULTS)
def test_broken_files_are_loaded_or_quarantined(
    uploads: dict[str, Upload], box: Sandbox, tmp_path: Path, kind: str
) -> None:
    """Each mutation gives bodies, or a sentence for a customer; none raises, none hangs, the sandbox lives."""
    for index in range(COUNT):
        found = fuzz.outcome(fuzz.mutation(uploads[kind], kind, index, "test"), tmp_path / "upload", box)
        assert found.problems == (), (index, found.sentences)
        assert found.loaded or found.sentences or kind == "zip", index
    assert box.starts == 1


def test_the_sound_files_load(uploads: dict[str, Upload], box: Sandbox, tmp_path: Path) -> None:
    """What the mutations are made from is fine: quarantine means the mutation."""
    for kind, upload in uploads.items():
        found = fuzz.outcome(upload, tmp_path / "upload", box)
        assert found.sentences == found.problems == (), kind
        assert found.loaded == (3 if kind == "zip" else 1), kind


def test_mutations_are_the_same_every_time(uploads: dict[str, Upload]) -> None:
    """A figure that is reported can be reproduced, and mutations differ."""
    formats.kernel.cache_clear()
    assert formats.sound() == uploads
    for kind, upload in uploads.items():
        first = [fuzz.mutation(upload, kind, index, "test") for index in range(8)]
        assert first == [fuzz.mutation(upload, kind, index, "test") for index in range(8)]
        assert len({tuple(one.files.items()) for one in first}) > 5, kind


@pytest.mark.parametrize(
    "text",
    [
        "b.stl is damaged.",
        "a.stl is damaged",
        "a.stl is damaged..",
        "a.stl is damaged (KeyError: 'x').",
        "a.stl is in /tmp/partsight-source-x/a.stl, which has gone.",
        "a.stl cannot be opened: [Errno 13] it is locked.",
        "a.stl holds\na line break in it.",
        "a.stl fails.",
        "a.stl is not: 'NoneType' object has no attribute 'x'.",
        "a.stl differs: directory and header b'y' differ.",
    ],
)
def test_what_no_customer_should_read_is_seen(text: str) -> None:
    """The check of sentences finds what it is for: so its silence means something."""
    assert fuzz.unfit(text, "a.stl")
    assert not fuzz.unfit("a.stl is damaged, or its content is no STL: export it again.", "a.stl")
