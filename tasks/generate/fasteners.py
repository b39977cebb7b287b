"""Fasteners: screws and nuts with the washers, pins, rivets and rings that go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.generate import nuts, screws
from tasks.generate.draw import Draft, Family
from tasks.generate.features import joined, many, told, whole
from tasks.generate.phrases import mm, nearby, proportions
from tasks.generate.solids import box, circle, cylinder, drilled, extruded, rounded, swept, tube, turned, union
from tasks.generate.threads import METALS, dome, tapped

if TYPE_CHECKING:
    from tasks.generate.draw import Draw

Array = NDArray[np.float64]
BORES = (2, 2.5, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 30)
SPRING_STEEL = ("spring steel", "steel, zinc plated", "stainless steel", "black oxide spring steel", "phosphor bronze")
SHEET = (*METALS, "copper", "white nylon", "black rubber", "red fibre plastic", "ptfe")


def plain_washer(draw: Draw) -> Draft:
    """Flat ring, round or square, chamfered, cupped or with a large edge."""
    size = nearby(draw, "bore", BORES)
    inner = size * 1.07
    outer = size * draw.size("width", 1.6, 3.6)
    thick = size * draw.size("thickness", 0.06, 0.4)
    form = draw.one("form", ("round", "round", "round", "square", "cupped", "one flat side"))
    cut = min(0.35 * thick, 0.1 * outer) if draw.chance("chamfered", 0.4) else 0.0
    if form == "square":
        blank = extruded(rounded(outer * 0.9, outer * 0.9, outer * draw.size("corner", 0.0, 0.1)), thick)
    elif form == "cupped":
        rise = (outer - inner) / 2 * draw.size("cup", 0.2, 0.6)
        blank = turned([(0, rise), (inner / 2, rise), (outer / 2, 0), (outer / 2, thick), (inner / 2, rise + thick)])
        blank += cylinder(inner, thick).translate((0, 0, rise))
    else:
        blank = turned([(0, 0), (outer / 2, 0), (outer / 2, thick - cut), (outer / 2 - cut, thick), (0, thick)])
    if form == "one flat side":
        blank -= box(outer, outer, 3 * thick).translate((outer * 0.5 + (inner + outer) / 4, 0, -thick))
    solid = drilled(blank, [(0, 0)], inner)
    edge = "large" if outer > 2.7 * size else ""
    said = (f"for M{size}", form, edge, mm(outer, "outer diameter"), mm(thick, "thick"), "with a central hole")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", SHEET))


def ribbon(angles: Array, radii: tuple[float, float], lift: Array, thick: float, *, closed: bool) -> Any:
    """Flat strip `thick` high around z between two radii, through `angles` (n,) in radians at heights `lift` (n,)."""
    from manifold3d import Manifold, Mesh

    low, high = radii
    section = [(low, 0.0), (high, 0.0), (high, thick), (low, thick)]
    points = np.stack(
        [np.stack([r * np.cos(angles), r * np.sin(angles), lift + rise], axis=1) for r, rise in section], axis=1
    )
    count = len(angles)
    here = np.arange(count if closed else count - 1)[:, None] * 4 + np.arange(4)
    side = here // 4 * 4 + (here + 1) % 4
    ahead, diagonal = (here + 4) % (4 * count), (side + 4) % (4 * count)
    faces = [np.stack([side, here, ahead], -1).reshape(-1, 3), np.stack([side, ahead, diagonal], -1).reshape(-1, 3)]
    if not closed:
        last = 4 * (count - 1)
        faces.append(np.array([(0, 1, 2), (0, 2, 3), (last, last + 2, last + 1), (last, last + 3, last + 2)]))
    return Manifold(Mesh(points.reshape(-1, 3).astype(np.float32), np.concatenate(faces).astype(np.uint32)))


def spring_washer(draw: Draw) -> Draft:
    """Split ring that is sprung out of its plane, or a closed waved one."""
    size = nearby(draw, "bore", BORES)
    width, thick = size * draw.size("width", 0.2, 0.5), size * draw.size("thickness", 0.12, 0.32)
    inner = size * 0.52
    waves = draw.count("waves", 2, 4)
    form = draw.one("form", ("split", "split", "split", "waved"))
    if form == "split":
        gap = np.radians(draw.size("gap", 4, 16))
        angles = np.linspace(gap / 2, 2 * np.pi - gap / 2, 60)
        lift, extra = thick * draw.size("lift", 0.5, 1.6) * np.linspace(0, 1, 60), "open ring"
    else:
        thick, angles = 0.45 * thick, np.linspace(0, 2 * np.pi, 72, endpoint=False)
        lift, extra = size * draw.size("wave height", 0.06, 0.16) * np.cos(waves * angles), many(waves, "wave")
    solid = ribbon(angles, (inner, inner + width), lift, thick, closed=form == "waved")
    said = (f"for M{size}", form, extra, mm(2 * (inner + width), "outer diameter"), mm(thick, "thick"), "ring")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", SPRING_STEEL))


def tooth_washer(draw: Draw) -> Draft:
    """Thin ring with twisted teeth outside, inside or on both sides."""
    size = nearby(draw, "bore", BORES)
    thick = size * draw.size("thickness", 0.06, 0.13)
    inner = size * 1.05
    form = draw.one("form", ("external teeth", "external teeth", "internal teeth", "teeth on both sides"))
    count, reach = draw.count("teeth", 6, 16), size * draw.size("reach", 0.2, 0.4)
    wide = size * draw.size("ring", 0.2, 0.35)
    low = inner + 2 * reach if form != "external teeth" else inner
    high = low + 2 * wide
    twist, share = draw.size("twist", 8, 26), draw.size("tooth width", 0.4, 0.6)
    teeth = []
    for outside in (True, False):
        if form == ("internal teeth" if outside else "external teeth"):
            continue
        root = high / 2 if outside else low / 2
        across = share * 2 * np.pi * (root if outside else root - 0.6 * reach) / count
        tooth = box(reach + 0.5 * wide, across, thick).translate((0, 0, -thick / 2)).rotate((twist, 0, 0))
        middle = root + (reach - 0.5 * wide) / 2 * (1 if outside else -1)
        teeth += [tooth.translate((middle, 0, thick / 2)).rotate((0, 0, 360 * index / count)) for index in range(count)]
    solid = joined(tube(high, low, thick), *teeth)
    said = (f"for M{size}", form, f"{count} teeth", mm(high, "ring diameter"), "with a central hole")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", SPRING_STEEL))


def rivet(draw: Draw) -> Draft:
    """Head on a plain shank: solid, tubular, or a blind rivet on its mandrel."""
    size = nearby(draw, "diameter", (2, 2.4, 3, 3.2, 4, 4.8, 5, 6, 6.4, 8, 10))
    length = size * draw.size("length", 1.0, 5.5)
    width, height = size * draw.size("head width", 1.6, 2.6), size * draw.size("head height", 0.25, 0.7)
    form = draw.one("head", ("dome head", "dome head", "flat head", "countersunk head"))
    kind = draw.one("kind", ("solid", "solid", "tubular", "semi-tubular", "blind", "blind"))
    if form == "dome head":
        head = dome(width, height, 40)
    elif form == "flat head":
        head = cylinder(width, 0.5 * height, 40)
    else:
        head = cylinder(size, 0.5 * width - 0.3 * size, 40, top=width).translate((0, 0, -0.5 * width + 0.4 * size))
    body = cylinder(size, length + 0.02, 40) + head.translate((0, 0, length))
    if kind == "tubular":
        body -= cylinder(0.6 * size, 4 * length, 24).translate((0, 0, -length))
    elif kind == "semi-tubular":
        body -= cylinder(0.62 * size, draw.size("hole", 0.3, 0.6) * length, 24).translate((0, 0, -0.01))
    elif kind == "blind":
        mandrel = size * draw.size("mandrel", 4.0, 9.0)
        body += cylinder(0.5 * size, length + mandrel, 20)
        body += cylinder(0.75 * size, 0.6 * size + 0.01, 24, top=0.98 * size).translate((0, 0, -0.6 * size))
    elif draw.chance("chamfered", 0.6):
        body ^= cylinder(0.75 * size, 4 * length, 40, top=8 * length * 2.2 + 0.75 * size)
    solid = whole(body)
    extra = "with a mandrel" if kind == "blind" else "smooth shank"
    said = (f"{size} mm", kind, form, mm(length, "long shank"), extra, mm(width, "head"))
    metals = ("aluminium", "aluminium", "copper", "steel", "stainless steel", "brass", "steel, zinc plated")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", metals))


def pin_body(diameter: float, length: float, end: float, *, domed: bool) -> Any:
    """Plain pin along +z with its ends chamfered or domed over `end`."""
    if not domed:
        cut = min(end, 0.3 * diameter)
        sides = [(diameter / 2 - 0.6 * cut, 0.0), (diameter / 2, cut), (diameter / 2, length - cut)]
        return turned([(0, 0), *sides, (diameter / 2 - 0.6 * cut, length), (0, length)], 40)
    cap = dome(diameter, end, 40)
    middle = cylinder(diameter, length - 2 * end + 0.02, 40).translate((0, 0, end - 0.01))
    return union((middle, cap.translate((0, 0, length - end)), cap.mirror((0, 0, 1)).translate((0, 0, end))))


def dowel_pin(draw: Draw) -> Draft:
    """Plain, tapered, grooved, knurled, tapped or slotted pin without a head."""
    size = nearby(draw, "diameter", (1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 16, 20))
    length = size * draw.size("length", 1.5, 9.0)
    form = draw.one("form", ("parallel", "parallel", "tapered", "grooved", "spring pin", "with a tapped end"))
    domed = draw.chance("domed", 0.4)
    end = size * draw.size("end", 0.1, 0.22)
    if form == "tapered":
        body = cylinder(size, length, 40, top=size + 0.04 * length)
    else:
        body = pin_body(size, length, end, domed=domed and form != "spring pin")
    if form == "spring pin":
        body -= cylinder(size * draw.size("bore", 0.55, 0.75), length + 2, 32).translate((0, 0, -1))
        body -= box(size, size * draw.size("slit", 0.1, 0.25), length + 2).translate((size / 2, 0, -1))
    elif form == "grooved":
        cut = box(0.3 * size, 0.12 * size, draw.size("groove", 0.4, 1.2) * length).translate((size * 0.6, 0, -0.01))
        body -= union(cut.rotate((0, 0, turn)) for turn in (0, 120, 240))
    elif form == "with a tapped end":
        body -= tapped(0.5 * size, 0.08 * size, min(size, 0.6 * length)).mirror((0, 0, 1)).translate((0, 0, length))
    ends = "slotted tube" if form == "spring pin" else "domed ends" if domed else "chamfered ends"
    solid = whole(body)
    said = (f"{size} mm diameter", mm(length, "long"), form, ends, "no head", "smooth")
    metals = ("steel", "steel", "hardened steel", "stainless steel", "black oxide steel", "brass", "wood")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", metals))


def clevis_pin(draw: Draw) -> Draft:
    """Pin with a head and a cross hole or a groove, or with holes at both ends."""
    size = nearby(draw, "diameter", (3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 25))
    length = size * draw.size("length", 2.0, 8.0)
    form = draw.one("head", ("flat head", "flat head", "flat head", "domed head", "no head"))
    body = pin_body(size, length, 0.2 * size, domed=False)
    wide, high = size * draw.size("head width", 1.35, 1.9), size * draw.size("head height", 0.2, 0.5)
    if form == "flat head":
        rim = [(wide / 2, 0.0), (wide / 2, 0.75 * high), (wide / 2 - 0.25 * high, high)]
        body += turned([(0, 0), *rim, (0, high)], 40).translate((0, 0, length - 0.21 * size))
    elif form == "domed head":
        body += dome(wide, 1.3 * high, 40).translate((0, 0, length - 0.21 * size))
    hole = cylinder(size * draw.size("hole", 0.2, 0.34), 2 * size, 20).translate((0, 0, -size)).rotate((90, 0, 0))
    place = size * draw.size("place", 0.35, 0.7)
    catch = draw.one("catch", ("cross hole", "cross hole", "cross hole", "retaining groove"))
    count = 1
    if catch == "cross hole":
        count = 2 if form == "no head" else draw.count("holes", 1, 2)
        gap = (length - 2 * place) if form == "no head" else size * draw.size("gap", 0.6, 1.2)
        body -= union(hole.translate((0, 0, place + index * gap)) for index in range(count))
    else:
        body -= tube(2 * size, 0.78 * size, 0.16 * size, 40).translate((0, 0, place))
    solid = whole(body)
    said = (f"{size} mm diameter", mm(length, "long"), form, many(count, catch), "smooth shank")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", METALS))


def clip_outline(size: float, wide: float, *, inside: bool, gap: float) -> Any:
    """Section of a retaining ring of `size` that grows thinner towards its gap, which is at +x."""
    from manifold3d import CrossSection

    outer, shift = size / 2 + (0 if inside else wide), 0.3 * wide
    inner = size / 2 - (wide if inside else 0)
    ends = [(1, 1), (1, -1)]
    out = CrossSection([circle(2 * outer)]).translate((0 if inside else -shift, 0))
    hole = CrossSection([circle(2 * inner)]).translate((shift if inside else 0, 0))
    reach = (inner if inside else outer - shift) + wide * (-0.1 if inside else 0.1)
    angle = gap / 2 + np.arcsin(0.75 * wide / reach)
    lugs, holes = out - hole, CrossSection()
    for _, sign in ends:
        x, y = reach * np.cos(angle), sign * reach * np.sin(angle)
        lugs += CrossSection([circle(1.5 * wide, 24)]).translate((x, y))
        holes += CrossSection([circle(0.7 * wide, 20)]).translate((x, y))
    far = 2 * size
    mouth = np.array([(0, 0), (far, -far * np.tan(gap / 2)), (far, far * np.tan(gap / 2))])
    return lugs - holes - CrossSection([mouth])


def circlip(draw: Draw) -> Draft:
    """Open retaining ring: external or internal with lugs and holes, an E-clip, or plain wire."""
    size = nearby(draw, "diameter", (4, 5, 6, 8, 10, 12, 15, 18, 22, 28, 35, 42, 50, 62, 80))
    wide, thick = size * draw.size("width", 0.07, 0.13), size * draw.size("thickness", 0.04, 0.11)
    form = draw.one("form", ("external", "external", "internal", "internal", "E-clip", "snap ring"))
    if form == "E-clip":
        outer = size * draw.size("outer", 1.75, 2.2)
        disc = cylinder(outer, thick) - cylinder(0.75 * outer, 3 * thick, 40)
        prong = box(0.6 * size, 0.34 * size, thick).translate((0.65 * size, 0, 0)) ^ cylinder(outer, thick)
        prongs = union(prong.rotate((0, 0, turn)) for turn in (90, 180, 270)) - cylinder(size, 3 * thick, 40)
        solid = whole(disc + prongs - box(3 * size, 0.86 * size, 3 * thick).translate((1.5 * size, 0, -thick)))
        extra = "three prongs"
    elif form == "snap ring":
        gap = np.radians(draw.size("gap", 12, 60))
        angles = np.linspace(gap / 2, 2 * np.pi - gap / 2, 56)
        path = size / 2 * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
        solid, extra = swept(path, circle(1.3 * thick, 12)), "round wire"
    else:
        gap = np.radians(draw.size("gap", 8, 26))
        solid, extra = whole(clip_outline(size, wide, inside=form == "internal", gap=gap).extrude(thick)), "two holes"
    said = (form, f"for {size} mm", "open ring", extra, mm(thick, "thick"))
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", SPRING_STEEL))


def split_pin(draw: Draw) -> Draft:
    """Bent wire with an eye and two legs, one of them longer."""
    size = nearby(draw, "diameter", (1, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8))
    length, eye = size * draw.size("length", 5, 16), size * draw.size("eye", 0.75, 1.3)
    apart, more = size * draw.size("spread", 0.26, 0.5), size * draw.size("longer leg", 0.0, 1.2)
    angles = np.linspace(-np.pi / 2 + 0.5, 3 * np.pi / 2 - 0.5, 28)
    loop = np.stack([eye * np.cos(angles), 0 * angles, eye * (np.sin(angles) + 1) + 0.3 * size], axis=1)
    legs = [
        np.array([(side * apart, 0, -end), (side * apart, 0, -0.4 * size)])
        for side, end in ((1, length), (-1, length + more))
    ]
    path = np.concatenate([legs[0], loop, legs[1][::-1]])
    solid = swept(path, circle(0.62 * size, 12)) + box(2.2 * apart, 0.3 * size, 0.6 * size).translate(
        (0, 0, -0.9 * size)
    )
    solid = whole(solid)
    said = (f"{size} mm", mm(length, "long"), "two legs", "with an eye", "bent wire")
    return Draft(solid, told(*said, proportions(solid)), draw.one("material", METALS))


FAMILIES: tuple[Family, ...] = (
    *screws.FAMILIES,
    *nuts.FAMILIES,
    Family(("washer", "plain washer", "flat washer", "disc"), plain_washer),
    Family(("spring washer", "split washer", "lock washer"), spring_washer),
    Family(("tooth lock washer", "serrated washer", "star washer"), tooth_washer),
    Family(("rivet", "blind rivet", "pop rivet"), rivet),
    Family(("dowel pin", "cylindrical pin", "parallel pin", "spring pin"), dowel_pin),
    Family(("clevis pin", "bolt pin", "pivot pin"), clevis_pin),
    Family(("circlip", "retaining ring", "snap ring", "E-clip"), circlip),
    Family(("split pin", "cotter pin"), split_pin),
)
