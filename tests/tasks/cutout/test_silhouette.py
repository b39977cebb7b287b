"""A picture of any size and kind becomes a mask of its size, always the same one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from tasks.cutout import cut, network
from tasks.cutout.silhouette import masked
from tasks.generate import specimen
from tasks.records import Bytes, generator
from tasks.snapshot import taken
from tasks.studio.surface import surface

if TYPE_CHECKING:
    from tasks.records import View

PARTS = (("angle bracket", 1003, 0), ("spur gear", 1004, 1), ("machined block", 1005, 0), ("hinge", 3, 0))


def block(height: int = 200, width: int = 260) -> Bytes:
    """A dark block on light, noisy ground."""
    shown = generator("ground").normal(180, 4, (height, width, 3)).clip(0, 255).astype(np.uint8)
    shown[height // 4 : height * 2 // 3, width // 4 : width * 3 // 4] = (40, 60, 90)
    return shown


def photographed(key: tuple[str, int, int]) -> View:
    """A part that training has not seen, on a wooden table, by the catalogue's own renderer."""
    from tasks.stages.background import Background

    made = specimen(*key)
    view = taken(surface(made.vertices, made.faces), made.part, "cut", 256)
    placed: View = next(iter(Background(scenes=("wood",))(view.replace(rng=generator(made.number)))))
    return placed


def test_the_network_that_ships_finds_parts_better_than_what_stands_out() -> None:
    """On a grainy table: nearly all of each part, and little else; the classical piece is further off."""
    from tasks.cutout.training.loop import classical

    shares = []
    for key in PARTS:
        view = photographed(key)
        masks = cut(view.image).mask > 0.5, classical(view.image) > 0.5
        shares.append([(mask & view.mask).sum() / (mask | view.mask).sum() for mask in masks])
    network_, classic = np.mean(shares, axis=0)
    assert network_ > 0.8, shares
    assert network_ > classic, shares


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 900), (700, 31), (128, 128), (301, 200)])
def test_the_mask_is_of_the_size_of_the_picture(shape: tuple[int, int]) -> None:
    """Whatever that is: long, tall, tiny, odd."""
    found = cut(block(*shape))
    assert found.mask.shape == shape
    assert found.mask.dtype == np.float32
    assert 0 <= found.mask.min() <= found.mask.max() <= 1


def test_what_is_padded_is_no_part_of_the_mask() -> None:
    """A picture that was made square by hand has the same mask there, and 0 beside it."""
    from tasks.cutout import square

    shown = block(200, 261)
    wide, whole = cut(shown).mask, cut(square(shown)).mask
    np.testing.assert_array_equal(wide, whole[31:231])
    assert wide[60:120, 80:180].min() > 0.5


@pytest.mark.parametrize("grey", [0, 90, 255])
def test_without_an_object_nothing_is_found(grey: int) -> None:
    """The mask is then all of the picture."""
    found = cut(np.full((50, 70, 3), grey, np.uint8))
    assert not found.found
    assert (found.mask == 1).all()


def test_grey_pictures_are_cut_out_too() -> None:
    """Three equal channels."""
    grey = np.repeat(block().mean(2, keepdims=True).astype(np.uint8), 3, axis=2)
    found = cut(grey)
    assert found.found
    assert found.mask[60:120, 80:180].min() > 0.5


def test_threads_and_repeated_calls_find_the_same() -> None:
    """Also where several threads are the first to need the network."""
    shown = block()
    network._loaded.cache_clear()
    with ThreadPoolExecutor(4) as threads:
        masks = [one.mask for one in threads.map(cut, [shown] * 6)]
    for mask in [*masks, cut(shown.copy()).mask]:
        np.testing.assert_array_equal(mask, masks[0])


def dark(given: torch.Tensor) -> torch.Tensor:
    """A network that thinks what is dark is an object."""
    return (given.mean(1, keepdim=True) < 0.5 - network.MIDDLE).float() * 8 - 4


def bright(given: torch.Tensor) -> torch.Tensor:
    """A network that has nothing but what is nearly white for an object."""
    return (given.mean(1, keepdim=True) > 0.97 - network.MIDDLE).float() * 8 - 4


def overlap(mask: Any, where: Any) -> float:
    """Intersection over union."""
    return float(((mask > 0.5) & where).sum() / ((mask > 0.5) | where).sum())


def test_only_the_heaviest_piece_is_kept_and_looks_are_turned_back() -> None:
    """A smaller one beside it is another object."""
    shown, where = np.full((300, 300, 3), 220, np.uint8), np.zeros((300, 300), dtype=bool)
    where[40:130, 60:200] = True
    where[100:130, 60:90] = False  # nothing about it is symmetric
    shown[where] = 60
    assert overlap(masked(shown, dark).mask, where) > 0.97
    shown[200:260, 20:60] = 60
    assert overlap(masked(shown, dark).mask, where) > 0.97


def test_a_far_object_is_looked_at_from_near() -> None:
    """Of an object that is 14 of the network's pixels wide more is found than those pixels hold."""
    shown, where = np.full((1280, 1280, 3), 220, np.uint8), np.zeros((1280, 1280), dtype=bool)
    where[500:640, 700:840] = True
    where[500:512, 700:840:24] = False  # teeth, about one pixel
    shown[where] = 60
    assert overlap(masked(shown, dark).mask, where) > 0.96


def test_where_the_network_sees_nothing_what_stands_out_is_the_object() -> None:
    """The classical piece; and a speck is nothing."""
    shown = block(256, 256)
    there = (shown == (40, 60, 90)).all(axis=2)
    for _ in range(2):
        found = masked(shown, bright)
        assert found.found
        assert overlap(found.mask, there) > 0.8
        shown[:8, :8] = 255


def test_the_last_pictures_are_not_cut_out_twice() -> None:
    """A search asks for the embedding, and again for the shape; another picture is another question."""
    first = block()
    assert cut(first) is cut(first.copy())
    assert not cut(first).mask.flags.writeable
    assert cut(first) is not cut(first[:, ::-1])
