"""What an adapter learns from: a customer's photographs, and renders that keep it to the geometry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks import codec
from tasks.diffusion import prompts
from tasks.records import Bytes, Part, Record, View, bytes_id, content_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blocks.catalogue import Catalogue

PHOTOGRAPHS: Final = 400  # most that are learned from; more of them say nothing new about a look
RENDERS: Final = 100
VIEWS: Final = 32  # that the pictures are made of by which an adapter is judged
STUDIO: Final = "computer render on a plain light ground"
_SIDE: Final = 1024  # pixels of a photograph's longer side
_SQUARE: Final = 1.15  # up to this ratio of its sides one square shows nearly all of a photograph
_VIEW: Final = ("id", "part", "camera", "settings", "image", "depth", "mask", "normals")


class Photograph(Record):
    """A picture file of a part, named for messages, with the digest of its bytes."""

    part: Part
    name: str
    digest: str
    data: bytes

    def squares(self, size: int) -> tuple[Bytes, ...]:
        """Squares (size, size, 3) that show all of it: one, or both ends of what is longer than wide.

        Raises ValueError with a sentence when it is no picture.
        """
        from PIL import Image

        from tasks.photograph import decoded

        pixels = decoded(self.data, self.name, max(_SIDE, size))
        height, width = pixels.shape[:2]
        short, spare = min(height, width), max(height, width) - min(height, width)
        starts = (0, spare) if max(height, width) > _SQUARE * short else (spare // 2,)
        cuts = [pixels[s : s + short] if height > width else pixels[:, s : s + short] for s in starts]
        return tuple(np.asarray(Image.fromarray(cut).resize((size, size), Image.Resampling.LANCZOS)) for cut in cuts)


def parts(catalogue: Catalogue) -> dict[str, Part]:
    """The active parts by number, with what is said of them."""
    from lancedb.expr import col, lit

    columns = ("part", "name", "description", "material", "colour", "geometry", "size_mm")
    rows = catalogue.rows("parts", columns, col("status") == lit("active"))
    return {
        row["part"]: Part(number=row.pop("part"), **{key: value for key, value in row.items() if value is not None})
        for row in rows
    }


def photographs(
    catalogue: Catalogue, known: Mapping[str, Part], place: Path | None, salt: str
) -> tuple[tuple[Photograph, ...], tuple[str, ...]]:
    """The photographs to learn from, of the catalogue or at `place` (folder or CSV), and what to know of them.

    Raises ValueError with a sentence when there are none.
    """
    found, notes = _labelled(place, known, salt) if place else _supplied(catalogue, known, salt)
    if not found:
        raise ValueError(
            "There are no photographs to learn from: this catalogue has none. Put some beside the CAD and onboard "
            "the customer again, or name a folder with one folder for each part: --photos FOLDER."
        )
    return tuple(sorted({one.digest: one for one in found}.values(), key=lambda one: one.digest)), notes


def _supplied(catalogue: Catalogue, known: Mapping[str, Part], salt: str) -> tuple[list[Photograph], tuple[str, ...]]:
    """Those of the table of images."""
    from lancedb.expr import col, lit

    rows = catalogue.rows("images", ("id", "part"), col("kind") == lit("photo"))
    drawn, notes = _drawn([row["id"] for row in rows if row["part"] in known])
    found = [
        Photograph(
            part=known[row["part"]],
            name=f"A photograph of {row['part']}",
            digest=bytes_id(row["image"], salt),
            data=row["image"],
        )
        for row in catalogue.rows("images", ("part", "image"), col("id").isin(drawn))
    ]
    return found, notes


def _labelled(place: Path, known: Mapping[str, Part], salt: str) -> tuple[list[Photograph], tuple[str, ...]]:
    """Those in a folder or a table of the customer's; what cannot be opened is named and left out."""
    from tasks import labelled
    from tasks.photograph import opened

    asked, notes = labelled.photographs(place, known, salt)
    drawn, more = _drawn([one.id for one in asked])
    found, bad = [], []
    for one in asked:
        if one.id in drawn:
            try:
                small = codec.encode_photograph(opened(Path(one.file), _SIDE))  # as they come they fill the memory
            except ValueError as error:
                bad.append(str(error))
                continue
            digest = bytes_id(Path(one.file).read_bytes(), salt)
            found.append(Photograph(part=known[one.part], name=one.file, digest=digest, data=small))
    if not found:
        raise ValueError(f"None of the photographs in {place} can be opened. {bad[0]}")
    return found, (*notes, *more, *bad)


def _drawn(names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """As many names as are learned from, drawn by lot, and a sentence where some are left out."""
    if len(names) <= PHOTOGRAPHS:
        return list(names), ()
    kept = sorted(names, key=lambda name: content_id("lot", name))[:PHOTOGRAPHS]
    return kept, (f"Of {len(names)} photographs {PHOTOGRAPHS} are learned from, drawn by lot.",)


def views(catalogue: Catalogue, known: Mapping[str, Part]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of the views that an adapter is judged with, and of those that it learns from: never the same ones.

    As many parts as there are take part before one takes part twice; which, is drawn by lot. Of less than twice
    `VIEWS` half go to each side. Raises ValueError with a sentence when nothing is rendered.
    """
    from lancedb.expr import col, lit

    rows = catalogue.rows("images", ("id", "part"), (col("kind") == lit("view")) & (col("accepted") == lit(value=True)))
    turn: dict[str, int] = {}
    order: list[tuple[int, str]] = []
    for row in sorted(rows, key=lambda row: content_id("lot", row["id"])):
        if row["part"] in known:
            order.append((turn.get(row["part"], 0), row["id"]))
            turn[row["part"]] = order[-1][0] + 1
    if len(order) < 2:
        raise ValueError(
            "Nothing of this customer is rendered yet, so an adapter could not be judged: onboard parts with CAD first."
        )
    names = [name for _, name in sorted(order, key=lambda one: one[0])]
    judged = min(VIEWS, len(names) // 2)
    return tuple(names[:judged]), tuple(names[judged : judged + RENDERS])


def loaded(catalogue: Catalogue, known: Mapping[str, Part], names: Sequence[str]) -> dict[str, View]:
    """The views of these ids, as they are stored, in the order of `names`."""
    from lancedb.expr import col

    rows = {row["id"]: row for row in catalogue.rows("images", _VIEW, col("id").isin(list(names)))}
    return {name: codec.decode_view(rows[name], known[rows[name]["part"]]) for name in names}


def caption(part: Part, word: str) -> str:
    """What is said of a photograph of a part: the words of its look stand where those of a customer stand."""
    return ", ".join(filter(None, (prompts.kind(part), prompts.material(part), word)))


def plain_caption(part: Part) -> str:
    """What is said of its render: the same without the word, and that it is a render."""
    return ", ".join(filter(None, (prompts.kind(part), prompts.material(part), STUDIO)))


def taken(known: Mapping[str, Part]) -> frozenset[str]:
    """All words that the customer uses, which mean something already."""
    found: set[Any] = set()
    for part in known.values():
        found |= {*part.words.casefold().split()}
    return frozenset(found)
