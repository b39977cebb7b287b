"""Files that only a CAD kernel writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def kernel_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one part as STEP in mm and inches and as IGES, and with an assembly of named, coloured parts."""
    import build123d as cad
    from OCP.IGESControl import IGESControl_Controller, IGESControl_Writer

    folder = tmp_path_factory.mktemp("kernel")
    post = cad.Box(40, 30, 6) + cad.Pos(0, 0, 8) * cad.Cylinder(6, 10)
    post.label, post.color = "post", cad.Color(0.8, 0.1, 0.1)
    cad.export_step(post, str(folder / "post.step"))
    cad.export_step(post, str(folder / "post-inch.step"), unit=cad.Unit.IN)
    IGESControl_Controller.Init_s()
    for unit in ("MM", "IN"):
        writer = IGESControl_Writer(unit, 1)
        writer.AddShape(post.wrapped)
        writer.ComputeModel()
        writer.Write(str(folder / f"post-{unit.lower()}.igs"))
    cad.export_step(_assembly(), str(folder / "frame.step"))
    return folder


def _assembly() -> object:
    """A plate on four pins in two groups; a plate of 1 m, and pins of 6 mm."""
    import build123d as cad

    pin = cad.Cylinder(3, 20)
    pin.label, pin.color = "pin", cad.Color(0.1, 0.1, 0.8)
    plate = cad.Box(1000, 600, 10) - cad.Cylinder(200, 10)
    plate.label, plate.color = "plate", cad.Color(0.2, 0.7, 0.2)
    groups = []
    for side in (-1, 1):
        pins = [_copy(pin, cad.Location((450 * side, 250 * end, 0), (0, 0, 37 * end))) for end in (-1, 1)]
        groups.append(cad.Compound(label=f"row {'left' if side < 0 else 'right'}", children=pins))
    return cad.Compound(label="frame", children=[plate, *groups])


def _copy(shape: object, place: object) -> object:
    import copy

    copied = copy.copy(shape)
    copied.location = place  # type: ignore[attr-defined]
    return copied
