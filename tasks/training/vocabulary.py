"""The words of the model that ships: a byte-pair vocabulary learned from captions, in CLIP's own form."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MERGES: Final = 1024
_END: Final = "</w>"
_SPLIT: Final = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"  # as open_clip's tokenizer does


def learned(captions: Iterable[str], merges: int = MERGES) -> list[tuple[str, str]]:
    """The pairs that are joined, in their order, from how often they stand together in `captions`."""
    import json

    from tokenizers import Regex, Tokenizer, pre_tokenizers
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer

    tokenizer = Tokenizer(BPE(end_of_word_suffix=_END))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_SPLIT), behavior="removed", invert=True)
    trainer = BpeTrainer(vocab_size=100_000, min_frequency=3, end_of_word_suffix=_END, show_progress=False)
    tokenizer.train_from_iterator((caption.lower() for caption in captions), trainer)
    found = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(pair) for pair in found[:merges]]


def write(pairs: Iterable[tuple[str, str]], file: Path) -> int:
    """Write the pairs as open_clip reads them; returns how many words the vocabulary has, bytes and marks included."""
    pairs = list(pairs)
    lines = ["#version: partsight", *(" ".join(pair) for pair in pairs)]
    file.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    return 512 + len(pairs) + 2
