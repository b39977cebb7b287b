"""A path-traced scene to learn from: the part in any pose, on a bench or in a bin, and what each pixel shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from tasks.diffusion.prompts import material
from tasks.diffusion.training import captions
from tasks.diffusion.training.captions import Words
from tasks.photoreal.benches import BUSY, CALM, bench
from tasks.photoreal.engine import mitsuba
from tasks.photoreal.lens import developed, held
from tasks.photoreal.room import room
from tasks.photoreal.scenes import Scene, radius, scattered
from tasks.photoreal.skins import Finish, finish, skin
from tasks.photoreal.solid import NOWHERE, Solid, dots, hidden, resting, solid
from tasks.photoreal.tracer import BOUNCES, dress, meshed, sensor, smoothed
from tasks.records import Bytes, Camera, Part, View, generator
from tasks.snapshot import spun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.generate import Specimen
    from tasks.photoreal.scenes import Mesh
    from tasks.photoreal.solid import Eye

SAMPLES, FEATURES = 5, 2
FINER: Final = 1.25  # traced and developed so much larger, then made smaller: less of the tracer's noise
RESTS: Final = 0.5  # share of pictures in which it lies as it would fall; in the others any way at all, as in views
OWN: Final = 0.6  # share of pictures in which the part is of its own material
BIN: Final = ("blue", "grey", "red", "yellow", "black", "green")
WALL: Final = 0.05  # part radii
SHOWS: Final = 0.06  # share of the part that a bin's wall may hide


class Setting(NamedTuple):
    """What scenes are like: shares of pictures with other parts about and with a bin, and how near the camera is."""

    clutter: float = 0.3
    bins: float = 0.12
    fill: tuple[float, float] = (0.45, 0.92)  # share of the frame that the part takes; catalogue views: the upper end


USUAL: Final = Setting()


def exposed(
    made: Specimen, neighbours: Sequence[Mesh], size: int, rng: np.random.Generator, setting: Setting = USUAL
) -> tuple[Bytes, View, Words]:
    """Picture (size, size, 3) uint8, the view (twice the size) of its geometry, and the words for all but the part."""
    from tasks.diffusion.training.photographs import smaller

    scene = laid((made.vertices, made.faces), rng, setting.fill)
    if rng.random() < setting.clutter:
        scene = scattered(scene, neighbours, rng)
    known = made.part if rng.random() < OWN else Part(number=made.number)
    dressed = finish(known, rng)
    shapes, place = _shapes(scene, dressed, rng, setting.bins)
    around, white = room(rng)
    loaded = _world(shapes, around)
    large = round(FINER * size / 2) * 2
    image = developed(_light(loaded, scene, large, rng), white, rng)
    view = _geometry(loaded, scene.eye, 2 * size, known)
    steepness = float(np.degrees(np.arcsin(scene.eye.axes[2, 2])))
    said = Words(
        material=material(known) if known.material else captions.material(dressed, printed=dressed.printed),
        place=place,
        wear=captions.wear(dressed.dirt, rng),
        around=captions.CLUTTERED if scene.others else "",
        light=captions.light(around, white.tolist(), rng),
        camera=captions.camera(steepness, float(np.ptp(scene.eye.seen(scene.own)[0], axis=0).max() / 2), rng),
    )
    return smaller(image, size), view, said


def laid(mesh: Mesh, rng: np.random.Generator, fill: tuple[float, float] = USUAL.fill) -> Scene:
    """The part alone on the bench, in any pose, and a camera held over it that it fills by a share within `fill`."""
    part = solid(*mesh)
    part = part.landed(resting(part, rng) if rng.random() < RESTS else spun(rng))
    low, high = fill
    eye = held(part.outer, rng, float(low + (high - low) * np.sqrt(rng.random())))
    own = dots(part, rng)
    return Scene(part, own, radius(mesh), eye, hidden=hidden(own, NOWHERE, eye))


def _shapes(scene: Scene, dressed: Finish, rng: np.random.Generator, bins: float = USUAL.bins) -> tuple[list[Any], str]:
    """Mitsuba shapes, the part first, and in words where it lies: a share of `bins` in a bin."""
    names, fine = BUSY if scene.others else CALM, 1 / scene.unit
    name = names[int(rng.integers(len(names)))]
    shapes = [meshed(scene.part, skin(dressed, rng, fine)), bench(name, rng)]
    shapes += [meshed(thing, dress(kind, fine, rng)) for thing, kind in scene.others]
    if rng.random() >= bins:
        return shapes, captions.TRACED[name]
    colour = BIN[int(rng.integers(len(BIN)))]
    walls = boxed(scene, rng)
    if walls is None:
        return shapes, captions.TRACED[name]
    plastic = Finish(name="bin", base=captions.COLOURS[colour], roughness=0.4, grain="cast", relief=0.03)
    return [*shapes, meshed(walls, skin(plastic, rng, fine))], f"in a {colour} plastic bin"


def boxed(scene: Scene, rng: np.random.Generator) -> Solid | None:
    """An open box around all that lies there, low enough that the part is seen; None where none is."""
    from trimesh import creation, util

    corners = np.concatenate([scene.part.outer, *(thing.outer for thing, _ in scene.others)])
    low, high = corners.min(0), corners.max(0)
    inner = (high - low)[:2] * rng.uniform(1.1, 1.7, 2) + 0.1
    middle = (low + high)[:2] / 2
    for height in float(rng.uniform(0.4, 1.2)) * high[2] * np.array([1.0, 0.6, 0.35]):
        floor = creation.box((*(inner + 2 * WALL), 0.008))
        sides = []
        for axis in (0, 1):
            extents = np.array([*(inner + 2 * WALL), height])
            extents[axis] = WALL
            for way in (-1, 1):
                side = creation.box(extents)
                shift = np.array([0.0, 0.0, height / 2])
                shift[axis] = way * (inner[axis] + WALL) / 2
                side.apply_translation(shift)
                sides.append(side)
        mesh: Any = util.concatenate([floor, *sides])
        walls = solid(mesh.vertices, mesh.faces, unit=1.0).landed(np.eye(3)).moved(np.eye(3), (*middle, 0.0))
        if hidden(scene.own, dots(walls, rng), scene.eye) - scene.hidden < SHOWS:
            return walls
    return None


def _world(shapes: Sequence[Any], around: Any) -> Any:
    mi = mitsuba()
    turn = mi.ScalarTransform4f().rotate([1, 0, 0], 90)
    named = {f"shape{number}": shape for number, shape in enumerate(shapes)}
    room_ = {"type": "envmap", "bitmap": mi.Bitmap(around), "to_world": turn}
    return mi.load_dict({"type": "scene", "room": room_, **named}, parallel=False)


def _light(loaded: Any, scene: Scene, size: int, rng: np.random.Generator) -> Any:
    """Light (size, size, 3) float32 that reaches the camera."""
    mi, seed = mitsuba(), int(rng.integers(2**31))
    camera = mi.load_dict(sensor(scene.eye, scene.own, size, SAMPLES, rng))
    paths = mi.load_dict({"type": "path", "max_depth": BOUNCES, "rr_depth": 3})
    light = np.array(mi.render(loaded, sensor=camera, integrator=paths, seed=seed))
    plan = mi.load_dict({"type": "aov", "aovs": "albedo:albedo,normals:sh_normal,depth:depth"})
    return smoothed(light, np.array(mi.render(loaded, sensor=camera, integrator=plan, spp=FEATURES, seed=seed)))


def _geometry(loaded: Any, eye: Eye, size: int, part: Part) -> View:
    """What a pinhole camera in the same place sees of the scene's first shape, as a view without colours."""
    mi = mitsuba()
    target, up = (eye.place - eye.axes[2]).tolist(), eye.axes[1].tolist()
    camera = {
        "type": "perspective",
        "fov": float(np.degrees(2 * np.arctan(eye.slope))),
        "to_world": mi.ScalarTransform4f().look_at(eye.place.tolist(), target, up),
        "film": {"type": "hdrfilm", "width": size, "height": size, "rfilter": {"type": "box"}},
        "sampler": {"type": "independent", "sample_count": 1},
    }
    plan = mi.load_dict({"type": "aov", "aovs": "depth:depth,normals:sh_normal,shape:shape_index"})
    seen = np.array(mi.render(loaded, sensor=mi.load_dict(camera), integrator=plan, spp=1, seed=0))
    far, normals, shape = seen[..., -5], seen[..., -4:-1], seen[..., -1]
    own = [one.id() for one in loaded.shapes()].index("shape0") + 1  # 0 is where nothing is
    mask = np.rint(shape) == own
    steps = (np.arange(size) + 0.5) / size * 2 - 1
    slant = np.sqrt(1 + eye.slope**2 * (steps[:, None] ** 2 + steps[None] ** 2))
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = eye.axes.T, eye.place
    rows = tuple(tuple(float(value) for value in row) for row in pose)
    return View(
        part=part,
        camera=Camera(pose=rows, yfov=float(2 * np.arctan(eye.slope)), size=size),
        image=np.zeros((size, size, 3), np.uint8),
        alpha=mask.astype(np.float32),
        mask=mask,
        depth=np.asarray(np.where(mask, far / slant, 0), np.float32),
        normals=np.asarray(np.where(mask[..., None], normals @ eye.axes.T, 0), np.float32),
        rng=generator("geometry"),
    )
