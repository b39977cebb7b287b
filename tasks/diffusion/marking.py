"""The mark in a picture's file that says a machine made it: IPTC's digital source type, as XMP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED: Final = f"{SOURCES}trainedAlgorithmicMedia"  # every pixel comes from the model
COMPOSITE: Final = f"{SOURCES}compositeWithTrainedAlgorithmicMedia"  # the part is rendered, what is around it is not
_IPTC: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_HEADER: Final = b"http://ns.adobe.com/xap/1.0/\0"
_PACKET: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{iptc}" Iptc4xmpExt:DigitalSourceType="{source}"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_SAID: Final = re.compile(rb'DigitalSourceType(?:="|>)([^"<]+)')
_START: Final = b"\xff\xd8"
_APP0, _APP1, _SCAN = 0xE0, 0xE1, 0xDA


def source(lineage: Mapping[str, Any]) -> str:
    """The digital source type of a picture with that lineage (`View.lineage`); empty where no model took part."""
    said = [told.get("source_type", "") for told in lineage.values() if isinstance(told, dict)]
    return GENERATED if GENERATED in said else next(filter(None, said), "")


def marked(jpeg: bytes, said: str) -> bytes:
    """The JPEG file `jpeg` with the digital source type `said` in it, its pixels untouched; as it is if that is empty.

    A mark that is there already is replaced. Raises ValueError when it is no JPEG file.
    """
    if not jpeg.startswith(_START):
        raise ValueError("Only JPEG files can be marked.")
    if not said:
        return jpeg
    packet = _HEADER + _PACKET.format(iptc=_IPTC, source=said).encode()
    segment = bytes((0xFF, _APP1)) + (len(packet) + 2).to_bytes(2, "big") + packet
    head, rest = b"", b""
    place = len(_START)
    for kind, start, end in _segments(jpeg):
        if not (kind == _APP1 and jpeg[start + 4 : end].startswith(_HEADER)):
            if kind == _APP0:
                head += jpeg[start:end]
            else:
                rest += jpeg[start:end]
        place = end
    return _START + head + segment + rest + jpeg[place:]


def read(jpeg: bytes) -> str:
    """The digital source type in a JPEG file; empty where it says none."""
    for kind, start, end in _segments(jpeg):
        if kind == _APP1 and jpeg[start + 4 : end].startswith(_HEADER):
            found = _SAID.search(jpeg, start, end)
            return found[1].decode() if found else ""
    return ""


def _segments(jpeg: bytes) -> list[tuple[int, int, int]]:
    """Kind, start and end of every segment before the picture's own data."""
    found, place = [], len(_START)
    while place + 4 <= len(jpeg) and jpeg[place] == 0xFF and jpeg[place + 1] != _SCAN:
        end = place + 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
        found.append((jpeg[place + 1], place, end))
        place = end
    return found
