"""`partsight search --matched`: the picture beside the parts that were found, each as it lies in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from blocks.catalogue import Catalogue
from infra.settings import Settings
from tasks.geometry import glb
from tasks.records import Body, Part, over
from tasks.render import Studio
from tasks.report.matched import SIDE
from tasks.templates.plates import Blank, around, cast, edition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

VIEWS = 40


@pytest.fixture
def shaped(
    tmp_path: Path,
    partsight: Any,
    onboarded: Callable[[Path, str, Sequence[str]], Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A customer of whom one part has CAD and templates; and a photograph of it from one of their sides, turned."""
    assert partsight  # whose state is another one, and comes first
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path))
    catalogue = Catalogue(uri=str(onboarded(tmp_path, "acme", ["B-1", "W-9"]).catalogue("acme")))
    boxes = [trimesh.creation.box(size) for size in ((40, 10, 10), (10, 10, 30))]
    vertices = np.concatenate([box.vertices for box in boxes])
    faces = np.concatenate([boxes[0].faces, boxes[1].faces + len(boxes[0].vertices)])
    body = Body(vertices=vertices - vertices.min(axis=0), faces=faces)
    made = cast(Blank(geometry="g", mesh=glb(body), views=VIEWS))
    catalogue.upsert("shapes", [{"geometry": "g", "mesh": glb(body), "size": [40.0, 10.0, 30.0]}])
    (row,) = (row for row in catalogue.rows("parts", catalogue.table("parts").schema.names) if row["part"] == "B-1")
    catalogue.upsert("parts", [row | {"geometry": "g", "size_mm": [80.0, 20.0, 60.0]}])
    kept = {"plates": made.plates, "stands": made.stands, "longest": made.longest}
    catalogue.upsert("templates", [{"geometry": "g", "version": edition(), "views": VIEWS, **kept}])
    stand = {0: around(body.vertices, VIEWS)[7]}
    ((_, view),) = Studio(SIDE).taken(body.vertices, body.faces, Part(number="B-1"), stand, "q", shadow=False)
    Image.fromarray(over(view, np.full((72, 72, 3), 90, np.uint8))).rotate(90).resize((216, 216)).save(
        tmp_path / "asked.png"
    )
    return tmp_path


def test_a_part_is_shown_as_it_lies_in_the_picture(shaped: Path, partsight: Any) -> None:
    """The sheet has the picture and a render whose silhouette is the picture's; JSON has the pose, in mm."""
    sheet = shaped / "sheet.png"
    asked = ("search", "acme", "--image", shaped / "asked.png", "--top", "2", "--matched", sheet)
    code, out, err = partsight(*asked, "--json")
    assert code == 0, err
    hits = {hit["part"]: hit for hit in json.loads(out)["results"]}
    assert hits["W-9"]["pose"] is None
    pose = hits["B-1"]["pose"]
    assert hits["B-1"]["shape"] > 0.7
    assert pose["turn"] == 270
    assert 150 < np.linalg.norm(np.array(pose["camera"])[:3, 3]) < 600, "twice as large as its mesh says"
    with Image.open(sheet) as opened:
        pixels = np.asarray(opened.convert("L")).astype(int)
    assert pixels.shape[1] == 2 * SIDE + 6
    left, right = pixels[:SIDE, :SIDE], pixels[:SIDE, -SIDE:]
    seen = [_centred(np.abs(one - one[2, 2]) > 25) for one in (left, right)]
    assert (seen[0] & seen[1]).sum() > 0.8 * (seen[0] | seen[1]).sum()


def _centred(mask: Any) -> Any:
    """What is marked, its box filling a square."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(box.shape)
    square = np.zeros((side, side), bool)
    square[(side - box.shape[0]) // 2 :, (side - box.shape[1]) // 2 :][: box.shape[0], : box.shape[1]] = box
    return np.asarray(Image.fromarray(square).resize((64, 64)))


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        (("--text", "x", "--matched", "a.png"), 2, "--matched shows what one picture found"),
        (("--image", "{here}/asked.png", "--each", "--matched", "a.png"), 2, "and no --each"),
        (("--image", "{here}/asked.png", "--matched", "{here}/none/a.png"), 2, "can't be written as a picture"),
        (("--image", "{here}/asked.png", "--matched", "{here}/a.txt"), 2, "can't be written as a picture"),
    ],
)
def test_what_cannot_be_shown_is_said(
    shaped: Path, partsight: Any, tokens: tuple[str, ...], code: int, said: str
) -> None:
    """In a sentence."""
    found = partsight("search", "acme", *(token.format(here=shaped) for token in tokens))
    assert found[0] == code
    assert said in found[2]


def test_a_catalogue_without_templates_has_nothing_to_show(
    tmp_path: Path, partsight: Any, picture: Callable[[int], bytes]
) -> None:
    """And says so."""
    (tmp_path / "asked.jpg").write_bytes(picture(1))
    code, _, err = partsight("search", "acme", "--image", tmp_path / "asked.jpg", "--matched", tmp_path / "a.png")
    assert code == 2
    assert "no shape templates yet" in err
