"""torchvision imports beside a torch without CUDA."""

from __future__ import annotations

import subprocess
import sys

from blocks import torchvision_ops


def test_torchvision_imports_and_resizes_once_it_is_declared() -> None:
    """The transforms work in a fresh process, with or without the native operators."""
    code = (
        "from blocks import torchvision_ops; torchvision_ops.declare(); torchvision_ops.declare()\n"
        "import torch\nfrom torchvision.transforms import v2\n"
        "assert v2.Resize((4, 4))(torch.zeros(3, 8, 8)).shape == (3, 4, 4)\n"
        "assert hasattr(torch.ops.torchvision, 'nms')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_it_declares_nothing_where_the_operators_are_there() -> None:
    """A second declaration would be an error of torch's; the native one must win."""
    kept = torchvision_ops.declare()  # its declarations go when nobody holds it
    assert torchvision_ops._native()
    torchvision_ops.declare.cache_clear()
    assert torchvision_ops.declare() is None, kept
