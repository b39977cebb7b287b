"""Benchmarks are scripts; small pieces of some of them are tests, which import them by name."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
