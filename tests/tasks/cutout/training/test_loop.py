"""The cut-out's network learns which pixels are the object's, and a stopped training ends where another one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from tasks.cutout import network
from tasks.cutout.training import loop
from tasks.cutout.training.course import Course
from tasks.training.pace import Pace

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.cutout.training.library import Album
    from tasks.records import Bytes

COURSE = Course(hard=1000, pace=Pace(steps=8, batch=4, rate=3e-3, warm=2, averaged=0.5))


def lessons(album: Album, views: list[Bytes], scenes: Bytes, folder: Path) -> loop.Lessons:
    """The training in a folder of its own."""
    folder.mkdir(exist_ok=True)
    return loop.Lessons(album, views, scenes, COURSE, folder)


def test_it_learns_and_goes_on_as_if_it_had_never_stopped(
    album: Album, views: list[Bytes], scenes: Bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dozen steps lower the loss; stopped in their middle and started again, they give the same weights."""
    monkeypatch.setattr(loop, "SETTLING", 2)
    whole = lessons(album, views, scenes, tmp_path / "whole")
    batch = whole.batch(10**6)
    before = float(loop.losses(whole.learner.networks["silhouette"], batch)["loss"].detach())
    whole.learner.run(whole.losses, lambda _: None)
    assert float(loop.losses(whole.learner.networks["silhouette"], batch)["loss"].detach()) < 0.9 * before
    first = lessons(album, views, scenes, tmp_path / "halves")
    first.learner.run(first.losses, lambda _: None, until=3)
    first.learner.save()
    second = lessons(album, views, scenes, tmp_path / "halves")
    assert second.learner.resume() == 3
    second.learner.run(second.losses, lambda _: None)
    ends = [loop.settled(one, one.learner.averaged()["silhouette"]).state_dict() for one in (whole, second)]
    for name, value in ends[0].items():
        torch.testing.assert_close(value, ends[1][name], rtol=0, atol=0)


def test_half_of_a_batch_is_traced_and_depends_on_its_step_alone(
    album: Album, views: list[Bytes], scenes: Bytes, tmp_path: Path
) -> None:
    """In both halves the cover says where the object is: there it is of another brightness than around it."""
    one, other = (lessons(album, views, scenes, tmp_path / name) for name in ("one", "other"))
    batch = one.batch(3)
    for what in ("given", "cover", "counts"):
        torch.testing.assert_close(getattr(batch, what), getattr(other.batch(3), what), rtol=0, atol=0)
    assert not torch.equal(batch.given, one.batch(4).given)
    assert batch.given.shape == (4, 3, network.SIDE, network.SIDE)
    assert (batch.counts[:2] == 1).all()  # composed
    for picture, cover in zip(batch.given.mean(1), batch.cover[:, 0], strict=True):
        assert 0.03 < cover.mean() < 0.9
        assert abs(picture[cover > 0.9].mean() - picture[cover < 0.1].mean()) > 0.03


def test_the_mirrored_object_beyond_the_edge_does_not_count(album: Album) -> None:
    """It is neither the object nor ground; all other pixels count, and the object is not lost."""
    both = np.concatenate([album.images, album.covers[..., None]], axis=3)
    both[:, :, :20] = 255  # an object at the edge
    for seed in range(4):
        pictures, cover, counts = loop.moved(torch.from_numpy(both), torch.Generator().manual_seed(seed))
        bright = (pictures.mean(1, keepdim=True) > 0.95) & (cover < 0.1)
        assert (counts[bright] == 0).all()
        assert (counts[cover > 0.95] == 1).all()
        assert counts.mean() > 0.6


def test_folding_changes_nothing_that_is_said() -> None:
    """Batch norms with means and weights of their own are the same as none, in the convolutions."""
    learned = network.created(5, norms=True)
    drawn = torch.Generator().manual_seed(5)
    for layer in learned.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            for value in (layer.running_mean, layer.running_var, layer.weight.data, layer.bias.data):
                value.copy_(torch.rand(value.shape, generator=drawn) + 0.2)
    given = torch.rand(2, 3, network.SIDE, network.SIDE, generator=drawn)
    with torch.inference_mode():
        torch.testing.assert_close(network.folded(learned)(given), learned.eval()(given), rtol=1e-3, atol=1e-3)


def test_the_exam_knows_a_perfect_mask_and_an_empty_one(album: Album) -> None:
    """Intersection over union is 1 for the truth, 0 for nothing."""
    assert (loop.overlaps(album, [cover / np.float32(255) for cover in album.covers]) == 1).all()
    assert (loop.overlaps(album, [np.zeros(cover.shape, np.float32) for cover in album.covers]) == 0).all()
    found = loop.exam(network.created(0, norms=False).eval(), album)
    assert found["classical, clean, IoU"] > 0.9
    assert set(found) == {
        f"{who}, {place}, {what}"
        for who in ("network", "classical")
        for place in ("clean", "cluttered")
        for what in ("IoU", "over 0.8")
    }


def test_written_weights_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In half precision and without any code: what is loaded says the same, and what is missing is named."""
    silhouette: Any = network.created(3, norms=False).eval()
    monkeypatch.setattr(network, "WEIGHTS", loop.write(silhouette, tmp_path / loop.FILE))
    network._loaded.cache_clear()
    given = torch.rand(1, 3, network.SIDE, network.SIDE)
    with torch.inference_mode():
        torch.testing.assert_close(silhouette(given), network.trained()(given), rtol=0.02, atol=0.02)
    monkeypatch.setattr(network, "WEIGHTS", tmp_path / "none.safetensors")
    network._loaded.cache_clear()
    with pytest.raises(ValueError, match=r"none\.safetensors is not part of this installation"):
        network.trained()
    network._loaded.cache_clear()
