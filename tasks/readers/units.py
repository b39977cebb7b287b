"""Finds out the unit of formats that have none: from what a header, a comment or the file's name says."""

from __future__ import annotations

import re
from typing import Literal

Unit = Literal["mm", "unknown"]

MILLIMETRES = {
    **dict.fromkeys(("micron", "microns", "micrometer", "micrometre", "um"), 0.001),
    **dict.fromkeys(("mm", "millimeter", "millimetre", "millimeters", "millimetres"), 1.0),
    **dict.fromkeys(("cm", "centimeter", "centimetre", "centimeters", "centimetres"), 10.0),
    **dict.fromkeys(("m", "meter", "metre", "meters", "metres"), 1000.0),
    **dict.fromkeys(("in", "inch", "inches"), 25.4),
    **dict.fromkeys(("ft", "foot", "feet"), 304.8),
}

_SAID = re.compile(r"\bunits?\b[\s:=\"']{1,4}(?:are |is |in )?([a-z]{1,12})\b", re.IGNORECASE)
# only words that mean nothing else: "clip_for_8mm_sleeve" and "lever_in" say nothing about a unit
_NAMED = re.compile(r"(?:^|[\s_.()\[\]-])(mm|cm|inch|inches|millimet(?:er|re)s?)(?=$|[\s_.()\[\]-])", re.IGNORECASE)


def unit_of(text: str, stem: str) -> tuple[Unit, float]:
    """Unit of a file with this text in its header or comments and this stem, and what takes its lengths to it."""
    for match in [*_SAID.finditer(text), *_NAMED.finditer(stem)]:
        if factor := MILLIMETRES.get(match[1].lower()):
            return "mm", factor
    return "unknown", 1.0
