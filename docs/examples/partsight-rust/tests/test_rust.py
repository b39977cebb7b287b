"""Rust keeps the contract, sits on the part, and is as much as was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from partsight_rust import Rust, softened

from tasks.contract import check, subjects  # comes with Partsight


def test_rust_keeps_the_contract() -> None:
    """Types, determinism, geometry, form, bad input, speed: the report says what to mend."""
    report = check(Rust)
    assert report.ok, str(report)


def rusty(amount: float) -> float:
    """Mean share of the part's pixels that are clearly rusty, over eight pictures."""
    shares = []
    for seed in range(8):
        view = subjects.ball().replace(rng=np.random.default_rng(seed))
        (made,) = Rust(amount=amount)(view)
        red, _, blue = (made.image[view.mask][:, channel].astype(int) for channel in range(3))
        shares.append(float(((red - blue) > 25).mean()))
        assert (made.image[~view.mask] == view.image[~view.mask]).all()
    return float(np.mean(shares))


def test_there_is_as_much_rust_as_was_asked_for() -> None:
    """None at 0, more with more, and only on the part."""
    shares = [rusty(amount) for amount in (0.0, 0.2, 0.5, 1.0)]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] > 0.6


def test_softening_is_a_mean() -> None:
    """In the middle of a plane nothing changes; a single point is spread."""
    assert softened(np.ones((9, 9), dtype=np.float32), 1)[4, 4] == pytest.approx(1)
    point = np.zeros((9, 9), dtype=np.float32)
    point[4, 5] = 9
    assert softened(point, 1)[3:6, 4:7] == pytest.approx(np.ones((3, 3)))
