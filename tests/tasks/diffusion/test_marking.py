"""A picture that a model took part in says so in its file, and its pixels stay."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from tasks.diffusion import marking
from tasks.records import generator


def jpeg(**options: bytes) -> bytes:
    """A JPEG file of noise."""
    file = io.BytesIO()
    Image.fromarray(generator("jpeg").integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("said", [marking.GENERATED, marking.COMPOSITE])
def test_the_mark_is_read_back_and_the_pixels_stay(said: str) -> None:
    """Another program (Pillow) finds the XMP packet with IPTC's term; the compressed picture is the same."""
    plain = jpeg()
    made = marking.marked(plain, said)
    assert marking.read(made) == said
    assert (np.asarray(Image.open(io.BytesIO(made))) == np.asarray(Image.open(io.BytesIO(plain)))).all()
    assert made.endswith(plain[-800:])
    packet = Image.open(io.BytesIO(made)).info["xmp"].decode()
    assert re.search(r'Iptc4xmpExt:DigitalSourceType="([^"]+)"', packet)[1] == said  # type: ignore[index]
    assert 'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"' in packet


def test_the_packet_is_well_formed() -> None:
    """Any XML parser reads it."""
    from xml.etree import ElementTree as ET

    packet = Image.open(io.BytesIO(marking.marked(jpeg(), marking.GENERATED))).info["xmp"].decode()
    root = ET.fromstring(packet)  # noqa: S314 - our own text
    (found,) = root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    assert found.attrib["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"] == marking.GENERATED


def test_a_mark_takes_the_place_of_the_one_before() -> None:
    """A picture marked twice carries one packet; other things in its head stay."""
    with_profile = jpeg(comment=b"of a bolt")
    made = marking.marked(marking.marked(with_profile, marking.COMPOSITE), marking.GENERATED)
    assert made.count(b"http://ns.adobe.com/xap/1.0/") == 1
    assert marking.read(made) == marking.GENERATED
    assert Image.open(io.BytesIO(made)).info["comment"] == b"of a bolt"


def test_pictures_without_a_model_carry_no_mark() -> None:
    """Where no model took part nothing is written, and a file without mark says none."""
    plain = jpeg()
    assert marking.marked(plain, marking.source({})) == plain
    assert marking.read(plain) == ""
    with pytest.raises(ValueError, match="Only JPEG"):
        marking.marked(b"\x89PNG", marking.GENERATED)


def test_what_is_generated_whole_outweighs_a_composite() -> None:
    """The lineage of a picture decides; one stage that made all of it anew is enough."""
    part, whole = {"source_type": marking.COMPOSITE}, {"source_type": marking.GENERATED}
    assert marking.source({"diffuse": part}) == marking.COMPOSITE
    assert marking.source({"a": part, "b": whole}) == marking.GENERATED
    assert marking.source({"wear": {"dirt": 0.3}}) == ""
