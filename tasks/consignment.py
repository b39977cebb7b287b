"""The pictures that are live, one after another, with all that is known of each: what a sink is called with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks import codec
from tasks.records import Bools, Camera, Part
from tasks.sinks import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blocks.catalogue import Served

BATCH: Final = 128  # pictures in memory
_PART: Final = ("part", "name", "description", "material", "colour", "geometry", "size_mm", "volume_mm3")
_IMAGE: Final = ("id", "part", "kind", "parent", "place", "camera", "stage", "prompt", "scores", "image", "mask")


def parts(there: Served) -> dict[str, Part]:
    """The active parts by number."""
    from lancedb.expr import col, lit

    rows = there.rows("parts", _PART, col("status") == lit("active"))
    known = [{key: value for key, value in row.items() if value is not None} for row in rows]
    return {row["part"]: Part(number=row.pop("part"), **row) for row in known}


def count(there: Served, active: Mapping[str, Part]) -> tuple[str, ...]:
    """Ids of the accepted pictures of active parts that have a vector, sorted.

    An id is a hash: so the order mixes the parts, and depends on nothing but the pictures.
    """
    from lancedb.expr import col, lit

    embedded = set(there.read(there.vectors, ("id",))["id"].to_pylist())
    rows = there.read("images", ("id", "part"), col("accepted") == lit(value=True))
    pairs = zip(rows["id"].to_pylist(), rows["part"].to_pylist(), strict=True)
    return tuple(sorted(name for name, part in pairs if part in active and name in embedded))


def pictures(there: Served, active: Mapping[str, Part], ids: Sequence[str]) -> Iterator[Picture]:
    """The pictures `ids`, in that order; a batch of them is in memory."""
    for start in range(0, len(ids), BATCH):
        yield from _batch(there, active, ids[start : start + BATCH])


def _batch(there: Served, active: Mapping[str, Part], ids: Sequence[str]) -> Iterator[Picture]:
    from lancedb.expr import col

    rows = {row["id"]: row for row in there.rows("images", _IMAGE, col("id").isin(list(ids)))}
    found = there.rows(there.vectors, ("id", "vector"), col("id").isin(list(ids)))
    vectors = {row["id"]: np.asarray(row["vector"], dtype=np.float32) for row in found}
    wanted = sorted({str(row["parent"]) for row in rows.values() if row["kind"] == "variant"} - set(ids))
    parents = dict(rows)
    if wanted:
        some = there.rows("images", ("id", "kind", "camera", "mask"), col("id").isin(wanted))
        parents |= {row["id"]: row for row in some}
    for name in ids:
        if name in rows and name in vectors:
            row = rows[name]
            yield _picture(row, parents.get(row["parent"], {}), active[row["part"]], vectors[name])


def _picture(row: Mapping[str, Any], parent: Mapping[str, Any], part: Part, vector: Any) -> Picture:
    source = row if row["kind"] == "view" else parent
    # of a photograph, of what was made from one, and of what was made from words nobody knows where the part is
    known = row["kind"] in {"view", "variant"} and source.get("kind") == "view"
    return Picture(
        id=row["id"],
        part=part,
        kind=row["kind"],
        parent=row["parent"] or "",
        place=row["place"] or 0,
        stages=row["stage"] or "",
        prompt=row["prompt"] or "",
        scores=json.loads(row["scores"] or "{}"),
        data=row["image"],
        mask=_mask(row, source) if known else None,
        camera=Camera.model_validate_json(source["camera"]) if known and source["camera"] else None,
        vector=vector,
    )


def _mask(row: Mapping[str, Any], source: Mapping[str, Any]) -> Bools | None:
    """What is seen of the part: a variant's own, where something hides a share of it, else its view's."""
    data = row["mask"] or source["mask"]
    return codec.decode_mask(data) if data else None
