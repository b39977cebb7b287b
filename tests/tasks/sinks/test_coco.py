"""What detectors are trained on: boxes, areas and silhouettes that are those of the masks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tasks.sinks import Destination, Picture
from tasks.sinks.coco import Coco, box, polygons, run_lengths


def drawn(segmentation: dict[str, Any]) -> np.ndarray:
    """The mask that run lengths mean, as the format describes them."""
    height, width = segmentation["size"]
    values = np.arange(len(segmentation["counts"])) % 2
    return np.repeat(values, segmentation["counts"]).reshape((width, height)).T.astype(bool)


def test_the_data_set_is_what_the_format_asks_for(pictures: Callable[[int], list[Picture]], to: Destination) -> None:
    """Every picture is a file, every silhouette an annotation of its part's category."""
    given = pictures(4)
    told = Coco(licence="CC BY 4.0", licence_url="https://example.org/by")(iter(given), to)
    assert told == {"images": 3, "annotations": 3, "left_out": 1}
    data = json.loads((to.folder / "annotations.json").read_text(encoding="utf-8"))
    assert set(data) == {"info", "licenses", "categories", "images", "annotations"}
    assert data["licenses"] == [{"id": 1, "name": "CC BY 4.0", "url": "https://example.org/by"}]
    assert [category["name"] for category in data["categories"]] == ["B-0", "B-1", "B-2"]
    images = {image["id"]: image for image in data["images"]}
    names = {category["id"]: category["name"] for category in data["categories"]}
    by_id = {picture.id: picture for picture in given}
    for annotation in data["annotations"]:
        image = images[annotation["image_id"]]
        picture = by_id[image["partsight_id"]]
        with Image.open(to.folder / image["file_name"]) as file:
            assert file.size == (image["width"], image["height"])
        assert names[annotation["category_id"]] == picture.part.number
        assert picture.mask is not None
        assert (drawn(annotation["segmentation"]) == picture.mask).all()
        assert annotation["area"] == np.count_nonzero(picture.mask)
        left, top, width, height = annotation["bbox"]
        inside = picture.mask[top : top + height, left : left + width]
        assert inside.sum() == picture.mask.sum()
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()
    assert {path.name for path in to.folder.iterdir()} == {"annotations.json", "images"}


def test_pictures_without_silhouette_are_listed_where_that_is_wanted(
    pictures: Callable[[int], list[Picture]], to: Destination
) -> None:
    """They have no annotation: nobody knows where the part is."""
    told = Coco(unmarked=True)(iter(pictures(3)), to)
    assert told == {"images": 3, "annotations": 2, "left_out": 0}


@pytest.mark.parametrize("kind", ["empty at the start", "whole", "one pixel", "last pixel"])
def test_run_lengths_mean_the_mask(kind: str) -> None:
    """Whatever it begins and ends with."""
    mask = np.zeros((5, 7), dtype=bool)
    mask[2, 3] = kind == "one pixel"
    mask[-1, -1] = kind == "last pixel"
    mask[:] |= kind == "whole"
    found = run_lengths(mask)
    assert sum(found["counts"]) == mask.size
    assert (drawn(found) == mask).all()


def test_polygons_are_the_outer_outlines(pictures: Callable[[int], list[Picture]]) -> None:
    """Drawn and filled they are the mask with its holes closed; a single pixel has one too."""
    mask = pictures(1)[0].mask
    assert mask is not None
    found = polygons(mask)
    assert len(found) == 2
    canvas = Image.new("1", (mask.shape[1] * 8, mask.shape[0] * 8))
    for one in found:
        ImageDraw.Draw(canvas).polygon([value * 8 for value in one], fill=1)
    filled = np.asarray(canvas.resize(mask.shape[::-1], Image.Resampling.NEAREST))
    assert not (mask & ~filled)[:-4].any()
    grown = np.count_nonzero(filled & ~mask)
    hole = np.count_nonzero(np.hypot(*(np.mgrid[:48, :48] - np.array([20, 22])[:, None, None])) <= 6)
    assert abs(grown - hole) < 30
    assert box(mask)[2:] == [36, 39]
