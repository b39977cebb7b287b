"""Group norms that learn quickly say what torch's own say."""

from __future__ import annotations

import copy

import torch

from tasks.training.norms import quickened


def test_quick_norms_say_and_learn_the_same() -> None:
    """Values and gradients are torch's, for pictures and for rows, and the weights keep their names."""
    torch.manual_seed(1)
    slow = torch.nn.Sequential(torch.nn.GroupNorm(4, 16))
    torch.nn.init.uniform_(slow[0].weight)
    torch.nn.init.uniform_(slow[0].bias)
    quick = quickened(copy.deepcopy(slow))
    assert quick.state_dict().keys() == slow.state_dict().keys()
    assert type(quick[0]) is not type(slow[0])
    for shape in ((3, 16, 8, 8), (3, 16, 20)):
        given = (torch.randn(shape) * 3 + 5).requires_grad_()
        same = given.detach().clone().requires_grad_()
        ahead = torch.randn(shape)
        there, here = slow(given), quick(same)
        assert torch.allclose(there, here, atol=1e-4)
        there.backward(ahead)
        here.backward(ahead)
        assert torch.allclose(given.grad, same.grad, atol=1e-4)
        assert torch.allclose(slow[0].weight.grad, quick[0].weight.grad, atol=1e-2)
