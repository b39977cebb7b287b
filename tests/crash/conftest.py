"""One undisturbed onboarding, and the process that others are forked from, for all tests of faults."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from faults import Bench
from warm import Warm


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A customer, and what an undisturbed onboarding makes of it."""
    with Warm() as warm:
        yield Bench(tmp_path_factory.mktemp("crash"), warm)
