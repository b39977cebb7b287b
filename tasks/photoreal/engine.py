"""The path tracer that this package needs and the rest does not: Mitsuba 3, an optional extra."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any


def available() -> bool:
    """Whether the path tracer is installed."""
    return find_spec("mitsuba") is not None


@cache
def mitsuba() -> Any:
    """Mitsuba in the variant that needs neither compiler nor GPU, on one core: processes work side by side.

    Raises ImportError with a sentence where it is not installed.
    """
    if not available():
        raise ImportError("Photoreal pictures need a path tracer: pip install -e '.[photoreal]'.")
    import drjit
    import mitsuba as library

    library.set_variant("scalar_rgb")
    drjit.set_thread_count(1)
    return library
