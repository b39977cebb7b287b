"""Pictures and silhouettes as a COCO detection data set: what detectors and segmenters are trained on.

The format is that of the COCO data format page (object detection): `images`, `annotations`, `categories`, `licenses`,
`info`. Boxes are x, y, width, height in pixels; run lengths go down the columns and begin with what is not the part.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tasks.records import Bools
    from tasks.sinks import Destination, Picture

FILE: Final = "annotations.json"
PICTURES: Final = "images"
SMALLEST: Final = 6  # numbers in a polygon: three corners


class Coco(BaseModel):
    """Write a COCO detection data set: pictures as files, boxes and silhouettes, one category for each part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outline: Literal["rle", "polygon"] = Field(
        "rle", description="Silhouettes as run lengths (exact, holes too), or as polygons (outer outlines alone)."
    )
    unmarked: bool = Field(
        False, description="Whether pictures whose silhouette nobody knows are listed too, without annotation."
    )
    licence: str = Field("", max_length=200, description="Name of the licence of the pictures, where they have one.")
    licence_url: str = Field("", max_length=500, description="Address of that licence.")

    def __call__(self, pictures: Iterator[Picture], to: Destination) -> dict[str, Any]:
        """`annotations.json`, and the pictures under `images/`, in folders by the first two letters of their ids."""
        categories = {part.number: number for number, part in enumerate(to.parts, start=1)}
        images = annotations = left_out = 0
        rest = to.folder / f"{FILE}.annotations"
        with (to.folder / FILE).open("x", encoding="utf-8") as file, rest.open("x+", encoding="utf-8") as aside:
            file.write("{" + ",".join(f'"{key}":{json.dumps(value)}' for key, value in self._head(to).items()))
            file.write(',"images":[')
            for picture in pictures:
                marked = picture.mask is not None and picture.mask.any()
                if not (marked or self.unmarked):
                    left_out += 1
                    continue
                images += 1
                _write(file, images, self._image(picture, images, _saved(picture, to.folder)))
                if marked and picture.mask is not None:
                    annotations += 1
                    found = self._annotation(picture.mask, annotations, images, categories[picture.part.number])
                    _write(aside, annotations, found)
            file.write('],"annotations":[')
            aside.seek(0)
            shutil.copyfileobj(aside, file)
            file.write("]}\n")
        rest.unlink()
        return {"images": images, "annotations": annotations, "left_out": left_out}

    def _head(self, to: Destination) -> dict[str, Any]:
        licence = self.licence or "not stated"
        described = f"Pictures of the parts of {to.name or to.customer}, run {to.run}"
        return {
            "info": {"description": described, "version": to.run, "contributor": "Partsight", "url": ""},
            "licenses": [{"id": 1, "name": licence, "url": self.licence_url}],
            "categories": [
                {"id": number, "name": part.number, "supercategory": part.name or "part"}
                for number, part in enumerate(to.parts, start=1)
            ],
        }

    def _image(self, picture: Picture, number: int, path: Path) -> Mapping[str, Any]:
        height, width = picture.pixels.shape[:2]
        return {
            "id": number,
            "file_name": path.as_posix(),
            "width": width,
            "height": height,
            "license": 1,
            "partsight_id": picture.id,
            "kind": picture.kind,
        }

    def _annotation(self, mask: Bools, number: int, image: int, category: int) -> Mapping[str, Any]:
        return {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": box(mask),
            "area": int(np.count_nonzero(mask)),
            "iscrowd": 0,
            "segmentation": polygons(mask) if self.outline == "polygon" else run_lengths(mask),
        }


def box(mask: Bools) -> list[int]:
    """The box around a mask (h, w): x, y, width, height in pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]


def run_lengths(mask: Bools) -> dict[str, Any]:
    """A mask (h, w) as COCO's uncompressed RLE: how many pixels are off it, then on it, and so on, down the columns."""
    flat = np.concatenate([[False], mask.ravel(order="F"), [False]])
    turns = np.flatnonzero(flat[1:] != flat[:-1])
    ends = np.concatenate([[0], turns, [mask.size]])
    counts = np.diff(ends)
    if counts[-1] == 0:
        counts = counts[:-1]
    return {"counts": counts.tolist(), "size": list(mask.shape)}


def polygons(mask: Bools) -> list[list[float]]:
    """The outer outlines of a mask (h, w), each as x, y, x, y ... in pixels, their corners where pixels have theirs."""
    from skimage import measure

    tools: Any = measure  # has no types

    framed = np.pad(mask.astype(np.float32), 1)
    found = []
    for contour in tools.find_contours(framed, 0.5, positive_orientation="high"):
        corners = tools.approximate_polygon(contour, 0.45)[:-1]
        across, down = corners[:, 1] - 0.5, corners[:, 0] - 0.5  # the frame is one pixel, a pixel's middle half of one
        # a hole turns the other way round
        turning = float(np.sum(across * np.roll(down, -1) - np.roll(across, -1) * down))
        if turning < 0 and 2 * len(corners) >= SMALLEST:
            found.append([round(float(value), 2) for value in np.stack([across, down], axis=1).ravel()])
    return found or [_corners(box(mask))]


def _corners(around: list[int]) -> list[float]:
    left, top, width, height = (float(value) for value in around)
    return [left, top, left + width, top, left + width, top + height, left, top + height]


def _saved(picture: Picture, folder: Path) -> Path:
    """Write the picture; returns where, relative to `folder`."""
    path = folder / PICTURES / picture.id[:2] / f"{picture.id}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture.jpeg)
    return path.relative_to(folder)


def _write(file: Any, number: int, entry: Mapping[str, Any]) -> None:
    file.write(("," if number > 1 else "") + "\n" + json.dumps(entry))
