"""Geometry: copies are found, look-alikes and mirrors are not confused with them."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from tasks.geometry import alike, digest, glb, load, same, shape
from tasks.records import Body


def body(mesh: trimesh.Trimesh) -> Body:
    """A body in millimetres with the mesh's triangles."""
    return Body(vertices=np.array(mesh.vertices, float), faces=np.array(mesh.faces, np.int64), unit="mm")


def bracket(hole: float = 3.0, *, holes: int = 2, sections: int = 48) -> trimesh.Trimesh:
    """An L of 60 x 40 x 30 mm whose long leg has through-holes; `sections` facets to a hole."""
    leg = trimesh.creation.box((60, 40, 4))
    leg.apply_translation((0, 0, 2))
    wall = trimesh.creation.box((4, 40, 30))
    wall.apply_translation((-28, 0, 15))
    cutters = []
    for place in range(holes):
        drill = trimesh.creation.cylinder(hole, 20, sections=sections)
        drill.apply_translation((-10 + 18 * place, 7, 2))
        cutters.append(drill)
    return trimesh.boolean.difference([trimesh.boolean.union([leg, wall]), *cutters])


def moved(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The same part lying elsewhere."""
    copy = mesh.copy()
    copy.apply_transform(trimesh.transformations.random_rotation_matrix(np.array([0.3, 0.6, 0.2])))
    copy.apply_translation((100, -20, 7))
    return copy


def same_part(a: trimesh.Trimesh, b: trimesh.Trimesh) -> bool:
    """What `twins` asks of two shapes out of two formats."""
    first, second = (shape(one, "step", digest(one, "")) for one in (body(a), body(b)))
    return alike(first.signature, second.signature) and same(first.mesh, second.mesh)


def test_digest_ignores_order_and_place() -> None:
    """Shuffled vertices and faces, and a shift, leave the name of a geometry as it is."""
    mesh = bracket()
    order = np.random.default_rng(1).permutation(len(mesh.vertices))
    place = np.argsort(order)
    shuffled = Body(
        vertices=np.array(mesh.vertices)[order] + 5,
        faces=np.roll(place[mesh.faces][::-1], 1, axis=1),
        unit="mm",
    )
    assert digest(shuffled, "a") == digest(body(mesh), "a")


def test_digest_tells_customers_units_and_shapes_apart() -> None:
    """Another customer, another unit or another size is another name."""
    one = body(bracket())
    others = {
        digest(one, "b"),
        digest(one.replace(unit="unknown"), "a"),
        digest(one.replace(vertices=one.vertices * 25.4), "a"),
        digest(one.replace(faces=one.faces[:, ::-1]), "a"),
    }
    assert digest(one, "a") not in others
    assert len(others) == 4


def test_glb_keeps_the_mesh() -> None:
    """What is stored is what is rendered, at the origin: also of a part that lay ten kilometres off."""
    mesh = bracket()
    for shift in (0.0, 1e7):
        lain = body(mesh).replace(vertices=np.array(mesh.vertices) + shift)
        vertices, faces = load(glb(lain))
        assert np.allclose(vertices[faces], mesh.triangles - mesh.bounds[0], atol=1e-4)


def test_another_tessellation_elsewhere_is_the_same_part() -> None:
    """A coarser export of one part, turned and shifted, is found."""
    assert same_part(bracket(sections=64), moved(bracket(sections=40)))


def test_a_round_part_is_found_at_any_turn() -> None:
    """A flange turned about its own axis has no distinct principal axes, and is found all the same."""
    disc = trimesh.creation.cylinder(30, 6, sections=96)
    holes = [trimesh.creation.cylinder(3, 20, sections=32) for _ in range(5)]
    for place, hole in enumerate(holes):
        hole.apply_translation((20 * np.cos(place * 1.2566), 20 * np.sin(place * 1.2566), 0))
    flange = trimesh.boolean.difference([disc, *holes])
    assert same_part(flange, moved(flange))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(bracket(holes=1), id="one hole fewer"),
        pytest.param(bracket(hole=3.4), id="a wider hole"),
        pytest.param(bracket(holes=3), id="one hole more"),
        pytest.param(bracket().apply_scale((1, 1, 1.01)), id="1 % higher"),
        pytest.param(bracket().apply_scale(1.004), id="0.4 % larger"),
    ],
)
def test_siblings_are_not_the_same_part(other: trimesh.Trimesh) -> None:
    """A look-alike stays a part of its own."""
    assert not same_part(bracket(), moved(other))


def test_a_bush_is_not_laid_upside_down() -> None:
    """With one collar it fits nearly as well the wrong way round; the right way is tried too."""

    def bush(sections: int) -> trimesh.Trimesh:
        collar = trimesh.creation.annulus(6, 8.6, 0.5, sections=sections)
        collar.apply_translation((0, 0, 10.1))
        return trimesh.boolean.union([trimesh.creation.annulus(6, 9, 20, sections=sections), collar])

    assert same_part(bush(48), moved(bush(60)))


def test_a_coarse_disc_is_the_same_disc() -> None:
    """Facets stand off a large radius by more than siblings differ on their planes: the sag is allowed for."""
    assert same_part(trimesh.creation.cylinder(47, 18, sections=26), trimesh.creation.cylinder(47, 18, sections=160))
    assert not same_part(
        trimesh.creation.cylinder(47, 18, sections=26), trimesh.creation.cylinder(47, 18.2, sections=26)
    )


def test_left_and_right_are_two_parts() -> None:
    """A mirrored part is not the same part."""
    mirrored = bracket()
    mirrored.apply_transform(np.diag([1, -1, 1, 1]))
    assert not same_part(bracket(), mirrored)
    assert digest(body(bracket()), "") != digest(body(mirrored), "")


def test_an_open_surface_has_no_volume() -> None:
    """A sheet without thickness is measured, and says that it encloses nothing."""
    sheet = trimesh.Trimesh([(0, 0, 0), (10, 0, 0), (10, 5, 0), (0, 5, 0)], [(0, 1, 2), (0, 2, 3)])
    found = shape(body(sheet), "iges", "sheet")
    assert found.volume is None
    assert found.area == pytest.approx(50)
    assert found.size == pytest.approx((10, 5, 0))
