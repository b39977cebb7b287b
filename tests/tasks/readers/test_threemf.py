"""3MF arrives in the unit that it states, with objects, components, instances and colours."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.readers.threemf import ThreeMF
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
WEDGE = """<mesh><vertices><vertex x="0" y="0" z="0"/><vertex x="1" y="0" z="0"/><vertex x="0" y="2" z="0"/>
<vertex x="0" y="0" z="3"/></vertices><triangles><triangle v1="0" v2="2" v3="1"/><triangle v1="0" v2="1" v3="3"/>
<triangle v1="1" v2="2" v3="3" {}/><triangle v1="0" v2="3" v3="2"/></triangles></mesh>"""
MATERIALS = (
    '<basematerials id="9"><base name="Red" displaycolor="#CC0000FF"/><base displaycolor="#0000CC"/></basematerials>'
)
TURNED = "0 1 0 -1 0 0 0 0 1 50 0 0"


def package(path: Path, build: str, objects: str, unit: str = "", **others: str) -> Path:
    """A 3MF package with these objects and build items, and further model files."""
    head = f'<?xml version="1.0"?><model xmlns="{CORE}" xmlns:p="{PRODUCTION}"'
    model = f"{head} {unit}><resources>{MATERIALS}{objects}</resources><build>{build}</build></model>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("3D/3dmodel.model", model)
        for name, inside in others.items():
            archive.writestr(f"3D/{name}.model", f"{head}><resources>{inside}</resources><build/></model>")
    return path


def wedge(number: int, name: str = "", look: str = "", mark: str = "") -> str:
    """An object of 1 x 2 x 3 units."""
    return f'<object id="{number}" name="{name}" type="model" {look}>{WEDGE.format(mark)}</object>'


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("", 1), ('unit="millimeter"', 1), ('unit="inch"', 25.4), ('unit="meter"', 1000), ('unit="micron"', 0.001)],
)
def test_the_unit_is_what_the_model_says(tmp_path: Path, unit: str, factor: float) -> None:
    """Sizes are in mm; a model that says nothing is in mm by the specification."""
    (body,) = ThreeMF()(package(tmp_path / "a.3mf", '<item objectid="1"/>', wedge(1, "wedge"), unit))
    assert np.ptp(body.vertices, axis=0) == pytest.approx((factor, 2 * factor, 3 * factor))
    assert (body.name, body.unit, len(body.faces)) == ("wedge", "mm", 4)


def test_instances_and_components(tmp_path: Path) -> None:
    """What the build and components place several times is one body with a count for each assembly."""
    pair = f'<component objectid="1"/><component objectid="1" transform="{TURNED}"/>'
    objects = wedge(1, "wedge") + f'<object id="2" name="pair"><components>{pair}</components></object>'
    build = f'<item objectid="2"/><item objectid="1"/><item objectid="1" transform="{TURNED}"/>'
    bodies = ThreeMF()(package(tmp_path / "a.3mf", build, objects))
    assert [(body.name, body.path, body.count) for body in bodies] == [("wedge", "pair", 2), ("wedge", "", 2)]


def test_objects_in_other_models(tmp_path: Path) -> None:
    """Slicers put each object into a model file of its own, and all of them have the id 1."""
    parts = "".join(
        f'<object id="{number}" name="{name}"><components><component objectid="1" p:path="/3D/{name}.model"/>'
        "</components></object>"
        for number, name in ((5, "left"), (6, "right"))
    )
    build = '<item objectid="5"/><item objectid="6"/>'
    others = {"left": wedge(1, "blade"), "right": wedge(1, "blade").replace('z="3"', 'z="4"')}
    bodies = ThreeMF()(package(tmp_path / "a.3mf", build, parts, **others))
    assert [(body.path, np.ptp(body.vertices[:, 2])) for body in bodies] == [("left", 3), ("right", 4)]


def test_colours(tmp_path: Path) -> None:
    """An object has the colour of its material, or the one that most of its area has."""
    path = tmp_path / "a.3mf"
    build = '<item objectid="1"/>'
    assert ThreeMF()(package(path, build, wedge(1, look='pid="9" pindex="0"')))[0].colour == (0.8, 0.0, 0.0)
    painted = wedge(1, look='pid="9" pindex="0"', mark='pid="9" p1="1"')
    assert ThreeMF()(package(path, build, painted))[0].colour == (0.8, 0.0, 0.0)
    assert ThreeMF()(package(path, build, wedge(1, mark='pid="9" p1="1"')))[0].colour is None


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    """A package that is none, refers to what is not there, or has a unit of its own has a sentence."""
    path = tmp_path / "a.3mf"
    for build, unit, words in (
        ('<item objectid="7"/>', "", "refers to an object that it does not hold"),
        ('<item objectid="1"/>', 'unit="cubit"', "'cubit', which 3MF does not know"),
    ):
        with pytest.raises(Refusal, match=words):
            ThreeMF()(package(path, build, wedge(1), unit))
    circle = '<object id="1"><components><component objectid="1"/></components></object>'
    with pytest.raises(Refusal, match="nests them more than"):
        ThreeMF()(package(path, '<item objectid="1"/>', circle))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(Refusal, match="was cut off"):
        ThreeMF()(path)
