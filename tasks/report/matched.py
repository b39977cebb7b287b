"""What was found, laid beside what was asked: each picture with the part's render as its best template saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.records import Camera, Part, over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from blocks.catalogue import Served
    from tasks.records import Bytes
    from tasks.search import Hit
    from tasks.templates.leading import Pose

SIDE: Final = 224  # pixels of a picture
GAP: Final = 6
LINE: Final = 16  # pixels of the line of words below
COLUMNS: Final = 2  # pairs beside each other
WIDE: Final = 1.25  # of the template's field of view: a little of the ground around the part


def matched(there: Served, pictures: Sequence[Bytes], hits: Sequence[Hit]) -> Image:
    """A sheet of the `hits` whose shape was compared, each beside the one of `pictures` (h, w, 3) that it fits best.

    Raises ValueError with a sentence when there is none such.
    """
    from PIL import Image, ImageDraw

    lying = [(hit, hit.pose) for hit in hits if hit.pose is not None]
    if not lying:
        raise ValueError("There is no part to show beside the picture: this catalogue has no shape templates yet.")
    rows = _rows(there, [hit.part for hit, _ in lying])
    width, height = 2 * SIDE + GAP, SIDE + LINE + GAP
    across, down = min(COLUMNS, len(lying)), -(-len(lying) // COLUMNS)
    paper = Image.new("RGB", (across * (width + 2 * GAP) - 2 * GAP, down * height - GAP), (255, 255, 255))
    words = ImageDraw.Draw(paper)
    for place, (hit, pose) in enumerate(lying):
        left, top = place % COLUMNS * (width + 2 * GAP), place // COLUMNS * height
        paper.paste(_tile(pictures[pose.picture]), (left, top))
        paper.paste(Image.fromarray(_render(rows[hit.part], pose)), (left + SIDE + GAP, top))
        told = f"{hit.rank}  {hit.part}  {hit.name}"[:60]
        words.text((left, top + SIDE + 2), f"{told}  {hit.score:.2f}, shape {hit.shape or 0:.2f}", fill=(40, 40, 44))
    return paper


def _tile(picture: Bytes) -> Image:
    """All of a picture, on a square."""
    from PIL import Image, ImageOps

    return ImageOps.pad(Image.fromarray(picture), (SIDE, SIDE), Image.Resampling.BILINEAR, color=(246, 246, 247))


def _render(row: dict[str, Any], pose: Pose) -> Bytes:
    """The part as the camera of `pose` sees it in the studio."""
    from tasks.augment import backdrop
    from tasks.geometry import load
    from tasks.render import Studio

    vertices, faces = load(row["mesh"])
    scale = max(row["size_mm"]) / float(np.ptp(vertices, axis=0).max()) if row["size_mm"] else 1.0
    yfov = float(2 * np.arctan(WIDE * np.tan(pose.yfov / 2)))
    part = Part(number=row["part"], material=row["material"] or "", colour=row["colour"])
    camera = Camera(pose=pose.camera, yfov=yfov, size=SIDE)
    ((_, view),) = Studio(SIDE).taken(vertices * scale, faces, part, {0: camera}, row["part"], shadow=False)
    return over(view, backdrop(SIDE))


def _rows(there: Served, parts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What is to be drawn of each of `parts`: its mesh, its size, and what it is made of."""
    from lancedb.expr import col

    columns = ("part", "geometry", "size_mm", "material", "colour")
    rows = there.rows("parts", columns, col("part").isin(list(parts)))
    shapes = there.rows("shapes", ("geometry", "mesh"), col("geometry").isin(sorted({row["geometry"] for row in rows})))
    mesh = {row["geometry"]: row["mesh"] for row in shapes}
    return {row["part"]: {**row, "mesh": mesh[row["geometry"]]} for row in rows}
