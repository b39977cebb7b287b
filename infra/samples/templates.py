"""The XML of the sample 3MF and COLLADA files."""

from __future__ import annotations

from string import Template

_CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"

MODEL = Template(f"""<?xml version="1.0" encoding="UTF-8"?>
<model unit="millimeter" xml:lang="en-US" xmlns="{_CORE}">
<metadata name="Title">$name</metadata>
<resources>
<basematerials id="1"><base name="$name" displaycolor="$shade"/></basematerials>
<object id="2" name="$name" type="model" pid="1" pindex="0"><mesh>
<vertices>$points</vertices>
<triangles>$triangles</triangles>
</mesh></object>
</resources>
<build><item objectid="2"/></build>
</model>
""")
CONTENT_TYPES = f"""<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="{_PACKAGE}/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
</Types>
"""
RELATIONSHIPS = f"""<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="{_PACKAGE}/relationships">
<Relationship Target="/3D/3dmodel.model" Id="rel0" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>
</Relationships>
"""
COLLADA = Template("""<?xml version="1.0" encoding="utf-8"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset>
<created>$stamp</created><modified>$stamp</modified>
<unit name="millimeter" meter="0.001"/><up_axis>Z_UP</up_axis>
</asset>
<library_effects><effect id="paint-fx"><profile_COMMON><technique sid="common">
<lambert><diffuse><color>$colour 1</color></diffuse></lambert>
</technique></profile_COMMON></effect></library_effects>
<library_materials>
<material id="paint" name="paint"><instance_effect url="#paint-fx"/></material>
</library_materials>
<library_geometries><geometry id="$name" name="$name"><mesh>
<source id="points">
<float_array id="numbers" count="$numbers">$points</float_array>
<technique_common><accessor source="#numbers" count="$vertices" stride="3">
<param name="X" type="float"/><param name="Y" type="float"/><param name="Z" type="float"/>
</accessor></technique_common>
</source>
<vertices id="corners"><input semantic="POSITION" source="#points"/></vertices>
<triangles material="m" count="$faces">
<input semantic="VERTEX" source="#corners" offset="0"/><p>$corners</p>
</triangles>
</mesh></geometry></library_geometries>
<library_visual_scenes><visual_scene id="scene"><node id="node" name="$name"><instance_geometry url="#$name">
<bind_material><technique_common><instance_material symbol="m" target="#paint"/></technique_common></bind_material>
</instance_geometry></node></visual_scene></library_visual_scenes>
<scene><instance_visual_scene url="#scene"/></scene>
</COLLADA>
""")
