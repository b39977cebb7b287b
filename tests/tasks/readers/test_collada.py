"""COLLADA arrives in mm by its unit element, with names, materials and instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.readers.collada import Collada
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from pathlib import Path

BIND = '<bind_material><technique_common><instance_material symbol="s" target="#m"/></technique_common></bind_material>'
USE = f'<instance_geometry url="#g">{BIND}</instance_geometry>'
TEXT = f"""<?xml version="1.0"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><created>2020-01-01T00:00:00</created><modified>2020-01-01T00:00:00</modified>UNIT</asset>
<library_images><image id="i"><init_from>paint%201.png</init_from></image></library_images>
<library_effects><effect id="e"><profile_COMMON><technique sid="c"><phong><diffuse>
<color>0.8 0.1 0.1 1</color></diffuse></phong></technique></profile_COMMON></effect></library_effects>
<library_materials><material id="m" name="Brass"><instance_effect url="#e"/></material></library_materials>
<library_geometries><geometry id="g" name="wedge-mesh"><mesh>
<source id="p"><float_array id="a" count="12">0 0 0 1 0 0 0 2 0 0 0 3</float_array><technique_common>
<accessor source="#a" count="4" stride="3"><param name="X" type="float"/><param name="Y" type="float"/>
<param name="Z" type="float"/></accessor></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>
<polylist count="4" material="s"><input semantic="VERTEX" source="#v" offset="0"/><vcount>3 3 3 3</vcount>
<p>0 2 1 0 1 3 1 2 3 0 3 2</p></polylist></mesh></geometry></library_geometries>
<library_nodes><node id="comp" name="clip">{USE}</node></library_nodes>
<library_visual_scenes><visual_scene id="s">
<node name="pair"><node name="a">{USE}</node><node name="b"><rotate>0 0 1 90</rotate>{USE}</node></node>
<node name="c"><instance_node url="#comp"/></node>
</visual_scene></library_visual_scenes><scene><instance_visual_scene url="#s"/></scene></COLLADA>
"""


def written(tmp_path: Path, unit: str = '<unit name="inch" meter="0.0254"/>') -> Path:
    """A DAE file of a wedge of 1 x 2 x 3 units that stands in three places."""
    path = tmp_path / "a.dae"
    path.write_text(TEXT.replace("UNIT", unit), encoding="utf-8")
    return path


def test_instances_names_and_materials(tmp_path: Path) -> None:
    """Instances are counted for each assembly, also those of library nodes; the geometry's name is the body's."""
    bodies = Collada()(written(tmp_path))
    assert [(body.name, body.path, body.count) for body in bodies] == [("wedge", "pair", 2), ("wedge", "c", 1)]
    assert (bodies[0].material, bodies[0].colour) == ("Brass", (0.8, 0.1, 0.1))


@pytest.mark.parametrize(
    ("unit", "factor"), [('<unit meter="0.0254"/>', 25.4), ('<unit meter="0.001"/>', 1), ("", 1000)]
)
def test_sizes_are_in_millimetres(tmp_path: Path, unit: str, factor: float) -> None:
    """The unit element counts; without it lengths are metres."""
    body = Collada()(written(tmp_path, unit))[0]
    assert np.ptp(body.vertices, axis=0) == pytest.approx((factor, 2 * factor, 3 * factor))


def test_textures_are_companions(tmp_path: Path) -> None:
    """Pictures that a file names belong to it."""
    assert Collada().companions(written(tmp_path)) == ["paint 1.png"]


def test_what_is_no_collada_says_so(tmp_path: Path) -> None:
    """Other XML, and a file without a scene, are refused."""
    path = tmp_path / "a.dae"
    path.write_text("<svg/>", encoding="utf-8")
    with pytest.raises(Refusal, match="does not begin like a COLLADA file"):
        Collada()(path)
    path.write_text(TEXT[: TEXT.index("<library_visual")].replace("UNIT", "") + "</COLLADA>", encoding="utf-8")
    with pytest.raises(Refusal, match="holds no scene"):
        Collada()(path)
