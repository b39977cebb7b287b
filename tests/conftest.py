"""What all tests share: real CAD where it is present, and plug-in discovery switched off."""

from __future__ import annotations

import os
from pathlib import Path

# before anything of ours is imported: what else is installed on this machine must not matter
os.environ.setdefault("PARTSIGHT_DISCOVERY", "off")
os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def samples() -> Path:
    """The sample catalogue that ships with the project."""
    return ROOT / "infra" / "samples" / "catalogue"


@pytest.fixture(scope="session")
def shared_cad() -> Path:
    """Real CAD that nobody in this project made; skips by name where it is not present."""
    folder = ROOT.parent / "shared" / "cad"
    if not folder.is_dir():
        pytest.skip("../shared/cad is not present")
    return folder
