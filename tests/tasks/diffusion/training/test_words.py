"""The text side in another form says the same."""

from __future__ import annotations

from pathlib import Path

import torch

from blocks import models
from tasks.diffusion.training.words import converted, text_side
from tasks.embed import network

SAID = [
    "hex bolt M8, 40 mm long, steel zinc plated, on a wooden workbench",
    "",
    "Größe 12 don't",
    "ribbed bracket " * 30,
]


def test_text_side_says_the_same_in_both_forms() -> None:
    """Tokens are equal, and so are hidden states, for short, empty, foreign and too long captions."""
    import open_clip

    weights = models.find(models.SHIPPED)
    encoder, tokenizer = converted(weights)
    model = network(weights)
    there = open_clip.get_tokenizer(weights.architecture, bpe_path=str(weights.vocabulary))(SAID)
    here = tokenizer(SAID, padding="max_length", truncation=True, max_length=40, return_tensors="pt").input_ids
    assert torch.equal(there, here)
    seen: list[torch.Tensor] = []
    model.ln_final.register_forward_hook(lambda _, __, out: seen.append(out))
    with torch.no_grad():
        model.encode_text(there)
        assert torch.allclose(encoder(here)[0], seen[0], atol=1e-5)
    assert seen[0].std() > 0.1


def test_text_side_is_kept(tmp_path: Path) -> None:
    """What is trained goes with one text side: the one in the folder, whatever ships later."""
    first, _ = text_side(tmp_path)
    with torch.no_grad():
        first.final_layer_norm.bias += 1
    first.save_pretrained(tmp_path / "text_encoder")
    second, tokenizer = text_side(tmp_path)
    assert torch.equal(first.final_layer_norm.bias, second.final_layer_norm.bias)
    assert tokenizer.model_max_length == 40
