"""The light of a scene, traced by Mitsuba 3 on one core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.photoreal.benches import BUSY, CALM, bench, cover
from tasks.photoreal.engine import mitsuba
from tasks.photoreal.room import room
from tasks.photoreal.scenes import Kind, Scene
from tasks.photoreal.skins import Finish, finish, skin
from tasks.photoreal.solid import Array, Eye, Solid
from tasks.records import Floats, Part

SAMPLES, FEATURES = 4, 2
BOUNCES = 5
STEPS = (1, 1, 2)
SHEETS = ("paper", "print", "cardboard")
FLESH = ((0.62, 0.36, 0.25), (0.45, 0.25, 0.16), (0.24, 0.12, 0.07), (0.70, 0.45, 0.34))


def shapes(scene: Scene, part: Part, rng: np.random.Generator) -> list[Any]:
    """Mitsuba shapes of the scene, each in its material: the bench, the part, the others."""
    names, fine = BUSY if scene.others else CALM, 1 / scene.unit
    made = [
        bench(names[rng.integers(len(names))], rng),
        meshed(scene.part, skin(finish(part, rng), rng, fine)),
    ]
    return made + [meshed(thing, dress(kind, fine, rng)) for thing, kind in scene.others]


def traced(
    shapes: Sequence[Any], eye: Eye, sharp: Array, size: int, rng: np.random.Generator, samples: int = SAMPLES
) -> tuple[Floats, Array]:
    """Light (size, size, 3) float32 that reaches the camera from Mitsuba's `shapes`, and the white (3,) of the lamps.

    `sharp` (n, 3) are points of the part, on the near half of which the lens is set; `samples` are paths per pixel.
    """
    mi = mitsuba()
    around, white = room(rng)
    turn = mi.ScalarTransform4f().rotate([1, 0, 0], 90)
    world = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": BOUNCES, "rr_depth": 3},
        "sensor": sensor(eye, sharp, size, samples, rng),
        "room": {"type": "envmap", "bitmap": mi.Bitmap(around), "to_world": turn},
        **{f"shape{number}": shape for number, shape in enumerate(shapes)},
    }
    loaded, seed = mi.load_dict(world, parallel=False), int(rng.integers(2**31))
    light = np.array(mi.render(loaded, seed=seed))
    plan = mi.load_dict({"type": "aov", "aovs": "albedo:albedo,normals:sh_normal,depth:depth"})
    shape = np.array(mi.render(loaded, integrator=plan, spp=max(FEATURES, samples // 4), seed=seed))
    return smoothed(light, shape), white


def sensor(eye: Eye, sharp: Array, size: int, samples: int, rng: np.random.Generator) -> dict[str, Any]:
    """Mitsuba camera whose lens is sharp somewhere on the near half of the points `sharp` (n, 3)."""
    ahead = eye.seen(sharp)[1]
    focus = float(ahead.min() + rng.uniform(0.1, 0.8) * (ahead.mean() - ahead.min()))
    place, target, up = eye.place.tolist(), (eye.place - eye.axes[2]).tolist(), eye.axes[1].tolist()
    film = {"type": "hdrfilm", "width": size, "height": size, "rfilter": {"type": "box"}}
    return {
        "type": "thinlens",
        "fov": float(np.degrees(2 * np.arctan(eye.slope))),
        "aperture_radius": float(focus * np.exp(rng.uniform(np.log(0.002), np.log(0.02)))),
        "focus_distance": focus,
        "to_world": mitsuba().ScalarTransform4f().look_at(place, target, up),
        "film": {**film, "pixel_format": "rgb", "component_format": "float32"},
        "sampler": {"type": "independent", "sample_count": samples},
    }


def dress(kind: Kind, fine: float, rng: np.random.Generator) -> dict[str, Any]:
    """Mitsuba material of what lies around."""
    if kind == "cloth":
        return {"type": "twosided", "bsdf": cover("cloth", rng, 1.0)}
    if kind == "card":
        return {"type": "twosided", "bsdf": cover(str(rng.choice(SHEETS)), rng, 0.3)}
    if kind == "hand":
        base = FLESH[rng.integers(len(FLESH))]
        return skin(Finish(name="skin", base=base, roughness=0.5, grain="cast", relief=0.05), rng, fine)
    return skin(finish(Part(number=kind), rng), rng, fine)


def meshed(thing: Solid, bsdf: dict[str, Any]) -> Any:
    """Mitsuba mesh of a solid, its textures put on from the six sides of what it was before it was moved."""
    mi = mitsuba()
    corners = thing.triangles.ravel()
    own = thing.own[corners].reshape(-1, 3, 3)
    facing = np.abs(np.cross(own[:, 1] - own[:, 0], own[:, 2] - own[:, 0]))
    side = facing.argmax(1)
    ways = np.array([[1, 2], [0, 2], [0, 1]])[side]
    flat = np.take_along_axis(own, ways[:, None, :].repeat(3, 1), axis=2)
    # raster lines of a print's top run aslant
    top = side == 2
    flat[top] = np.stack([flat[top, :, 0] + flat[top, :, 1], flat[top, :, 0] - flat[top, :, 1]], -1) / np.sqrt(2)
    clad = mi.Properties()
    clad["mesh_bsdf"] = mi.load_dict(bsdf, parallel=False)
    has = {"has_vertex_normals": True, "has_vertex_texcoords": True}
    mesh = mi.Mesh("solid", len(corners), len(thing.triangles), props=clad, **has)
    values = mi.traverse(mesh)
    values["vertex_positions"] = thing.points[corners].astype(np.float32).ravel()
    values["vertex_normals"] = thing.normals[corners].astype(np.float32).ravel()
    values["vertex_texcoords"] = flat.astype(np.float32).ravel()
    values["faces"] = np.arange(len(corners), dtype=np.uint32)
    values.update()
    return mesh


def smoothed(light: Floats, shape: Floats) -> Floats:
    """`light` (h, w, 3) with less of the tracer's noise: averaged over what has the same colour, slope and distance.

    `shape` (h, w, 7) holds albedo, normal and depth.
    """
    albedo = shape[..., :3] + 0.08  # gloss comes back from black as well
    depth = shape[..., 6:] / np.maximum(np.median(shape[..., 6]), 1e-6)
    guide = np.concatenate([shape[..., 3:6] * 4, depth * 12, np.sqrt(albedo) * 3], -1)
    values = light / albedo
    bright = 4 * float(values.mean()) + 1e-6
    values = values / (1 + values / bright)  # so that no single spark outshines its neighbours
    for step in STEPS:
        total, weight = values.copy(), np.ones_like(values[..., :1])
        wide, around = (np.pad(one, ((step, step), (step, step), (0, 0)), "edge") for one in (values, guide))
        height, width = values.shape[:2]
        for down in (0, step, 2 * step):
            for across in (0, step, 2 * step):
                if down == across == step:
                    continue
                there = np.s_[down : down + height, across : across + width]
                like = np.exp(-((around[there] - guide) ** 2).sum(-1, keepdims=True))
                total += like * wide[there]
                weight += like
        values = total / weight
    return np.asarray(values / np.maximum(1 - values / bright, 0.05) * albedo, np.float32)
