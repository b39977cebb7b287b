"""What a command says: tables for people, or JSON alone on stdout."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, redirect_stdout
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, TextIO

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json = Annotated[bool, Parameter(name="--json", help="Print JSON alone on stdout.")]
_WIDE = 200  # columns of a table that goes to a file or another program


class WrongCallError(ValueError):
    """The command was called wrongly; the message says how to call it right. Exit code 2."""


class Answer:
    """Where a command answers: `json` writes one line, `table` and `line` are for people."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.console = Console(file=stream, width=None if stream.isatty() else _WIDE, highlight=False)

    def json(self, data: object) -> None:
        """Write one line of JSON, in ASCII: no terminal and no encoding can spoil it."""
        self._stream.write(json.dumps(data) + "\n")
        self._stream.flush()

    def line(self, message: str, style: str = "") -> None:
        """Print one line of text; a path in it is never broken."""
        self.console.print(Text(plain(message), style=style), soft_wrap=True)

    def table(
        self,
        heads: Iterable[str],
        rows: Iterable[Iterable[object]],
        right: Iterable[str] = (),
        dim: Iterable[bool] = (),
    ) -> None:
        """Print a table with the columns `heads`; those in `right` are set to the right, rows that are `dim` grey."""
        table = Table(box=None, header_style="bold", pad_edge=False)
        for head in heads:
            table.add_column(head, justify="right" if head in set(right) else "left", overflow="fold")
        for row, grey in zip_longest(rows, dim):
            table.add_row(*(Text(plain(str(cell))) for cell in row or ()), style="dim" if grey else "")
        self.console.print(table)


@contextmanager
def answer(as_json: bool) -> Iterator[Answer]:
    """Give the command a place to answer; with `as_json` whatever else is printed to stdout goes to stderr.

    That holds for libraries in C and for child processes too: the file descriptor is moved.
    """
    if not as_json:
        yield Answer(sys.stdout)
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(kept), "w", encoding="utf-8") as stream, redirect_stdout(sys.stderr):
            yield Answer(stream)
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def complain(message: str) -> None:
    """Say one sentence on stderr."""
    Console(stderr=True, highlight=False).print(Text(f"partsight: {plain(message)}"), soft_wrap=True)


def plain(text: str) -> str:
    """`text` without characters that steer a terminal: names come from customers' files."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
