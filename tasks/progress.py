"""How a running job says how far it is, without knowing who listens."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("partsight")


def line(told: Mapping[str, float]) -> str:
    """Figures by name, as one line of a log."""
    return ", ".join(f"{name} {value:.3g}" for name, value in told.items())


class Progress(Protocol):
    """What a job tells: phases by name, each with a count; every method may be called from any thread."""

    def start(self, phase: str, total: int | None = None) -> None:
        """`phase` begins; `total` is how many steps it has, None while that is unknown."""

    def advance(self, phase: str, n: int = 1) -> None:
        """`n` more steps of `phase` are done; starts a phase that nobody started."""

    def finish(self, phase: str) -> None:
        """`phase` is over, however many steps it took."""

    def note(self, message: str) -> None:
        """Say a sentence to whoever watches."""


class Silent:
    """Progress that shows nothing; notes go to the log."""

    def start(self, phase: str, total: int | None = None) -> None:
        """Nothing to show."""

    def advance(self, phase: str, n: int = 1) -> None:
        """Nothing to show."""

    def finish(self, phase: str) -> None:
        """Nothing to show."""

    def note(self, message: str) -> None:
        """Write `message` to the log."""
        log.info("%s", message)
