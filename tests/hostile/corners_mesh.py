"""Corners of STL, OBJ, PLY and OFF: counts that lie, numbers that are none, and parts that hardly are any."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from corners import PAYLOAD, Corner, single
from formats import WEDGE, stl

if TYPE_CHECKING:
    from collections.abc import Iterator

FACES = [[WEDGE[0][corner] for corner in face] for face in WEDGE[1]]
PLY = "ply\nformat {kind} 1.0\nelement vertex {points}\nproperty float x\nproperty float y\nproperty float z\n"
PLY += "element face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
PLY_BODY = (
    "\n".join([*(" ".join(map(str, one)) for one in WEDGE[0]), *(f"3 {a} {b} {c}" for a, b, c in WEDGE[1])]) + "\n"
)
OFF_BODY = "\n4 4 0\n" + PLY_BODY


def corners() -> Iterator[Corner]:
    """Corners of meshes."""
    yield from _stl()
    yield from _stl_text()
    yield from _obj()
    yield from _ply_and_off()
    yield from _names()


def _scaled(scale: float) -> list[list[list[float]]]:
    return (np.array(FACES, dtype=np.float64) * scale).tolist()


def _moved(value: float) -> list[list[list[float]]]:
    faces = np.array(FACES, dtype=np.float64)
    faces[faces == 40] = value
    return faces.tolist()


def _stl() -> Iterator[Corner]:
    third = [*FACES, [(0, 0, 0), (40, 0, 0), (0, 0, -20)]]
    line = [[(0, 0, 0), (1, 1, 1), (2, 2, 2)]]
    for label, data, loads, words in (
        ("10^9 triangles", stl(FACES, 10**9), False, "announces 1000000000 triangles but holds 4"),
        ("4 * 10^9 triangles and none", stl([], 2**32 - 1), False, "announces 4294967295 triangles but holds 0"),
        ("no triangle", stl([]), False, "holds no solid or surface"),
        ("a header alone", stl([])[:80], False, "too short"),
        ("a triangle that is a line", stl(line), False, "holds no solid or surface"),
        ("a triangle that is a point", stl([[(1, 1, 1)] * 3]), False, "holds no solid or surface"),
        ("a coordinate that is no number", stl(_moved(math.nan)), False, "not finite"),
        ("a coordinate without end", stl(_moved(math.inf)), False, "not finite"),
        ("a coordinate of 3e38", stl(_moved(3e38)), False, "beyond anything that can be built"),
        ("a coordinate of 1e-45", stl(_moved(1e-45)), None, ""),
        ("a part of 1 µm", stl(_scaled(0.001 / 40), header=b"units: mm"), True, ""),
        ("a part of 1 km", stl(_scaled(1e6 / 40), header=b"units: mm"), True, ""),
        ("a part of 1e-30", stl(_scaled(1e-30)), None, ""),
        ("a part far away", stl((np.array(FACES) + 1e8).tolist()), None, ""),
        ("one triangle", stl(FACES[:1]), True, ""),
        ("three faces at an edge", stl(third), True, ""),
        ("every face twice", stl([*FACES, *FACES]), True, ""),
        ("every face twice and turned", stl([*FACES, *(one[::-1] for one in FACES)]), True, ""),
        ("inside out", stl([one[::-1] for one in FACES]), True, ""),
        ("a header of HTML", stl(FACES, header=PAYLOAD.encode()), True, ""),
        ("a colour beyond the header", stl(FACES, header=b"x" * 72 + b"COLOR=\xff"), True, ""),
        ("more than it announces", stl(FACES) + bytes(30), True, ""),
    ):
        yield Corner(f"stl: {label}", single("part.stl", data), loads, words)


def _stl_text() -> Iterator[Corner]:
    facet = "facet normal 0 0 1\nouter loop\n{}endloop\nendfacet\n"
    faces = "".join(facet.format("".join(f"vertex {x} {y} {z}\n" for x, y, z in face)) for face in FACES)
    for label, text, loads, words in (
        ("no end", "solid x\n" + faces, False, "cut off"),
        ("nothing in it", "solid x\nendsolid x\n", False, "holds no solid or surface"),
        ("two vertices", "solid x\n" + faces.replace("vertex 0 0 0\n", "", 1) + "endsolid x\n", False, ""),
        ("a number that is none", "solid x\n" + faces.replace("40", "nan") + "endsolid x\n", False, "not finite"),
        ("a number without end", "solid x\n" + faces.replace("40", "1e999") + "endsolid x\n", False, "not finite"),
        ("a word for a number", "solid x\n" + faces.replace("40", "forty") + "endsolid x\n", False, "damaged"),
        ("a name of HTML", f"solid {PAYLOAD}\n{faces}endsolid\n", True, ""),
        ("a name that is not ASCII", f"solid 名前 Ärger\n{faces}endsolid\n", True, ""),
        ("a name of a million letters", f"solid {'N' * 1_000_000}\n{faces}endsolid\n", None, ""),
        ("a thousand solids", f"solid x\n{faces}endsolid x\n" * 1000, True, ""),
        ("a thousand empty solids", "solid x\nendsolid x\n" * 1000, False, "holds no solid or surface"),
    ):
        yield Corner(f"stl text: {label}", single("part.stl", text.encode()), loads, words)


def _obj() -> Iterator[Corner]:
    points = "".join(f"v {x} {y} {z}\n" for x, y, z in WEDGE[0])
    body = points + "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in WEDGE[1])
    for label, text, loads, words in (
        ("no face", points, False, "holds no solid or surface"),
        ("nothing", "#\n", False, "holds no solid or surface"),
        ("a corner beyond", points + "f 1 2 1000000000\n", False, "corners are missing"),
        ("a corner zero", points + "f 0 1 2\n", False, "corners are missing"),
        ("a corner before the first", points + "f -1 -2 -99\n", False, "corners are missing"),
        ("a corner of many digits", points + f"f 1 2 {'9' * 5000}\n", False, ""),
        ("a corner beyond 64 bits", points + "f 1 2 99999999999999999999\n", False, ""),
        ("a face of two", points + "f 1 2\n", False, "holds no solid or surface"),
        ("a face of a million", points + "f " + "1 2 3 " * 333_333 + "\n", None, ""),
        ("a vertex of two", body.replace("v 40 0 0", "v 40 0"), False, "fewer than three"),
        ("a number that is none", body.replace("v 40", "v nan"), False, "not finite"),
        ("a number without end", body.replace("v 40", "v -inf"), False, "not finite"),
        ("a word for a number", body.replace("v 40", "v forty"), False, "damaged"),
        ("one name for all", "o a\n" + body + "o a\n" + body.replace("f ", "o a\nf "), True, ""),
        ("a name of HTML", f"o {PAYLOAD}\n{body}", True, ""),
        ("no name", f"o\n{body}", True, ""),
        ("an endless line", points + "f 1 \\\n" * 100_000 + "2 3\n", None, ""),
        ("50,000 objects", points + "".join(f"o n{index}\nf 1 2 3\n" for index in range(50_000)), None, ""),
        ("colours that are none", body.replace("v 40 0 0", "v 40 0 0 nan inf -1"), True, ""),
        ("its own library", f"mtllib part.obj\n{body}", True, ""),
        ("a library of blanks", f'mtllib "\nmtllib   \t \nmtllib \xa0\n{body}', True, ""),
        ("20,000 libraries", "".join(f"mtllib {index}.mtl\n" for index in range(20_000)) + body, True, ""),
        ("not text", "\0" + body, False, "not text"),
    ):
        yield Corner(f"obj: {label}", single("part.obj", text.encode()), loads, words)
    painted = f"mtllib a.mtl\nusemtl x\n{body}".encode()
    for label, library in (
        ("a map of blanks", b'newmtl x\nmap_Kd "\nmap_Kd \xc2\x85\n'),
        ("a colour that is none", b"newmtl x\nKd nan inf -1\n"),
        ("a word for a colour", b"newmtl x\nKd red\n"),
        ("a map that is itself", b"newmtl x\nmap_Kd a.mtl\n"),
        ("50,000 maps", b"newmtl x\n" + b"".join(b"map_Kd %d.png\n" % index for index in range(50_000))),
    ):
        yield Corner(f"mtl: {label}", single("part.obj", painted, **{"a.mtl": library}), True)


def _ply_and_off() -> Iterator[Corner]:
    text = PLY.format(kind="ascii", points=4, faces=4)
    binary = PLY.format(kind="binary_little_endian", points=4, faces=1).encode()
    floats = np.array(WEDGE[0], "<f4").tobytes()
    for label, data, loads, words in (
        ("10^9 vertices", (text.replace("vertex 4", "vertex 1000000000") + PLY_BODY).encode(), False, ""),
        ("10^9 faces", (text.replace("face 4", "face 1000000000") + PLY_BODY).encode(), False, "cut off"),
        ("no face", (text.replace("face 4", "face 0") + PLY_BODY).encode(), False, "no faces"),
        ("fewer than nothing", (text.replace("face 4", "face -4") + PLY_BODY).encode(), False, ""),
        ("no end of the header", text.replace("end_header\n", "").encode(), False, ""),
        ("a number that is none", (text + PLY_BODY.replace("40", "nan")).encode(), False, "not finite"),
        ("a corner beyond", (text + PLY_BODY.replace("3 0 2 1", "3 0 2 999999999")).encode(), False, ""),
        ("a format that is none", (text.replace("ascii", "morse") + PLY_BODY).encode(), None, ""),
        ("10^9 vertices in binary", binary.replace(b"vertex 4", b"vertex 999999999") + floats, False, ""),
        ("a face of 255 corners", binary + floats + b"\xff" + bytes(12), False, ""),
        ("half of a face", binary + floats + b"\x03" + bytes(5), False, ""),
        (
            "50,000 properties",
            text.replace("end_header", "property int a\n" * 50_000 + "end_header").encode(),
            None,
            "",
        ),
    ):
        yield Corner(f"ply: {label}", single("part.ply", data), loads, words)
    for label, said, loads, words in (
        ("sound", "OFF" + OFF_BODY, True, ""),
        ("10^9 vertices", "OFF" + OFF_BODY.replace("4 4 0", "1000000000 4 0"), False, ""),
        ("10^9 faces", "OFF" + OFF_BODY.replace("4 4 0", "4 1000000000 0"), False, "cut off"),
        ("no face", "OFF\n4 0 0\n" + PLY_BODY, False, ""),
        ("a number that is none", "OFF" + OFF_BODY.replace("40", "nan"), False, ""),
        ("a corner beyond", "OFF" + OFF_BODY.replace("3 0 2 1", "3 0 2 9"), False, ""),
        ("no count", "OFF\n", False, ""),
        ("words", "OFF\nall of it\n", False, ""),
    ):
        yield Corner(f"off: {label}", single("part.off", said.encode()), loads, words)


def _names() -> Iterator[Corner]:
    """Names of files that are HTML, paths, orders to a database or a terminal, or hardly names."""
    data = stl(FACES)
    for name in (
        "<img src=x onerror=alert(1)>.stl",
        "'; DROP TABLE files;--.stl",
        "x%2f..%2f..%2fetc%2fpasswd.stl",
        "C:\\windows\\part.stl",
        "名前 Ärger.stl",
        "a" * 200 + ".stl",
        "%s%n{0}{__class__}.stl",
        "$(reboot)`reboot`.stl",
        "-rf.stl",
        " .stl",
        "=cmd|calc.stl",
    ):
        yield Corner(f"name: {name[:40]}", single(name, data), True)
    for label, name in (
        ("a line break", "a\nINFO part.stl"),
        ("a turn of direction", "lts\u202e.stl"),
        ("a bell", "\a.stl"),
    ):
        yield Corner(f"name: {label}", single(name, data), False, "has a name with characters that cannot be shown")
