"""Made-up places: a bench in perspective, what lies on it, and the workshop behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tasks.stages.props import bench, surfaces, things
from tasks.stages.props.noise import TILE, Bytes, cloud, enlarged, sampled

if TYPE_CHECKING:
    from tasks.records import View

Scene = Literal[
    "wood", "steel", "concrete", "cardboard", "mat", "cloth",
    "gravel", "paper", "laminate", "rubber", "workshop", "sheet",
]  # fmt: skip

WALLS = ("#8a8d8c", "#b9b4a8", "#5d6468", "#c9c7c0", "#4b4f55", "#7f7464", "#9aa7ad")
HELD = ("paper", "cardboard", "cloth")


def made_up(kind: Scene, view: View, sun: tuple[float, float], clutter: int) -> Bytes:
    """A place of that kind as the view's camera sees it, with `clutter` things about: (h, w, 3) uint8."""
    shape = (view.alpha.shape[0], view.alpha.shape[1])
    rng = view.rng
    if kind == "workshop":
        return workshop(shape, rng, float(rng.uniform(0.012, 0.04)))
    if kind == "sheet":
        return held(view, shape)
    normal = bench.upward(view.camera, rng)
    plane = bench.laid(shape, view.camera.yfov, normal, float(rng.uniform(0, 2 * np.pi)))
    scene = covered(plane, surfaces.SURFACES[kind], rng)
    if clutter:
        scene = things.strewn(scene, rng, clutter, sun, max(0.35, plane.tilt))
    picture = Image.fromarray(scene).filter(ImageFilter.BoxBlur(shape[0] * rng.uniform(0.001, 0.008)))
    if plane.far is not None:
        beyond = Image.fromarray(workshop(shape, rng, 0.03))
        edge = Image.fromarray(plane.far).convert("L").filter(ImageFilter.BoxBlur(shape[0] * 0.01))
        picture.paste(beyond, (0, 0), edge)
    return np.asarray(picture)


def covered(plane: bench.Bench, surface: surfaces.Surface, rng: np.random.Generator) -> Bytes:
    """The bench's material at every pixel, stained here and there: (h, w, 3) uint8."""
    height = plane.x.shape[0]
    density = float(np.exp(rng.uniform(*np.log(surface.scale)))) * 256 / height
    level = int(np.clip(np.log2(density) + 0.3, 0, surfaces.LEVELS - 1))
    zoom = np.float32(0.5 * height * density / 2**level)
    shift = rng.uniform(0, TILE, 4).astype(np.float32)
    grey = sampled(surfaces.levels(surface.pattern)[level], plane.x * zoom + shift[0], plane.y * zoom + shift[1])
    # stains are soft: every fourth pixel will do
    spread = np.float32(rng.uniform(30, 90))
    rows = (plane.y[::4, ::4] * spread + shift[2]).astype(np.int32) & (TILE - 1)
    columns = (plane.x[::4, ::4] * spread + shift[3]).astype(np.int32) & (TILE - 1)
    stains = cloud(2.0, 31)[rows, columns].astype(np.float32) - 128
    grey += enlarged(stains * np.float32(surface.stain * 5), (grey.shape[0], grey.shape[1]))
    picture = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    picture.putpalette(surfaces.palette(surface, rng).tobytes())
    return np.asarray(picture.convert("RGB"))


def workshop(shape: tuple[int, int], rng: np.random.Generator, blur: float) -> Bytes:
    """Shelves, boxes and machines far out of focus, (h, w, 3) uint8; `blur` is a share of the picture's height."""
    side = 96
    picture = Image.new("RGB", (side, side), WALLS[rng.integers(len(WALLS))])
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(8, 22))):
        left, top = rng.uniform(-0.2, 1.0, 2) * side
        wide, high = rng.uniform(0.08, 0.45, 2) * side
        shade = float(rng.uniform(0.45, 1.1))
        paint = things.PAINTS if rng.random() < 0.55 else WALLS
        draw.rectangle(
            (left, top, left + wide, top + high), fill=things.lighter(paint[rng.integers(len(paint))], shade)
        )
    for _ in range(int(rng.integers(0, 4))):
        x, y, r = rng.uniform(0, side), rng.uniform(0, side * 0.6), rng.uniform(1.5, 5)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 246, 226))
    softened = picture.filter(ImageFilter.GaussianBlur(max(0.8, blur * side)))
    return np.asarray(softened.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def held(view: View, shape: tuple[int, int]) -> Bytes:
    """A sheet of paper, card or cloth held up behind the part, the workshop showing around it."""
    rng = view.rng
    normal = np.array([rng.normal(0, 0.25), rng.normal(0, 0.25), 1.0])
    plane = bench.laid(shape, view.camera.yfov, normal / np.linalg.norm(normal), float(rng.uniform(0, 2 * np.pi)))
    sheet = covered(plane, surfaces.SURFACES[HELD[rng.integers(len(HELD))]], rng)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * rng.uniform(0.78, 1.15, (4, 2)) + rng.normal(0, 0.08, 2)
    outline = [(float(x), float(y)) for x, y in (corners * 0.5 + 0.5) * [shape[1], shape[0]]]
    cover = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(cover).polygon(outline, fill=255)
    picture = Image.fromarray(workshop(shape, rng, 0.03))
    picture.paste(Image.fromarray(sheet), (0, 0), cover.filter(ImageFilter.BoxBlur(shape[0] * 0.004)))
    return np.asarray(picture)
