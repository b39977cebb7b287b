"""The quick arithmetic: the same network, in other numbers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from blocks import torchvision_ops
from tasks import arithmetic


def model() -> Any:
    """A network of convolutions whose norms are not the ones it was born with."""
    torchvision_ops.declare()
    from open_clip.timm_model import TimmModel

    torch.manual_seed(1)
    visual = TimmModel("resnet10t", embed_dim=16, image_size=64)
    for layer in visual.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2)
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
    whole = torch.nn.Module()
    whole.visual = visual
    return whole.eval()


def test_a_quickened_network_sees_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With norms folded in nothing changes but the last bits; in bfloat16 directions hardly turn."""
    plain = model()
    pictures = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = plain.visual(pictures)
        for native, error in ((False, 1e-4), (True, 0.02)):
            monkeypatch.setattr(arithmetic, "bfloat16", lambda _, native=native: native)
            quick = arithmetic.quickened(copy.deepcopy(plain), "cpu")
            with arithmetic.precision("cpu"):
                found = quick.visual(pictures).float()
            assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in quick.visual.modules())
            turned = 1 - torch.nn.functional.cosine_similarity(found, expected)
            assert turned.max() < error


def test_a_network_without_norms_of_that_kind_is_left_alone() -> None:
    """Transformers keep their modules."""
    torchvision_ops.declare()
    from open_clip.model import CLIPVisionCfg, _build_vision_tower

    whole = torch.nn.Module()
    whole.visual = _build_vision_tower(16, CLIPVisionCfg(layers=1, width=32, head_width=16, image_size=32))
    names = [name for name, _ in whole.named_modules()]
    assert [name for name, _ in arithmetic.quickened(whole, "cpu").named_modules()] == names
