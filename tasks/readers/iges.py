"""Reads IGES: surfaces and solids without much structure; lengths come in mm whatever the file's unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.readers.bodies import bodies
from tasks.readers.kernel import tessellated
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.records import Body


class Iges:
    """Reads IGES 5."""

    suffixes = (".igs", ".iges")

    def companions(self, path: Path) -> tuple[str, ...]:  # noqa: ARG002 - an IGES file stands alone
        """None."""
        return ()

    def __call__(self, path: Path) -> list[Body]:
        """Bodies of the file at `path`, in mm."""
        data = path.read_bytes()
        lines = data.rstrip().splitlines()
        # column 73 names the section: a file starts with S (or the C and B of its packed forms) and ends with T
        if not lines or lines[0].ljust(80)[72:73] not in {b"S", b"C", b"B"}:
            raise Refusal("does not begin like an IGES file")
        if lines[-1].ljust(80)[72:73] != b"T":
            raise Refusal("ends before its terminate section: it seems to have been cut off")
        document = tessellated(data, "iges")
        # unlike with STEP, the kernel gives the numbers in mm and not in m
        return bodies(document.shapes, document.pieces(), "mm")
