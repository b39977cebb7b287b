"""The XML in a CAD file, as it is read: no document type, and no more of it than CAD is packed into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from typing import IO

DECLARES: Final = "declares a document type or entities, which no CAD program writes: export it again"
MOST_RATIO, RATIO_FROM = 300, 8 * 2**20  # as of an archive: beyond it, it was made to fill a memory

_MARK: Final = b"<!DOCTYPE"


def declares(data: bytes) -> bool:
    """Whether XML has a document type declaration, in an encoding that has ASCII letters, with zero bytes or without.

    Entities expand without end, and name other files; there are none without a declaration.
    """
    return _MARK in data or _MARK in data[:65536].replace(b"\0", b"")


class Plain:
    """XML that is unpacked from `stream` while it is read, from `packed` bytes. Raises Refusal for what is no CAD's."""

    def __init__(self, stream: IO[bytes], packed: int) -> None:
        self._stream, self._packed = stream, packed
        self._tail = b""
        self._size = 0

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`."""
        data = self._stream.read(size)
        self._size += len(data)
        if declares(self._tail + data):
            raise Refusal(DECLARES)
        if self._size > RATIO_FROM and self._size > MOST_RATIO * max(self._packed, 1):
            raise Refusal(f"unpacks to more than {MOST_RATIO} times its size")
        self._tail = data[-2 * len(_MARK) :]
        return data
