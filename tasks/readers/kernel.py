"""Turns exact geometry (STEP, IGES) into meshes with OpenCASCADE, as fine as a part's size asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tasks.readers.bodies import EMPTY
from tasks.readers.gltf import Document, parsed
from tasks.sandbox import Refusal

if TYPE_CHECKING:
    from typing import NoReturn

# Of the length of an edge, and radians: a circle gets 26 corners on a bolt of 6 mm as on a plate of 1 m.
LINEAR, ANGULAR = 0.006, 0.25
COARSER = 4
MOST_TRIANGLES = 400_000


def tessellated(data: bytes, kind: Literal["step", "iges"]) -> Document:
    """Meshes and places of what is in a STEP or IGES file. Raises Refusal where there is nothing."""
    document = _converted(data, kind, LINEAR, ANGULAR)
    if sum(len(shape.faces) for shape in document.shapes) > MOST_TRIANGLES:
        document = _converted(data, kind, LINEAR * COARSER, ANGULAR * COARSER)
    return document


def _converted(data: bytes, kind: Literal["step", "iges"], linear: float, angular: float) -> Document:
    import cascadio

    # one thread: the order of the answer must not depend on the machine
    glb = cascadio.load(
        data, file_type=kind, tol_linear=linear, tol_angular=angular, tol_relative=True, use_parallel=False
    )
    if not glb:
        raise Refusal(EMPTY)
    return parsed(glb, _alone)


def _alone(uri: str) -> NoReturn:
    raise Refusal(f"refers to {uri}")
