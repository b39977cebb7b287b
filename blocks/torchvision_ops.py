"""Lets torchvision's wheel import beside a torch that has no CUDA.

The wheel's native library is linked against CUDA. Where it does not load, `import torchvision` fails,
because its Python side describes two operators that only the native library declares. Declared without
a kernel they are enough: the transforms never call them, and a call would say that there is no kernel.
"""

from __future__ import annotations

from functools import cache
from typing import Any

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def declare() -> Any:
    """Declare what `import torchvision` needs; call it before the first import of torchvision.

    Does nothing where the native operators are there. Returns the library that holds the declarations
    (they go when it is collected, so the cache keeps it), or None where nothing had to be declared.
    """
    import torch

    if _native():
        return None
    registry: Any = torch.library  # its annotations are incomplete
    library = registry.Library("torchvision", "FRAGMENT")
    for operator in _OPERATORS:
        library.define(operator)
    return library


def _native() -> bool:
    """Whether torchvision's own operators are declared, or become so when its library is loaded."""
    from importlib.util import find_spec
    from pathlib import Path

    import torch

    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("torchvision is not installed; install the project with `pip install -e .`")
    operators: Any = torch.ops
    for path in Path(spec.origin).parent.glob("_C*.so"):
        try:
            operators.load_library(str(path))
        except OSError:  # linked against a CUDA that is not here
            continue
    return hasattr(operators.torchvision, "nms")
