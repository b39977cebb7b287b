"""Templates made short: what all parts have in common is taken away, and what tells them apart is kept.

A whitening: features less their mean, in the directions in which those of many parts vary most, each divided by how
much it varies. Learned on made-up parts that no test has (`python -m flows.train_templates`), once for all customers.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tasks.templates.features import FEATURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.records import Floats

KEPT: Final = 192  # numbers of a template
DAMPED: Final = 0.02  # of the mean variance, added to each: what hardly varies is mostly noise
WEIGHTS: Final = Path(__file__).parents[2] / "blocks" / "weights" / "partsight-templates.safetensors"


class Projection(NamedTuple):
    """Features less `mean` (d,), times `matrix` (d, KEPT)."""

    mean: Floats
    matrix: Floats

    def short(self, features: Floats) -> Floats:
        """Templates (..., KEPT) of unit length, of `features` (..., d)."""
        found = (features - self.mean) @ self.matrix
        return np.asarray(found / np.linalg.norm(found, axis=-1, keepdims=True).clip(1e-9), dtype=np.float32)


def whitening(features: Floats) -> Projection:
    """What is learned from `features` (n, d) of many views of many parts."""
    mean = features.mean(axis=0, dtype=np.float64)
    spread: NDArray[np.float64] = np.zeros((len(mean), len(mean)))
    for start in range(0, len(features), 4096):
        some = features[start : start + 4096].astype(np.float64) - mean
        spread += some.T @ some
    variances, directions = np.linalg.eigh(spread / len(features))
    variances, directions = variances[::-1][:KEPT], directions[:, ::-1][:, :KEPT]
    # an eigenvector has no sign: the largest of its numbers shall be positive, so that it comes out as before
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=0)[None], axis=0)
    scale = np.sign(largest) / np.sqrt(variances + DAMPED * variances.mean())
    scale /= np.abs(scale).max()  # a factor changes no angle, and half precision holds what is about 1
    return Projection(mean.astype(np.float32), (directions * scale).astype(np.float32))


def write(learned: Projection, file: Path) -> None:
    """Write what was learned, in half precision; a stop while it is written leaves the file that was there."""
    from safetensors.numpy import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    # nothing has two signs, and which of them it gets is chance: the same course shall write the same bytes
    tensors = {
        name: np.ascontiguousarray(value, np.float16) + np.float16(0) for name, value in learned._asdict().items()
    }
    save_file(tensors, draft, metadata={"features": FEATURES})
    draft.replace(file)


@cache
def projection() -> Projection:
    """The projection that ships. Raises ValueError with a sentence where it is missing, or is of other features."""
    from safetensors import safe_open

    if not WEIGHTS.is_file():
        raise ValueError(f"{WEIGHTS.name} is not part of this installation: install Partsight again.")
    with safe_open(WEIGHTS, framework="numpy") as file:
        made = (file.metadata() or {}).get("features")
        if made != FEATURES:
            raise ValueError(f"{WEIGHTS.name} is of the features {made}, not {FEATURES}: install Partsight again.")
        return Projection(*(file.get_tensor(name).astype(np.float32) for name in Projection._fields))


@cache
def version() -> str:
    """Names features and projection: templates of another version are not compared."""
    from tasks.records import bytes_id

    return bytes_id(WEIGHTS.read_bytes() + FEATURES.encode())[:12]
