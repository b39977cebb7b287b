"""IGES arrives in mm, whatever its unit, and a cut-off file is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.readers.iges import Iges
from tasks.sandbox import Refusal


@pytest.mark.parametrize("name", ["post-mm.igs", "post-in.igs"])
def test_sizes_are_in_millimetres(kernel_files: Path, name: str) -> None:
    """The same part written in mm and in inches has the same size."""
    (body,) = Iges()(kernel_files / name)
    assert np.ptp(body.vertices, axis=0) == pytest.approx((40, 30, 16), rel=1e-4)
    assert (body.name, body.unit) == ("", "mm")


def test_a_surface_without_volume_is_read(shared_cad: Path) -> None:
    """surf114 is a patch of surface in inches: 3.4 x 3.7 x 3.6."""
    (body,) = Iges()(shared_cad / "assemblies" / "surf114.igs")
    assert np.ptp(body.vertices, axis=0) / 25.4 == pytest.approx((3.44, 3.72, 3.57), abs=0.02)


def test_what_was_cut_off_says_so(kernel_files: Path, tmp_path: Path) -> None:
    """A truncated file lacks its terminate section; other content has no start section."""
    path = tmp_path / "cut.igs"
    data = (kernel_files / "post-mm.igs").read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(Refusal, match="ends before its terminate section"):
        Iges()(path)
    path.write_bytes(b"solid nothing")
    with pytest.raises(Refusal, match="does not begin like an IGES file"):
        Iges()(path)
