"""Reads STEP: products with their names, colours and instances; lengths come in mm whatever the file's unit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tasks.readers.bodies import EMPTY, MOST_PIECES, bodies
from tasks.readers.gltf import MILLIMETRES
from tasks.readers.kernel import tessellated
from tasks.readers.structure import placed, products
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.records import Body

_EXTERNAL = re.compile(
    rb"(?i)(?:DOCUMENT_FILE|EXTERNAL_SOURCE|EXTERNALLY_DEFINED_\w+)\s*\(\s*(?:IDENTIFIER\(\s*)?'([^'\n]{1,200})'"
)
_ENDLESS = re.compile(
    rb"(?i)(?:CARTESIAN_POINT|DIRECTION)\s{0,9}\(\s{0,9}'[^']{0,999}'\s{0,9},\s{0,9}\([^()']{0,99}(?:NAN|INF)"
)


class Step:
    """Reads STEP (AP203, AP214, AP242)."""

    suffixes = (".stp", ".step", ".p21")

    def companions(self, path: Path) -> tuple[str, ...]:  # noqa: ARG002 - a STEP file stands alone
        """None."""
        return ()

    def __call__(self, path: Path) -> list[Body]:
        """Bodies of the file at `path`, in mm."""
        data = path.read_bytes()
        if b"ISO-10303-21" not in data[:4096].upper():
            raise Refusal("does not begin like a STEP file")
        if b"END-ISO-10303-21" not in data[-4096:].upper():
            raise Refusal("ends before its END-ISO-10303-21 line: it seems to have been cut off")
        if placed(data) > MOST_PIECES:
            raise Refusal(f"places more than {MOST_PIECES} parts: divide it")
        if _ENDLESS.search(data):  # the kernel would look for the end of such a line
            raise Refusal("has coordinates that are not finite numbers: the file is damaged")
        try:
            document = tessellated(data, "step")
            names = products(data)
            pieces = [
                piece._replace(name=names.get(piece.name, piece.name), path=tuple(names.get(x, x) for x in piece.path))
                for piece in document.pieces()
            ]
            return bodies(document.shapes, pieces, "mm", MILLIMETRES)
        except Refusal as refusal:
            raise Refusal(_nothing(data) if str(refusal) == EMPTY else str(refusal)) from refusal


def _nothing(data: bytes) -> str:
    """Why a STEP file has no geometry."""
    names = sorted({name.decode("utf-8", "replace") for name in _EXTERNAL.findall(data)})
    if names:
        listed = ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")
        return f"only refers to geometry in other files ({listed}): export the assembly as one file"
    return f"{EMPTY}, or only geometry that the STEP reader does not know"
