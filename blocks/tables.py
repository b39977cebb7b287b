"""The tables of a catalogue: their columns, the key of each, and which of them searches read.

The schemas are the contract of DESIGN section 2. `shapes` is added to it: what was found in the
files (geometry, once) stands apart from what the customer calls a part (number, name, material), so
that a new `parts.csv` or a removed file is worked out from rows and no file is parsed again. `templates` are how
each of them looks from all sides, for comparing shapes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

KEYS: Final = {
    "files": "id",
    "shapes": "geometry",
    "templates": "geometry",
    "parts": "part",
    "images": "id",
    "queries": "id",
    "reviews": "id",
    "orders": "part",
    "models": "digest",
    "runs": "run",
    "forgotten": "id",
    "usage": "id",
}
VECTORS: Final = "vectors__"
SERVED: Final = ("files", "shapes", "templates", "parts", "images")  # tables that go live together, with the vectors
DECLARED: Final = b"lance-schema:unenforced-primary-key"  # how Lance marks the field that is a table's key


def vectors_table(model: str) -> str:
    """Name of the table that holds the vectors of `model` (any text becomes a safe table name)."""
    return VECTORS + re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")


def key(name: str) -> str:
    """The column that names a row of table `name`."""
    return "id" if name.startswith(VECTORS) else KEYS[name]


def schema(name: str, dimension: int = 0) -> pa.Schema:
    """Arrow schema of table `name`; `dimension` is the length of the vectors in a vectors table."""
    import pyarrow as pa

    text, count, real, blob = pa.string(), pa.int64(), pa.float64(), pa.large_binary()
    triple = pa.list_(real, 3)
    columns: dict[str, pa.DataType] = {
        "files": dict.fromkeys(("id", "name", "digest", "kind", "status", "reason", "bodies", "reader", "run"), text)
        | {"size": count, "picture": blob},
        "shapes": dict.fromkeys(("geometry", "unit", "format", "same_as"), text)
        | {"mesh": blob, "size": triple, "volume": real, "area": real, "watertight": pa.bool_()}
        | {"signature": pa.list_(real)},
        "templates": dict.fromkeys(("geometry", "version", "run"), text)
        | {"views": count, "longest": real}
        | dict.fromkeys(("plates", "stands"), blob),
        "parts": dict.fromkeys(
            ("part", "name", "description", "material", "geometry", "occurrences", "photos", "status", "words"), text
        )
        | {"recipe": text, "run": text, "colour": triple, "size_mm": triple, "volume_mm3": real},
        "images": dict.fromkeys(
            ("id", "part", "kind", "parent", "camera", "stage", "settings", "seed", "prompt", "scores"), text
        )
        | {"reason": text, "recipe": text, "run": text, "accepted": pa.bool_(), "place": count}
        | dict.fromkeys(("image", "depth", "mask", "normals"), blob),
        "queries": dict.fromkeys(("id", "part", "difficulty", "renderer", "run"), text) | {"image": blob},
        "reviews": {"id": text, "accepted": pa.bool_(), "at": text},
        "orders": dict.fromkeys(("part", "record", "recipe", "run", "failure"), text),
        "models": dict.fromkeys(
            ("digest", "customer", "base", "base_digest", "course", "trained_on", "made", "at"), text
        )
        | dict.fromkeys(("status", "reason", "figures"), text)
        | {"parts": count, "minutes": real, "tensors": blob},
        "forgotten": dict.fromkeys(("id", "kind", "at"), text),
        "usage": dict.fromkeys(("id", "month", "at", "what", "run"), text) | {"seconds": real},
        "runs": dict.fromkeys(("run", "started", "finished", "status", "summary", "live", "report"), text)
        | {"versions": text, "embed": text, "threshold": real, "kinds": text},
    }.get(name) or (
        dict.fromkeys(("id", "part", "kind", "material"), text) | {"vector": pa.list_(pa.float32(), dimension)}
    )
    return pa.schema([pa.field(field, kind, nullable=field != key(name)) for field, kind in columns.items()])


def declared(name: str, dimension: int = 0) -> pa.Schema:
    """As `schema`, and it says which column is the table's key."""
    fields = schema(name, dimension)
    place = fields.get_field_index(key(name))
    return fields.set(place, fields.field(place).with_metadata({DECLARED: b"true"}))
