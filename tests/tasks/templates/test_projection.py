"""What makes templates short: a whitening that is learned once, ships, and is asked for what it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.generate import families
from tasks.records import generator
from tasks.templates import projection, training
from tasks.templates.features import LENGTH

if TYPE_CHECKING:
    from pathlib import Path


def test_what_varies_most_and_what_varies_least_count_alike() -> None:
    """Short numbers of what was learned from are independent and of one variance, but for the damping."""
    rng = generator("whitening")
    mixed = rng.normal(size=(3000, 250)) @ (rng.normal(size=(250, 250)) * np.geomspace(1, 0.2, 250)) + 5
    learned = projection.whitening(mixed.astype(np.float32))
    short = (mixed - learned.mean) @ learned.matrix
    spread = np.cov(short.T)
    assert spread.shape == (projection.KEPT, projection.KEPT)
    variances = np.diag(spread)
    assert variances.max() / variances[:50].min() < 1.1
    assert np.abs(np.corrcoef(short.T) - np.eye(projection.KEPT)).max() < 0.01
    assert 0.05 < np.abs(learned.matrix).max() <= 1, "half precision holds it"


def test_what_is_written_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In half precision; of other features, or missing, it is refused in a sentence."""
    learned = projection.whitening(generator("written").normal(size=(400, 200)).astype(np.float32))
    file = tmp_path / "some.safetensors"
    projection.write(learned, file)
    monkeypatch.setattr(projection, "WEIGHTS", file)
    read = projection.projection.__wrapped__()
    assert np.abs(read.matrix - learned.matrix).max() < 1e-3
    monkeypatch.setattr(projection, "FEATURES", "gradients-0")
    with pytest.raises(ValueError, match="is of the features gradients-1, not gradients-0"):
        projection.projection.__wrapped__()
    file.unlink()
    with pytest.raises(ValueError, match=r"some\.safetensors is not part of this installation"):
        projection.projection.__wrapped__()


def test_the_projection_ships_and_gives_templates_of_unit_length() -> None:
    """Half a megabyte, for features as they are now."""
    features = generator("ships").normal(size=(2, 3, LENGTH)).astype(np.float32)
    short = projection.projection().short(features)
    assert short.shape == (2, 3, projection.KEPT)
    assert np.linalg.norm(short, axis=-1) == pytest.approx(1, abs=1e-5)
    assert projection.WEIGHTS.stat().st_size < 600_000


def test_it_is_learned_from_no_part_of_a_family_that_tests_are_made_of() -> None:
    """And from all the others."""
    keys = training.planned(training.Course())
    assert len(set(keys)) == len(keys) == training.Course().parts
    assert {family for family, _ in keys} == {name for name, family in families().items() if not family.held_out}
    assert keys[:20] == training.planned(training.Course(parts=20))
