"""Made-up levers, forks, links and hinges: what pulls and swings."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.generate.draw import Draft, Draw, Family
from tasks.generate.features import aimed, bore, brick, hulled, many, told, whole
from tasks.generate.solids import (
    Points,
    box,
    cylinder,
    drilled,
    extruded,
    prism,
    slab,
    slot,
    tube,
    turned,
    union,
)
from tasks.generate.strips import SHEET, between, grid, mm, sized

FORGED = ("steel", "steel, zinc plated", "stainless steel", "steel, black oxide", "cast iron", "black painted steel")

KNOB = ((0.0, 0.0), (0.5, 0.0), (0.45, 1.2), (0.7, 2.2), (0.5, 3.0), (0.0, 3.1))
DRIVES = {
    "plain": "",
    "keyway": "bore with a keyway",
    "square": "square hole",
    "hexagon": "hexagon hole",
    "clamp": "with a clamp slot",
}
LINKS = {"bar": "flat bar with two eyes", "rod": "I-section rod", "chain": "flat plate", "split": "split big end"}


def arc(radius: float, start: float, end: float, steps: int = 24) -> Points:
    """Points (steps, 2) of an arc about the origin, in degrees."""
    angles = np.radians(np.linspace(start, end, steps))
    return np.asarray(radius * np.stack([np.cos(angles), np.sin(angles)], 1))


def shank(diameter: float, length: float) -> Any:
    """Threaded shank along +z, chamfered at its end: rings for a thread, since a helix of this length is slow."""
    turns = max(4, min(24, int(length / (0.17 * diameter))))
    pitch, outer = length / turns, diameter / 2
    root = outer - min(0.55 * pitch, 0.16 * diameter)
    crests = [
        (radius, (turn + share) * pitch) for turn in range(turns) for share, radius in ((0.1, root), (0.5, outer))
    ]
    return turned([(0, 0), (root, 0), *crests, (root, length), (0, length)], 28)


def arm(draw: Draw, hub: float, reach: float, thick: float, end: str) -> Any:
    """Tapered arm along +x on z = 0, with an eye, a pin or a knob at its end."""
    tip = draw.size("tip", 0.35, 0.75) * hub
    root, eye = cylinder(min(0.9 * hub, 1.6 * tip), thick, 32), cylinder(tip, thick, 32).translate((reach, 0, 0))
    solid = hulled([root, eye])
    if end == "pin":
        solid += cylinder(0.5 * tip, thick + draw.size("pin", 0.8, 2) * tip, 24).translate((reach, 0, 0))
    elif end == "knob":
        solid += turned(sized(KNOB, tip, tip), 28).translate((reach, 0, thick * 0.9))
    else:
        solid -= cylinder(draw.size("eye hole", 0.35, 0.65) * tip, 3 * thick, 24).translate((reach, 0, -thick))
    if draw.chance("window", 0.25) and reach > 2.2 * hub:
        window = extruded(slot(0.5 * (reach - hub), 0.4 * tip), 3 * thick)
        solid -= window.translate((0.5 * (reach + 0.3 * hub), 0, -thick))
    return solid


def lever_arm(draw: Draw) -> Draft:
    """Hub with one arm or more that end in eyes, pins or knobs."""
    hub = draw.size("hub", 14, 50)
    height, arms = draw.size("hub height", 0.35, 1.2) * hub, draw.one("arms", (1, 1, 1, 2, 2, 3))
    length, thick = draw.size("length", 1.2, 4.5) * hub, draw.size("arm thickness", 0.25, 0.8) * height
    end = draw.one("end", ("eye", "eye", "pin", "knob"))
    spread = 180.0 if draw.chance("straight", 0.4) else draw.size("angle", 60, 150)
    solid, level = cylinder(hub, height), draw.one("level", (0.0, 0.5)) * (height - thick)
    for index in range(arms):
        reach = length * (1 if index == 0 else draw.size("second", 0.6, 1.0))
        turn = index * (spread if arms == 2 else 120)
        solid += arm(draw, hub, reach, thick, end).rotate((0, 0, turn)).translate((0, 0, level))
    hole, drive = draw.size("bore", 0.35, 0.62) * hub, draw.one("drive", tuple(DRIVES))
    square, hexagon = slab(0.8 * hole, 0.8 * hole, 3 * height, 0.05 * hole), prism(6, 0.9 * hole, 3 * height)
    cuts = {"square": square, "hexagon": hexagon}
    solid -= cuts.get(drive, cylinder(hole, 3 * height)).translate((0, 0, -height))
    if drive == "keyway":
        solid -= box(0.25 * hole, 0.6 * hole, 3 * height).translate((0, -0.36 * hole, -height))
    if drive == "clamp":
        solid -= box(hub, 0.08 * hub, 3 * height).translate((-hub / 2, 0, -height))
    ends = {"eye": "round eye at the end", "pin": "with a pin", "knob": "with a knob"}[end]
    bore_words = f"{hole:.0f} mm bore" if drive in {"plain", "keyway", "clamp"} else ""
    says = told(many(arms, "arm"), DRIVES[drive], ends, mm(length, "centre distance"), bore_words, "round hub")
    return Draft(whole(solid), says, draw.one("material", (*FORGED, "aluminium", "black nylon")))


def clevis(draw: Draw) -> Draft:
    """Fork with a cross hole for a pin, on a threaded, plain or bored shank."""
    wide, ratio = draw.size("width", 8, 45), draw.size("slot", 0.35, 0.55)
    deep, eye = draw.size("fork", 1.3, 3) * wide, draw.size("pin", 0.35, 0.6) * wide
    neck, kind = draw.size("neck", 0.4, 1.3) * wide, draw.one("shank", ("bored", "threaded", "threaded", "plate"))
    square, stem = draw.chance("square", 0.6), draw.size("stem", 0.9, 3) * wide
    body = slab(wide, wide, deep + wide / 2, 0.08 * wide) if square else cylinder(wide, deep + wide / 2)
    top = aimed(cylinder(wide * 1.02, 2 * wide, 40).translate((0, 0, -wide)), "y").translate((0, 0, deep))
    body ^= hulled([top, brick((-wide, -wide, -1), (wide, wide, 0))])
    body -= box(2 * wide, ratio * wide, 2 * deep + wide).translate((0, 0, 0.18 * deep))
    body -= bore((0, 0, deep), eye, 2 * wide, "y")
    root = 0.8 * wide
    if kind == "plate":
        foot = slab(2 * wide, 1.6 * wide, 0.3 * wide, 0.25 * wide)
        lower = drilled(foot, grid(2, 2, 1.5 * wide, 1.1 * wide), 0.24 * wide).translate((0, 0, -0.29 * wide))
    elif kind == "threaded":
        lower = shank(0.62 * wide, stem).rotate((180, 0, 0)).translate((0, 0, 0.01))
    else:
        lower = turned(
            [(0, 0), (0.42 * wide, 0), (0.42 * wide, neck), (wide * 0.5, neck + 0.1 * wide), (0, neck + 0.1 * wide)]
        ).translate((0, 0, -neck - 0.05 * wide))
        lower -= cylinder(0.5 * wide, neck).translate((0, 0, -neck - 0.1 * wide))
    solid = body + lower
    if draw.chance("pin there", 0.2):
        solid += bore((0, 0, deep), eye, 1.35 * wide, "y") + bore((0, -0.62 * wide, deep), 1.5 * eye, 0.15 * wide, "y")
    word = {"bored": "bored shank", "threaded": "threaded shank", "plate": "with a base plate"}[kind]
    says = told(
        "forked",
        word,
        f"{eye:.0f} mm pin hole",
        "two prongs",
        "square section" if square else "round section",
        mm(deep + root, "long"),
    )
    return Draft(whole(solid), says, draw.one("material", FORGED))


def eye_stem(stem: float, length: float, head: float, wide: float, *, male: bool) -> Any:
    """What an eye of `head` about the origin stands on, downwards: a threaded shank, or a sleeve with a hexagon."""
    start = -0.47 * head
    if male:
        low = cylinder(stem, 0.1).translate((0, 0, start - 0.35 * stem))
        high = brick((-0.36 * head, -0.4 * wide, start), (0.36 * head, 0.4 * wide, start + 0.15 * head))
        thread = shank(stem, length).rotate((180, 0, 0)).translate((0, 0, start - 0.3 * stem))
        return hulled([low, high]) + thread
    body = 1.45 * stem
    sleeve = cylinder(body, 0.8 * length) + prism(6, 1.15 * body, 0.3 * length).translate((0, 0, 0.05 * length))
    sleeve -= cylinder(0.85 * stem, 0.6 * length).translate((0, 0, -0.01 * length))
    return sleeve.translate((0, 0, start + 0.08 * head - 0.8 * length))


def rod_end(draw: Draw) -> Draft:
    """Eye with a ball in it, on a threaded shank or a threaded sleeve."""
    from manifold3d import Manifold

    size = draw.size("bore", 3, 22)
    ball, male = size * draw.size("ball", 1.5, 1.75), draw.chance("male", 0.55)
    head, wide = ball * draw.size("head", 1.35, 1.6), size * draw.size("width", 0.65, 0.9)
    stem, length = size * draw.size("stem", 0.9, 1.15), size * draw.size("length", 2, 5.5)
    edge = [(0.47 * head, -wide / 2), (head / 2, -0.3 * wide), (head / 2, 0.3 * wide), (0.47 * head, wide / 2)]
    eye = turned([(0.46 * ball, -wide / 2), *edge, (0.46 * ball, wide / 2)])
    inner = Manifold.sphere(ball / 2, 32) ^ box(2 * ball, 2 * ball, 1.45 * wide).translate((0, 0, -0.72 * wide))
    inner = aimed(inner - cylinder(size, 3 * wide, 32).translate((0, 0, -wide)), "y")
    solid = eye_stem(stem, length, head, wide, male=male) - bore((0, 0, 0), 0.94 * ball, 3 * wide, "y")
    solid += aimed(eye, "y") + inner
    if draw.chance("grease nipple", 0.25):
        solid += cylinder(0.25 * size, 0.3 * size, 16, top=0.15 * size).translate((0, 0, 0.49 * head))
    thread, reach = "male thread" if male else "female thread", "long shank" if length > 4 * size else "short shank"
    says = told("ball in an eye", thread, f"{size:.0f} mm bore", f"M{stem:.0f}", reach, mm(head, "head"))
    return Draft(whole(solid), says, draw.one("material", (*FORGED, "black nylon")))


def link(draw: Draw) -> Draft:
    """Two eyes joined by a bar: a connecting rod, a chain plate or a plain link."""
    length, kind = draw.size("centres", 25, 200), draw.one("kind", tuple(LINKS))
    first = draw.size("big eye", 0.22, 0.5) * length
    second = first if kind == "chain" else first * draw.size("small eye", 0.45, 1)
    thick, share = min(draw.size("thickness", 0.1, 0.5) * first, 30), draw.size("bore", 0.45, 0.68)
    web = min(draw.size("web", 0.4, 0.9) * second, 0.9 * second)
    narrow = thick * (draw.size("web thickness", 0.4, 0.8) if kind in {"rod", "split"} else 1.0)
    eyes = cylinder(first, thick) + cylinder(second, thick).translate((length, 0, 0))
    root = cylinder(min(1.3 * web, 0.95 * first), narrow, 32)
    taper = hulled([root, cylinder(web, narrow, 32).translate((length, 0, 0))])
    solid = eyes + taper.translate((0, 0, (thick - narrow) / 2))
    if kind == "chain" and draw.chance("waisted", 0.6):
        solid = eyes + box(length, 0.55 * first, thick).translate((length / 2, 0, 0))
    free = length - (first + second) / 2
    if kind in {"rod", "split"} and free > 0.3 * length:
        pocket = extruded(slot(0.8 * free, 0.5 * web), narrow).translate((first / 2 + free / 2, 0, 0))
        above, below = (thick + 0.45 * narrow) / 2, (thick - 2.45 * narrow) / 2
        solid -= pocket.translate((0, 0, above)) + pocket.translate((0, 0, below))
    if kind == "split":
        bolt = bore((0, 0, thick / 2), 0.2 * first, 0.7 * first, "x", 24)
        solid += box(0.5 * first, 1.35 * first, 0.8 * thick).translate((0, 0, 0.1 * thick))
        solid += bolt.translate((0, 0.58 * first, 0)) + bolt.translate((0, -0.58 * first, 0))
    spots = [(0, 0, share * first), (length, 0, share * second)]
    solid -= union(cylinder(d, 3 * thick, 40).translate((x, y, -thick)) for x, y, d in spots)
    middle = draw.chance("third hole", 0.25) and kind in {"bar", "chain"} and free > 0.35 * length
    if middle:
        solid = drilled(solid, [(first / 2 + free / 2, 0)], 0.4 * web)
    says = told(
        LINKS[kind],
        "three holes" if middle else "two holes",
        mm(length, "centre distance"),
        "equal eyes" if second > 0.92 * first else "one eye larger",
        mm(thick, "thick"),
        "long",
    )
    return Draft(whole(solid), says, draw.one("material", (*FORGED, "aluminium", "red PLA")))


def hinge(draw: Draw) -> Draft:
    """Two leaves with knuckles on one pin, opened flat or at an angle."""
    tall, leaf = draw.size("height", 20, 120), draw.size("leaf", 12, 60)
    thick = min(draw.size("thickness", 1.2, 5), 0.12 * leaf)
    pin, knuckles = thick * draw.size("knuckle", 2.3, 3.4), draw.count("knuckles", 2, 7)
    opened = draw.one("opened", (180.0, 180.0, 90.0, 120.0))
    rows = draw.count("holes per leaf", 2, 4)
    size = min(draw.size("hole", 3, 8), 0.3 * leaf, 0.55 * tall / rows)
    stagger = 0.12 * leaf if draw.chance("staggered", 0.5) else 0.0
    corner = draw.size("corner", 0.02, 0.4) * leaf
    spots = [
        (0.1 * leaf + (stagger if i % 2 else -stagger), y) for i, y in enumerate(between(-tall / 2, tall / 2, rows))
    ]
    flat = slab(2 * leaf, tall, thick, corner) ^ box(leaf, 2 * tall, 9 * thick).translate((leaf / 2, 0, -thick))
    flat = drilled(
        flat.translate((-leaf / 2, 0, 0)), spots, size, 1.8 * size if draw.chance("countersunk", 0.6) else 0
    ).translate((leaf / 2, 0, 0))
    level = -0.5 * thick if draw.chance("centred pin", 0.4) else 0.5 * pin - thick
    flat = flat.translate((0.3 * pin, 0, level))
    other = flat.rotate((0, 0, 180)).rotate((0, 180 - opened, 0))
    barrel = aimed(cylinder(pin, tall, 32).translate((0, 0, -tall / 2)), "y")
    gaps = [(-tall / 2 + tall * k / knuckles) for k in range(1, knuckles)]
    groove = aimed(tube(2 * pin, 0.62 * pin, 0.25 * thick + 0.3, 32), "y")
    solid = flat + other + barrel - union(groove.translate((0, y, 0)) for y in gaps)
    if draw.chance("finials", 0.2):
        solid += aimed(
            cylinder(1.2 * pin, tall + pin, 32).translate((0, 0, -(tall + pin) / 2))
            - cylinder(2 * pin, tall).translate((0, 0, -tall / 2)),
            "y",
        ) + aimed(cylinder(0.5 * pin, tall + 0.2 * pin, 16).translate((0, 0, -tall / 2 - 0.1 * pin)), "y")
    says = told(
        "two leaves",
        many(knuckles, "knuckle"),
        many(2 * rows, "screw hole"),
        mm(tall, "high"),
        "opened flat" if opened == 180 else f"opened {opened:.0f} degrees",
    )
    return Draft(whole(solid), (*says, "flat"), draw.one("material", (*SHEET, "brass", "black nylon")))


FAMILIES: tuple[Family, ...] = (
    Family(("lever arm", "lever", "crank arm"), lever_arm),
    Family(("clevis", "fork end", "fork head"), clevis),
    Family(("rod end", "rod eye", "ball joint rod end"), rod_end),
    Family(("link", "connecting rod", "link plate"), link),
    Family(("hinge", "butt hinge", "door hinge"), hinge, held_out=True),
)
