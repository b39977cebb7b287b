"""The weights of the untrained model: the same bits everywhere, and better than nothing."""

from __future__ import annotations

import numpy as np
import pytest

from blocks import models
from tasks import initial
from tasks.embed import network

BITS = "493db02475aac672c9a649dbf0cb1791"  # of all weights; change it, and models.INITIALISATION, with the formula


def state_digest() -> str:
    """Hash of every weight of the shipped network, bit for bit."""
    from blake3 import blake3

    digest = blake3()
    for name, weight in sorted(network(models.find("partsight-small", "untrained")).state_dict().items()):
        digest.update(name.encode()).update(weight.contiguous().numpy().tobytes())
    return str(digest.hexdigest(length=16))


def test_the_weights_have_the_same_bits_on_every_machine() -> None:
    """Vectors of two machines are of one model: the weights are pinned by their hash."""
    assert state_digest() == BITS


def test_making_the_network_leaves_random_numbers_alone() -> None:
    """Nothing that draws random numbers of torch's notices that a model was made."""
    import torch

    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    network(models.find("partsight-small", "untrained"))
    assert torch.equal(torch.rand(3), expected)


def test_a_filter_sees_edges_and_no_brightness() -> None:
    """A plain picture answers nothing; every filter has the same length."""
    filters = initial.gabor(32)
    assert filters.shape == (768, 32, 32)
    assert np.abs(filters.sum(axis=(1, 2))).max() < 0.05
    assert np.linalg.norm(filters, axis=(1, 2)) == pytest.approx(np.ones(768), abs=0.01)


def test_the_block_turns_answers_into_magnitudes() -> None:
    """What the network says of a picture is what the formula says: sums of absolute answers."""
    import torch

    model = network(models.find("partsight-small", "untrained"))
    picture = np.random.default_rng(0).random((32, 32), dtype=np.float32)
    with torch.inference_mode():
        said = model.encode_image(torch.from_numpy(picture).expand(1, 3, -1, -1), normalize=True)[0].numpy()
    answers = np.abs(initial.gabor(32).reshape(768, -1) @ picture.ravel())
    energies = answers[0::2] + answers[1::2]
    assert np.corrcoef(said, energies)[0, 1] > 0.99
