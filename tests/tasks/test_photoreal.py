"""Photographs of another renderer: parts at rest, hidden as much as promised, of the material that they are of."""

from __future__ import annotations

import subprocess
import sys
import zlib

import numpy as np
import pytest

from tasks.photoreal import Difficulty, available, photograph
from tasks.photoreal.covers import covered
from tasks.photoreal.engine import mitsuba
from tasks.photoreal.lens import aimed, developed
from tasks.photoreal.scenes import Mesh, Scene, beside, laid, lying, scattered
from tasks.photoreal.skins import finish
from tasks.photoreal.solid import Solid, resting, solid
from tasks.photoreal.tracer import meshed, smoothed
from tasks.records import Floats, Part, generator

needed = pytest.mark.skipif(not available(), reason="the extra photoreal is not installed")


def box(*size: float) -> Mesh:
    """A box around the origin."""
    from trimesh import creation

    made = creation.box(size)
    return np.asarray(made.vertices, np.float64), np.asarray(made.faces, np.int64)


def bracket() -> Mesh:
    """An angle with a hole in each leg."""
    from trimesh import creation, util

    foot, wall = creation.box((60, 40, 5)), creation.box((5, 40, 50))
    wall.apply_translation((-27.5, 0, 27))
    made = util.concatenate([foot, wall])
    return np.asarray(made.vertices, np.float64), np.asarray(made.faces, np.int64)


def scene(difficulty: Difficulty, seed: int) -> Scene:
    """The scene of a bracket among boxes."""
    rng = generator("scene", difficulty, seed)
    around = [box(30, 30, 30), box(60, 20, 8), bracket()]
    made = laid(bracket(), difficulty, rng)
    if difficulty != "clean":
        made = scattered(made, around, rng)
    return covered(made, around, rng) if difficulty == "occluded" else made


def depths(things: list[Solid], view: Scene, side: int = 120) -> Floats:
    """How far ahead the things are in each pixel of twice the frame, as rays find them; inf where none is."""
    mi, eye = mitsuba(), view.eye
    target = (eye.place - eye.axes[2]).tolist()
    camera = {
        "type": "perspective",
        "fov": float(np.degrees(2 * np.arctan(2 * eye.slope))),
        "to_world": mi.ScalarTransform4f().look_at(eye.place.tolist(), target, eye.axes[1].tolist()),
        "film": {"type": "hdrfilm", "width": side, "height": side, "rfilter": {"type": "box"}},
        "sampler": {"type": "independent", "sample_count": 1},
    }
    world = {"type": "scene", "integrator": {"type": "aov", "aovs": "depth:depth"}, "camera": camera}
    world |= {f"thing{number}": meshed(thing, {"type": "diffuse"}) for number, thing in enumerate(things)}
    seen = np.array(mi.render(mi.load_dict(world), seed=0))[..., -1]
    return np.where(seen > 0, seen, np.inf)


def share_hidden(view: Scene) -> float:
    """Share of the part that others or the frame's edge hide, by tracing rays."""
    part = depths([view.part], view)
    others = depths([thing for thing, _ in view.others], view) if view.others else np.full_like(part, np.inf)
    framed = np.zeros(part.shape, dtype=bool)
    framed[30:90, 30:90] = True
    shown = np.isfinite(part)
    return 1 - float((shown & framed & (part < others)).sum() / shown.sum())


@needed
def test_picture_depends_on_its_seed_alone() -> None:
    """The same seed gives the same picture, another seed another, in the size asked for."""
    first, again, other = (photograph(*bracket(), Part(number="a"), "clean", seed, size=64) for seed in (1, 1, 2))
    assert (first.shape, first.dtype) == ((64, 64, 3), np.uint8)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 10
    assert 40 < first.mean() < 220


@needed
@pytest.mark.parametrize(
    ("difficulty", "least", "most"), [("clean", 0, 0), ("cluttered", 0, 0.15), ("occluded", 0.2, 0.45)]
)
def test_part_is_hidden_as_much_as_promised(difficulty: Difficulty, least: float, most: float) -> None:
    """Clean hides nothing, clutter at most 15 %, an occluded part is hidden by 20 to 45 %: counted by rays."""
    shares = [share_hidden(scene(difficulty, seed)) for seed in range(12)]
    assert least - 0.04 <= min(shares)
    assert max(shares) <= most + 0.04


@needed
def test_clean_part_fills_the_frame() -> None:
    """The longer side of a clean part takes 45 to 90 % of the frame, and all of it is in the frame."""
    for seed in range(12):
        view = scene("clean", seed)
        where, _ = view.eye.seen(view.part.outer)
        assert 0.45 <= np.ptp(where, axis=0).max() / 2 <= 0.9
        assert np.abs(where).max() <= 1
        assert view.eye.place[2] > 0.2


@needed
def test_parts_lie_on_a_side_that_holds_them() -> None:
    """A flat box comes to rest on one of its faces, mostly on a broad one, and touches the bench."""
    block, rng = solid(*box(40, 30, 6)), generator("rest")
    broad = 0
    for _ in range(40):
        turn = resting(block, rng)
        assert np.abs(np.abs(turn[2]).max() - 1) < 1e-6
        broad += int(np.abs(turn[2, 2]) > 0.99)
        landed = block.landed(turn)
        assert landed.points[:, 2].min() == pytest.approx(0, abs=1e-9)
    assert broad > 30


@needed
def test_a_leaning_tower_never_stands() -> None:
    """A side below which the centre of mass is not holds nothing, however broad it is."""
    vertices, faces = box(20, 20, 20)
    vertices[:, 0] += 1.3 * vertices[:, 2]
    tower, rng = solid(vertices, faces), generator("tower")
    assert all(abs(resting(tower, rng)[2, 2]) < 0.99 for _ in range(60))


@needed
def test_a_thing_without_a_body_rests_anyhow() -> None:
    """A flat sheet has no hull with a volume; it is laid somehow, by a proper rotation."""
    vertices = np.array([[0, 0, 0], [10, 0, 0], [10, 8, 0], [0, 8, 0]], np.float64)
    sheet = solid(vertices, np.array([[0, 1, 2], [0, 2, 3]], np.int64))
    turn = resting(sheet, generator("flat"))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)


@needed
def test_clutter_hides_little_even_from_low_down() -> None:
    """Seen almost level, what stands before the part is taken away until it hides no more than 15 %."""
    rng = generator("low")
    for _ in range(8):
        low = laid(box(60, 20, 8), "cluttered", rng)
        low = low._replace(eye=aimed(low.part.outer, (rng.uniform(0, 360), 9, 0), 40, 0.5))
        assert share_hidden(scattered(low, [box(40, 40, 40)], rng)) <= 0.19


@needed
def test_neighbours_lie_around_without_touching() -> None:
    """However many things are laid down, each stands on the bench and an upright plane parts it from each other."""
    rng = generator("crowd")
    things = [laid(bracket(), "cluttered", rng).part]
    for _ in range(9):
        thing = beside(things, lying([box(60, 20, 8), bracket()], 40, rng), rng)
        things += [] if thing is None else [thing]
    assert len(things) > 4
    turns = np.linspace(0, np.pi, 180)
    ways = np.stack([np.cos(turns), np.sin(turns), 0 * turns])
    for index, one in enumerate(things):
        assert one.points[:, 2].min() == pytest.approx(0, abs=1e-9)
        for other in things[:index]:
            a, b = one.points @ ways, other.points @ ways
            assert ((a.max(0) < b.min(0)) | (b.max(0) < a.min(0))).any()


@needed
def test_material_is_honoured_and_worn() -> None:
    """Brass is a yellow metal in every picture and never twice the same; what names nothing may be anything."""
    brass = [finish(Part(number="a", material="Messing"), generator(seed)) for seed in range(8)]
    assert all(made.metallic == 1 and made.base[0] > 1.6 * made.base[2] for made in brass)
    assert len({made.roughness for made in brass}) == 8
    anything = [finish(Part(number="a"), generator(seed)) for seed in range(30)]
    assert {made.metallic for made in anything} == {0.0, 1.0}
    assert len({made.printed for made in anything}) == 2


@needed
def test_metal_mirrors_and_plastic_does_not() -> None:
    """A polished part shows the room in it: its brightness varies more than a plastic one's of the same grey."""
    ball = Part(number="a", material="chrome"), Part(number="a", material="PLA grey")
    chrome, plastic = (
        np.mean([contrast(photograph(*bracket(), part, "clean", ("m", seed), size=64)) for seed in range(6)])
        for part in ball
    )
    assert chrome > plastic


def contrast(picture: np.ndarray) -> float:
    """Spread of brightness in the middle of a picture, over its mean."""
    middle = picture[16:48, 16:48].mean(-1)
    return float(middle.std() / middle.mean())


def test_smoothing_keeps_edges_and_drops_noise() -> None:
    """Noise within a surface falls to less than half; the step between two albedos stays where it is."""
    rng = generator("noise")
    albedo = np.where(np.arange(48)[None, :, None] < 24, 0.1, 0.7) * np.ones((48, 48, 3))
    shape = np.concatenate([albedo, np.tile([0.0, 0.0, 1.0], (48, 48, 1)), np.ones((48, 48, 1))], -1).astype(np.float32)
    noisy = (albedo * (1 + 0.3 * rng.normal(size=(48, 48, 1)))).clip(0).astype(np.float32)
    made = smoothed(noisy, shape)
    for side in (np.s_[8:40, 4:20], np.s_[8:40, 28:44]):
        assert made[side].std() < 0.5 * noisy[side].std()
        assert made[side].mean() == pytest.approx(noisy[side].mean(), rel=0.1)
    assert made[:, 24].mean() > 4 * made[:, 23].mean()


def test_sensor_exposes_light_and_dark_scenes_alike() -> None:
    """A scene ten times as bright gives nearly the same picture, with noise; a tint of the lamps is mostly balanced."""
    light = np.linspace(0.1, 1, 64)[None, :, None] * np.ones((64, 64, 3))
    white = np.array([1.6, 1.0, 0.5])
    dim, bright = (developed((k * light * white).astype(np.float32), white, generator("sensor")) for k in (0.1, 1))
    assert np.abs(dim.astype(int) - bright).mean() < 3
    red, _, blue = dim.reshape(-1, 3).mean(0)
    assert red / blue < 1.45
    assert dim[:, 0].std() > 0.3


@needed
def test_a_mesh_that_cannot_be_seen_is_refused() -> None:
    """An empty mesh ends in a sentence."""
    with pytest.raises(ValueError, match="no triangles"):
        photograph(np.zeros((0, 3)), np.zeros((0, 3), np.int64), Part(number="a"), "clean", 1)


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the path tracer, `available` says no and `photograph` says which extra to install."""
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    mitsuba.cache_clear()
    assert not available()
    with pytest.raises(ImportError, match=r"pip install -e '\.\[photoreal\]'"):
        photograph(*box(1, 2, 3), Part(number="a"), "clean", 1)


FRESH = """
import sys, zlib
import drjit
import numpy as np
from tasks.photoreal import photograph
from tasks.records import Part

mesh = np.array(eval(sys.argv[1]), np.float64), np.array(eval(sys.argv[2]), np.int64)
picture = photograph(*mesh, Part(number="a"), "clean", 5, size=128)
print(zlib.crc32(picture.tobytes()), drjit.thread_count())
"""


@needed
def test_a_fresh_process_draws_the_same_on_one_core() -> None:
    """A new process where warnings are errors makes the same picture, and takes one core for it."""
    vertices, faces = box(30, 20, 10)
    run = [sys.executable, "-W", "error", "-c", FRESH, str(vertices.tolist()), str(faces.tolist())]
    found = subprocess.run(run, capture_output=True, text=True, check=True, timeout=120)
    digest, cores = found.stdout.split()
    here = photograph(vertices, faces, Part(number="a"), "clean", 5, size=128)
    assert zlib.crc32(here.tobytes()) == int(digest)
    assert int(cores) == 1
