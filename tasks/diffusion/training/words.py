"""The text side of the diffusion model: the embedder's own, in the form that diffusers reads."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, Final

from blocks import models, torchvision_ops
from tasks.embed import network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAD: Final = "!"  # open_clip pads with the number 0, and that is its first word
START, END = "<|startoftext|>", "<|endoftext|>"


def text_side(folder: Path) -> tuple[Any, Any]:
    """CLIPTextModel and CLIPTokenizer in `folder`, made from the embedder that ships where they are not there yet.

    Kept, since what is trained on its hidden states goes with these weights and with no others.
    """
    torchvision_ops.declare()
    from transformers import CLIPTextModel, CLIPTokenizer

    if not (folder / "tokenizer" / "tokenizer_config.json").is_file():
        encoder, tokenizer = converted(models.find(models.SHIPPED))
        encoder.save_pretrained(folder / "text_encoder")
        tokenizer.save_pretrained(folder / "tokenizer")
    encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", local_files_only=True)
    return encoder.eval().requires_grad_(requires_grad=False), CLIPTokenizer.from_pretrained(folder / "tokenizer")


def converted(weights: models.Weights) -> tuple[Any, Any]:
    """The text side of open_clip's model of `weights` as transformers' CLIPTextModel and CLIPTokenizer.

    Its hidden states after the last norm are the same. Raises ValueError where the model has no vocabulary of its own.
    """
    torchvision_ops.declare()
    from transformers import CLIPTextConfig, CLIPTextModel

    if weights.vocabulary is None:
        raise ValueError(f"{weights.name} has no vocabulary of its own: only such a text side can be converted.")
    model = network(weights)
    encoder = CLIPTextModel(CLIPTextConfig(**_config(model)))
    encoder.load_state_dict(_renamed(model.state_dict(), model.transformer.layers))
    return encoder.eval(), _tokenizer(weights.vocabulary, model.context_length)


def _config(model: Any) -> dict[str, Any]:
    width, words = model.ln_final.normalized_shape[0], model.vocab_size
    return {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": model.transformer.resblocks[0].mlp.c_fc.out_features,
        "projection_dim": model.text_projection.shape[1],
        "num_hidden_layers": model.transformer.layers,
        "num_attention_heads": model.transformer.resblocks[0].attn.num_heads,
        "max_position_embeddings": model.context_length,
        "hidden_act": "gelu",
        "pad_token_id": 0,
        "bos_token_id": words - 2,
        "eos_token_id": words - 1,
    }


def _renamed(state: Mapping[str, Any], layers: int) -> dict[str, Any]:
    """open_clip's weights under transformers' names; query, key and value apart."""
    found = {
        "embeddings.token_embedding.weight": state["token_embedding.weight"],
        "embeddings.position_embedding.weight": state["positional_embedding"],
        "final_layer_norm.weight": state["ln_final.weight"],
        "final_layer_norm.bias": state["ln_final.bias"],
    }
    names = {
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
        "mlp.c_fc": "mlp.fc1",
        "mlp.c_proj": "mlp.fc2",
        "attn.out_proj": "self_attn.out_proj",
    }
    for layer in range(layers):
        old, new = f"transformer.resblocks.{layer}", f"encoder.layers.{layer}"
        for kind in ("weight", "bias"):
            found |= {f"{new}.{name}.{kind}": state[f"{old}.{was}.{kind}"] for was, name in names.items()}
            thirds = state[f"{old}.attn.in_proj_{kind}"].chunk(3)
            for third, name in zip(thirds, ("q_proj", "k_proj", "v_proj"), strict=True):
                found[f"{new}.self_attn.{name}.{kind}"] = third
    return found


def _tokenizer(vocabulary: Path, length: int) -> Any:
    """open_clip's vocabulary file (gzip, one merge a line) as a CLIPTokenizer."""
    from open_clip.tokenizer import bytes_to_unicode
    from transformers import CLIPTokenizer

    lines = gzip.decompress(vocabulary.read_bytes()).decode("utf-8").split("\n")[1:]
    merges = [(line.split()[0], line.split()[1]) for line in lines if line]
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), *(a + b for a, b in merges), START, END]
    numbers = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=numbers, merges=merges, pad_token=PAD, model_max_length=length)
