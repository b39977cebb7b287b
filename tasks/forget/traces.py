"""What would give a part away if it were found on the storage: numbers, names, ids, and pieces of pictures and meshes.

A trace is looked for wherever bytes lie (`anywhere`), in values that LanceDB reads out as a word of its own (`words`:
short ones, and those that are the beginning of another part's), or not at all (`shared`): what stays says the same.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tasks.records import Record, content_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Where = Literal["anywhere", "words", "shared"]
LONG: Final = 32  # bytes of a picture or a mesh that are looked for
SPREAD: Final = 16  # different bytes among them, or they could be anybody's
SURE: Final = 8  # letters of a text that chance does not write
MANY: Final = 400  # pieces and ids of pictures that are looked for at most in each table; numbers and names: all


class Trace(Record):
    """One thing to look for: `kind` says what it is, `data` are its bytes."""

    kind: str
    data: bytes
    text: bool
    where: Where = "anywhere"

    @property
    def word(self) -> re.Pattern[bytes]:
        """Finds it where it stands as a word of its own."""
        return re.compile(rb"(?<![0-9A-Za-z_-])" + re.escape(self.data) + rb"(?![0-9A-Za-z_-])")

    def hashed(self, key: str) -> str:
        """What a receipt calls it by: equal only for who knows both."""
        return content_id(self.kind, self.data.hex(), salt=f"receipt {key}")


def text(kind: str, value: str | None) -> list[Trace]:
    """The trace of a text; none of an empty one."""
    value = (value or "").strip()
    return [Trace(kind=kind, data=value.encode(), text=True)] if value else []


def pieces(kind: str, data: bytes | None) -> list[Trace]:
    """Some pieces of binary content that others share in part, as meshes do: of each quarter, one."""
    quarter = len(data or b"") // 4
    return [one for start in range(4) for one in piece(kind, (data or b"")[start * quarter : (start + 1) * quarter])]


def piece(kind: str, data: bytes | None) -> list[Trace]:
    """A piece of binary content that is not like others: from its middle on, the first with enough different bytes."""
    if not data or len(data) < LONG:
        return []
    middle = len(data) // 2
    for start in (*range(middle, len(data) - LONG + 1, LONG), *range(0, middle, LONG)):
        found = data[start : start + LONG]
        if len(found) == LONG and len(set(found)) >= SPREAD:
            return [Trace(kind=kind, data=found, text=False)]
    return []


def vector(values: Sequence[float]) -> list[Trace]:
    """A piece of a vector as float32, little endian."""
    return piece("vector", np.asarray(values, dtype="<f4").tobytes())


class Sieve:
    """Finds out of all that stays where each trace can be looked for; what stays is shown to it bit by bit."""

    def __init__(self, found: Iterable[Trace]) -> None:
        self._traces = list({(one.data, one.text): one for one in found}.values())
        self._plain: set[int] = set()
        self._words: set[int] = set()

    def stays(self, data: bytes) -> None:
        """These bytes stay."""
        for place, one in enumerate(self._traces):
            if place not in self._words and one.data in data:
                self._plain.add(place)
                if not one.text or one.word.search(data):
                    self._words.add(place)

    def lies_beside(self, data: bytes) -> None:
        """These bytes stay too, though no row holds them: what they say is told from rows alone."""
        self._plain |= {place for place, one in enumerate(self._traces) if one.data in data}

    def traces(self) -> tuple[Trace, ...]:
        """The traces, each once, with where it can be looked for."""
        return tuple(one.replace(where=self._where(place, one)) for place, one in enumerate(self._traces))

    def _where(self, place: int, one: Trace) -> Where:
        if place in self._words:
            return "shared"
        short = one.text and len(one.data) < SURE
        return "words" if short or place in self._plain else "anywhere"


def packed(found: Sequence[Trace], **more: Any) -> bytes:
    """Traces as JSON, for a run that goes on later."""
    rows = [one.model_dump(exclude={"data"}) | {"data": base64.b64encode(one.data).decode()} for one in found]
    return json.dumps({**more, "traces": rows}, indent=1).encode()


def unpacked(told: Mapping[str, Any]) -> tuple[Trace, ...]:
    """The reverse of `packed`, given its parsed JSON."""
    return tuple(Trace(**{**row, "data": base64.b64decode(row["data"])}) for row in told["traces"])
