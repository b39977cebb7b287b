"""What a file holds becomes rows: each geometry is measured once, however many bodies have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from tasks import contents
from tasks.geometry import digest
from tasks.ingest import Found, Reading
from tasks.records import Body


def body(mesh: trimesh.Trimesh, name: str) -> Body:
    """A body with arrays of its own."""
    return Body(name=name, vertices=np.array(mesh.vertices, float), faces=np.array(mesh.faces, np.int64), unit="mm")


def test_each_geometry_is_measured_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file of 50,000 equal bodies took a minute of the process that reads, where no limit ends it."""
    measured: list[str] = []
    whole = contents.shape

    def watched(one: Body, suffix: str, name: str) -> Any:
        measured.append(name)
        return whole(one, suffix, name)

    monkeypatch.setattr(contents, "shape", watched)
    ring, block = trimesh.creation.annulus(3, 10, 2), trimesh.creation.box((30, 20, 10))
    moved = ring.copy()
    moved.apply_translation((100, 0, 0))
    first = body(ring, "a")
    bodies = (first, first.replace(name="b"), body(ring, "c"), body(moved, "d"), body(block, "e"))
    found = Found(name="x.obj", path=tmp_path / "x.obj", size=1, digest="d", kind="cad")
    made = contents.contents(Reading(found, bodies=bodies), "acme")
    rings = digest(first, "acme")
    assert [(row.name, row.geometry == rings) for row in made.bodies] == [
        *[(name, True) for name in "abcd"],
        ("e", False),
    ]
    assert sorted(measured) == sorted({row.geometry for row in made.bodies})
    assert {one.geometry for one in made.shapes} == set(measured)
