"""STEP arrives with its names, colours, instances and true size, or with the reason why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.readers.step import Step
from tasks.sandbox import Refusal

EMPTY_STEP = """ISO-10303-21;
HEADER;
FILE_DESCRIPTION((''),'2;1');
FILE_NAME('a.stp','2020-01-01T00:00:00',(''),(''),'','','');
FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));
ENDSEC;
DATA;
{}
ENDSEC;
END-ISO-10303-21;
"""


def test_a_part_keeps_name_colour_and_size(kernel_files: Path) -> None:
    """One solid is one body with its own name and colour, in mm."""
    (body,) = Step()(kernel_files / "post.step")
    assert (body.name, body.path, body.count, body.unit) == ("post", "", 1, "mm")
    assert np.ptp(body.vertices, axis=0) == pytest.approx((40, 30, 16), rel=1e-4)
    assert body.colour == pytest.approx((0.8, 0.1, 0.1), abs=0.01)


def test_inches_become_millimetres(kernel_files: Path) -> None:
    """A file in inches gives the same shape, 25.4 times as large in mm."""
    (body,) = Step()(kernel_files / "post-inch.step")
    assert np.ptp(body.vertices, axis=0) == pytest.approx((40 * 25.4, 30 * 25.4, 16 * 25.4), rel=1e-4)


def test_an_assembly_counts_its_instances(kernel_files: Path) -> None:
    """Instances of a part under one assembly are one body with a count, however they are turned."""
    bodies = Step()(kernel_files / "frame.step")
    found = {(body.name, body.path): body.count for body in bodies}
    assert found == {("plate", "frame"): 1, ("pin", "frame/row left"): 2, ("pin", "frame/row right"): 2}
    left, right = (body for body in bodies if body.name == "pin")
    assert np.array_equal(left.vertices, right.vertices)
    assert left.colour == pytest.approx((0.1, 0.1, 0.8), abs=0.01)


def test_small_and_large_are_equally_round(kernel_files: Path) -> None:
    """The pin of 6 mm and the hole of 400 mm in one file have as many corners, enough for a circle, and few faces."""
    bodies = {body.name: body for body in Step()(kernel_files / "frame.step")}
    for name, radius in (("pin", 3), ("plate", 200)):
        distance = np.linalg.norm(bodies[name].vertices[:, :2], axis=1)
        corners = np.unique(np.round(bodies[name].vertices[np.isclose(distance, radius, rtol=1e-3)][:, :2], 3), axis=0)
        assert 24 <= len(corners) <= 80
        assert len(bodies[name].faces) < 600


def test_what_was_cut_off_says_so(kernel_files: Path, tmp_path: Path) -> None:
    """A truncated file is refused by its missing last line, although half of it could be read."""
    path = tmp_path / "cut.step"
    data = (kernel_files / "post.step").read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(Refusal, match="ends before its END-ISO-10303-21 line: it seems to have been cut off"):
        Step()(path)


def test_other_content_says_so(tmp_path: Path) -> None:
    """A picture that is called .step is no STEP file."""
    path = tmp_path / "a.step"
    path.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(Refusal, match="does not begin like a STEP file"):
        Step()(path)


def test_a_file_without_geometry_says_so(tmp_path: Path) -> None:
    """Structure without shapes is told from geometry that stands in other files, which are named."""
    path = tmp_path / "a.step"
    path.write_text(EMPTY_STEP.format("#1=CARTESIAN_POINT('',(0.,0.,0.));"), encoding="ascii")
    with pytest.raises(Refusal, match="holds no solid or surface that can be rendered"):
        Step()(path)
    path.write_text(EMPTY_STEP.format("#1=DOCUMENT_FILE('bolt.stp','','',#2,'',$);"), encoding="ascii")
    with pytest.raises(Refusal, match=r"refers to geometry in other files \(bolt.stp\): export the assembly as one"):
        Step()(path)


def test_the_classic_assembly(shared_cad: Path) -> None:
    """as1-oc-214 is known: 18 occurrences of 5 parts, 8 of them nuts."""
    bodies = Step()(shared_cad / "assemblies" / "as1-oc-214.stp")
    counts: dict[str, int] = {}
    for body in bodies:
        counts[body.name] = counts.get(body.name, 0) + body.count
    assert counts == {"nut": 8, "bolt": 6, "l-bracket": 2, "rod": 1, "plate": 1}
    assert {body.path for body in bodies if body.name == "rod"} == {"as1/rod-assembly"}
