"""Twins: one part out of two formats is found, remembered, and never changes its mind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from blocks.catalogue import Catalogue
from tasks.geometry import digest, shape
from tasks.records import Body
from tasks.twins import settle


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """An empty database."""
    return Catalogue(uri=str(tmp_path / "db"))


def ring(sections: int) -> trimesh.Trimesh:
    """A bush, its circles cut into so many facets."""
    return trimesh.creation.annulus(6, 10, 8, sections=sections)


def put(catalogue: Catalogue, mesh: trimesh.Trimesh, file: str, name: str = "") -> str:
    """Write the shape of `mesh` as found in `file` under `name`; returns its geometry."""
    body = Body(vertices=np.array(mesh.vertices, float), faces=np.array(mesh.faces, np.int64), unit="mm")
    found = shape(body, file.rpartition(".")[2], digest(body, ""))
    catalogue.upsert("shapes", [{**found.model_dump(), "same_as": ""}])
    bodies = f'[{{"geometry": "{found.geometry}", "name": "{name}"}}]'
    catalogue.upsert("files", [{"id": file, "name": file, "bodies": bodies, "status": "ok"}])
    return found.geometry


def twins(catalogue: Catalogue) -> dict[str, str]:
    """Each geometry and the one that stands for it."""
    return {row["geometry"]: row["same_as"] for row in catalogue.rows("shapes", ("geometry", "same_as"))}


def test_the_format_that_knows_most_stands_for_both(catalogue: Catalogue) -> None:
    """Of an STL and a STEP the STEP counts, whichever came first."""
    mesh = put(catalogue, ring(120), "bush.stl")
    solid = put(catalogue, ring(90), "other name.step")
    assert settle(catalogue) == 1
    assert twins(catalogue) == {mesh: solid, solid: solid}


def test_what_is_settled_stays(catalogue: Catalogue) -> None:
    """A better format that arrives later joins the part that is there, and disturbs nothing."""
    mesh = put(catalogue, ring(120), "bush.stl")
    settle(catalogue)
    solid = put(catalogue, ring(90), "bush.step")
    settle(catalogue)
    assert twins(catalogue) == {mesh: mesh, solid: mesh}
    assert settle(catalogue) == 0


def test_one_format_needs_one_name(catalogue: Catalogue) -> None:
    """Two STEPs that are triangulated differently are twins when they are called the same, else two parts."""
    alone = put(catalogue, ring(90), "DIN 125-8.step")
    again = put(catalogue, ring(100), "pump.stp", "din125_8")
    other = put(catalogue, ring(110), "spacer.step")
    settle(catalogue)
    found = twins(catalogue)
    assert found[alone] == found[again]
    assert found[other] == other


def test_a_sibling_in_another_format_is_another_part(catalogue: Catalogue) -> None:
    """A bush that is 2 % longer is not the same bush."""
    one = put(catalogue, ring(90), "bush.step")
    longer = put(catalogue, trimesh.creation.annulus(6, 10, 8.16, sections=90), "bush.stl")
    settle(catalogue)
    assert twins(catalogue) == {one: one, longer: longer}
