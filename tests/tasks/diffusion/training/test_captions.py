"""Captions to learn from are written as prompts are."""

from __future__ import annotations

import numpy as np

from tasks.diffusion import prompts
from tasks.diffusion.training import captions
from tasks.diffusion.training.captions import Words
from tasks.photoreal.benches import BUSY, CALM
from tasks.records import generator
from tasks.rig import MATERIALS

SAID = Words(material="brass", place="on a steel table", wear="dusty", light="overcast daylight")


def test_prompts_ask_for_what_was_learned() -> None:
    """Every place, light, camera and wear that a prompt may ask for stands in captions."""
    places = {*captions.TRACED.values(), *captions.DRAWN.values(), "in a plastic bin"}
    assert set(prompts.PLACES) <= places
    assert set(prompts.LIGHTS) == {word for row in captions.LIGHTS.values() for word in row}
    assert set(prompts.WEARS) == {word for row in captions.WEARS for word in row}
    assert {*captions.CAMERAS, captions.ABOVE, captions.CLOSE} <= set(prompts.CAMERAS)
    assert {*CALM, *BUSY} == set(captions.TRACED)


def test_caption_begins_with_the_part_and_leaves_some_out() -> None:
    """The name comes first, words keep the order of a prompt, and each is left out now and then."""
    made = [captions.written(("hex bolt", "screw"), ("M8", "40 mm long"), SAID, generator(seed)) for seed in range(200)]
    assert all(caption.startswith(("hex bolt", "screw")) for caption in made)
    assert 100 < sum("steel table" in caption for caption in made) < 200
    both = [caption for caption in made if "brass" in caption and "daylight" in caption]
    assert both
    assert all(caption.index("brass") < caption.index("daylight") for caption in both)


def test_materials_and_light_in_plain_words() -> None:
    """A finish is named by its colour, a lamp by its warmth and by how small it is."""
    assert captions.material(MATERIALS["brass"]) == "brass"
    assert captions.material(MATERIALS["rubber"]) == "black rubber"
    assert (
        captions.material(MATERIALS["pla"].replace(base=(0.8, 0.2, 0.02)), printed=True) == "orange 3d printed plastic"
    )
    lamp = np.full((64, 128, 3), 0.2, np.float32)
    lamp[10:12, 20:24] = 500
    rng = generator("light")
    assert captions.light(lamp, (1.6, 1.0, 0.6), rng) == "light of a desk lamp"
    assert captions.light(np.ones_like(lamp), (1.0, 1.0, 1.0), rng) == "fluorescent workshop light"
