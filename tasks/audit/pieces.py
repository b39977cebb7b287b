"""Bytes that should be pictures, meshes, templates or weights, decoded in a child: what is damaged harms nobody."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blocks.tables import key
from tasks.audit.finding import Finding
from tasks.records import Record
from tasks.sandbox import Fault, Limits, Refusal, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tasks.audit.shelves import Shelves

AT_ONCE: Final = 64  # rows whose bytes are in memory and in one child at once
LIMITS: Final = Limits(seconds=120, cpu_seconds=120, memory_mb=4096)
CLOSE: Final = 1e-3  # how far a mesh may be from the size that its row says, as a share of its longest side
BLOBS: Final = ("image", "depth", "mask", "normals")


class Piece(Record):
    """A row whose bytes lie one after the other in a file: where they begin and end, and what they should be."""

    kind: str
    spans: dict[str, tuple[int, int]]
    size: tuple[float, ...] = ()


def pictures(shelves: Shelves, sandbox: Sandbox) -> Iterator[Finding]:
    """Pictures that cannot be opened, or whose depth, mask and normals do not go with them."""
    for batch in shelves.batches("images", "id", "part", "kind", "parent", "accepted", *BLOBS, most=AT_ONCE):
        rows = batch.to_pylist()
        for row, said in zip(rows, judged(sandbox, rows, BLOBS), strict=True):
            if said:
                views = (row["parent"],) if row["kind"] == "variant" and row["parent"] else ()
                yield Finding(
                    **_said("images", row, f"A {row['kind']} of {row['part']} {said}"),
                    remedy="remake",
                    rows=(row["_rowid"],),
                    part=row["part"] or "",
                    views=views,
                )


def questions(shelves: Shelves, sandbox: Sandbox) -> Iterator[Finding]:
    """Questions whose picture cannot be opened."""
    for batch in shelves.batches("queries", "id", "part", "image", most=AT_ONCE):
        rows = [{**row, "kind": "question"} for row in batch.to_pylist()]
        for row, said in zip(rows, judged(sandbox, rows, ("image",)), strict=True):
            if said:
                what = f"A question about {row['part']} {said}"
                yield Finding(**_said("queries", row, what), remedy="again", rows=(row["_rowid"],))


def photographs(shelves: Shelves, sandbox: Sandbox) -> Iterator[Finding]:
    """Files that are photographs, and whose picture cannot be opened."""
    for batch in shelves.batches("files", "id", "name", "kind", "status", "picture", most=AT_ONCE):
        rows = [row for row in batch.to_pylist() if row["kind"] == "photo" and row["status"] == "ok"]
        rows = [{**row, "image": row["picture"]} for row in rows]
        for row, said in zip(rows, judged(sandbox, rows, ("image",)), strict=True):
            if said:
                yield Finding(**_said("files", row, f"The photograph {row['name']} {said}"), remedy="read")


def meshes(shelves: Shelves, sandbox: Sandbox) -> Iterator[Finding]:
    """Shapes whose mesh is missing, cannot be opened, or is not that of their row."""
    for batch in shelves.batches("shapes", "geometry", "mesh", "size", most=AT_ONCE):
        rows = [{**row, "kind": "mesh", "part": row["geometry"]} for row in batch.to_pylist()]
        for row, said in zip(rows, judged(sandbox, rows, ("mesh",)), strict=True):
            if said:
                what = f"The mesh of {row['geometry']} {said}"
                yield Finding(**_said("shapes", row, what), remedy="read", rows=(row["_rowid"],))


def templates(shelves: Shelves) -> Iterator[Finding]:
    """Templates that are not as many numbers as their views need."""
    for batch in shelves.batches("templates", "geometry", "views", "plates", "stands"):
        for row in batch.to_pylist():
            plates, stands, views = row["plates"] or b"", row["stands"] or b"", row["views"] or 0
            if not plates:  # a shape that cannot be seen has none
                continue
            if views < 1 or len(plates) % views or len(stands) != views * 16 or not any(plates):
                what = f"The templates of {row['geometry']} are not those of {views} views"
                yield Finding(**_said("templates", row, what), remedy="again", rows=(row["_rowid"],))


def weights(shelves: Shelves, slug: str) -> Iterator[Finding]:
    """Tuned weights whose bytes do not have their digest."""
    from tasks.tuning.shelf import named

    for batch in shelves.batches("models", "digest", "status", "tensors", most=1):
        for row in batch.to_pylist():
            if named(row["tensors"] or b"", slug) != row["digest"]:
                what = f"The tuned weights {row['digest'][:8]} are damaged"
                if row["status"] == "live":
                    yield Finding(**_said("models", row, f"{what}, and live: tune them anew with partsight adapt"))
                else:
                    yield Finding(**_said("models", row, what), remedy="remove", rows=(row["_rowid"],))


def _said(table: str, row: dict[str, Any], what: str) -> dict[str, Any]:
    return {"table": table, "kind": "unreadable", "key": row[key(table)], "what": what}


def judged(sandbox: Sandbox, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[str]:
    """What is wrong with the bytes of each row, a clause that follows its name; "" where nothing is.

    A child that does not come back is given fewer rows, until it is known which one it was. Each is given a sound
    picture too. Raises RuntimeError where that cannot be opened either: then the child is at fault, and not the bytes.
    """
    if not rows:
        return []
    with tempfile.TemporaryDirectory(prefix="partsight-audit-") as folder:
        path, pieces = Path(folder, "bytes"), []
        with path.open("wb") as file:
            for row in rows:
                spans = {}
                for column in columns:
                    begin, data = file.tell(), row[column] or b""
                    file.write(data)
                    spans[column] = (begin, begin + len(data))
                pieces.append(Piece(kind=row["kind"], spans=spans, size=tuple(row.get("size") or ())))
            begin = file.tell()
            file.write(_sound())
            sound = Piece(kind="question", spans={"image": (begin, file.tell())})
        return _asked(sandbox, path, pieces, sound)


def _asked(sandbox: Sandbox, path: Path, pieces: Sequence[Piece], sound: Piece) -> list[str]:
    """What is wrong with each of `pieces`, asked together with one that is `sound`, or else that one alone."""
    told = [piece.model_dump() for piece in (*pieces, sound)]
    try:
        answer = sandbox.run(wrong, {"path": str(path), "pieces": told}, LIMITS, readable=[str(path)])
    except Fault as fault:
        if not pieces:
            raise RuntimeError(_sick(str(fault))) from fault
        if len(pieces) == 1:
            _asked(sandbox, path, [], sound)
            return [str(fault)]
        middle = len(pieces) // 2
        return [said for some in (pieces[:middle], pieces[middle:]) for said in _asked(sandbox, path, some, sound)]
    *found, health = (str(said) for said in answer.data)
    if health:
        raise RuntimeError(_sick(health))
    return found


def _sick(said: str) -> str:
    return f"The audit cannot look: even a sound picture {said}. Nothing was found; audit again on a machine that can."


def _sound() -> bytes:
    """A picture that can be opened."""
    import numpy as np

    from tasks import codec

    return codec.encode_photograph(np.zeros((8, 8, 3), dtype=np.uint8))


def opened() -> Sandbox:
    """A sandbox that has what is needed at hand."""
    return Sandbox(["numpy", "PIL.Image", "PIL.WebPImagePlugin", "PIL.PngImagePlugin", "trimesh", "tasks.audit.pieces"])


def wrong(path: str, pieces: list[dict[str, Any]]) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """In the child: what is wrong with each piece of the file, or ""."""
    data = Path(path).read_bytes()
    found = []
    for told in pieces:
        piece = Piece.model_validate(told)
        blobs = {name: data[begin:end] for name, (begin, end) in piece.spans.items()}
        try:
            (_mesh if piece.kind == "mesh" else _picture)(piece, blobs)
            found.append("")
        except Refusal as refusal:
            found.append(str(refusal))
        except Exception as error:  # noqa: BLE001 - whatever a library says of damaged bytes, they are damaged
            found.append(f"cannot be opened ({type(error).__name__})")
    return found, {}


def _picture(piece: Piece, blobs: dict[str, bytes]) -> None:
    """Raise Refusal where a picture and what the CAD knows of its pixels are not whole."""
    needed = BLOBS if piece.kind == "view" else ("image",)
    sizes = {}
    for name, data in blobs.items():
        if data:
            sizes[name] = _size(data)
        elif name in needed:
            raise Refusal("has no picture" if name == "image" else f"has no {name}")
    if len(set(sizes.values())) > 1:
        raise Refusal("is not as large as its " + ", ".join(name for name in sizes if name != "image"))


def _size(data: bytes) -> tuple[int, int]:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return int(picture.size[0]), int(picture.size[1])


def _mesh(piece: Piece, blobs: dict[str, bytes]) -> None:
    """Raise Refusal where a GLB is not a mesh of the size that its row says."""
    import numpy as np

    from tasks.geometry import load

    data = blobs["mesh"]
    if not data:
        raise Refusal("is missing")
    if len(data) < 12 or data[:4] != b"glTF" or struct.unpack("<I", data[8:12])[0] != len(data):
        raise Refusal("is cut off, or no GLB")
    vertices, faces = load(data)
    if not len(faces) or not len(vertices) or faces.min() < 0 or faces.max() >= len(vertices):
        raise Refusal("has faces without corners")
    extents, wanted = np.ptp(vertices, axis=0), np.array(piece.size)
    if not np.isfinite(vertices).all() or (
        wanted.size and np.abs(extents - wanted).max() > CLOSE * max(float(wanted.max()), 1e-9)
    ):
        raise Refusal("is not of the size that its row says")
