"""No file that a customer sends brings a worker down: broken copies of sound files are loaded or quarantined."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tasks.ingest import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.sandbox import Sandbox

COUNT = 8


def _module() -> Any:
    spec = importlib.util.spec_from_file_location("mutations", Path(__file__).with_name("mutations.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mutations = _module()


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A sound file of each format."""
    return dict(mutations.bases(tmp_path_factory.mktemp("bases")))


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One sandbox for all formats: that it lives through all of them is part of the promise."""
    with sandbox() as opened:
        yield opened


@pytest.mark.parametrize("kind", mutations.FORMATS)
def test_broken_files_are_loaded_or_quarantined(bases: dict[str, Path], box: Sandbox, kind: str) -> None:
    """Each mutation gives bodies, or a sentence with the file's name; none raises, none hangs, the sandbox lives."""
    start = time.monotonic()
    for path, reading in mutations.outcomes(bases[kind], COUNT, "test", box):
        assert not isinstance(reading, str), reading
        assert bool(reading.bodies) != bool(reading.reason)
        assert not reading.reason or reading.reason.startswith(f"{path.name} ")
    assert box.starts == 1
    assert time.monotonic() - start < COUNT * mutations.QUOTAS.parse_seconds


@pytest.mark.parametrize("kind", mutations.FORMATS)
def test_the_sound_files_load(bases: dict[str, Path], box: Sandbox, kind: str) -> None:
    """What the mutations are made from is fine: quarantine means the mutation."""
    from tasks.ingest import Found, read

    path = bases[kind]
    reading = read(Found(path.name, "0", "cad", path, path.stat().st_size), mutations.QUOTAS, box)
    assert reading.bodies
    assert not reading.reason


def test_mutations_are_the_same_every_time(bases: dict[str, Path], tmp_path: Path) -> None:
    """A figure that is reported can be reproduced."""
    for kind, again in mutations.bases(tmp_path).items():
        assert again.read_bytes() == bases[kind].read_bytes()
    for kind in mutations.FORMATS:
        first = [mutations.broken(bases[kind], index, "test") for index in range(4)]
        assert first == [mutations.broken(bases[kind], index, "test") for index in range(4)]
        assert len(set(first)) == 4
