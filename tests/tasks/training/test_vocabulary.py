"""The vocabulary: open_clip reads it, and often used words are one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blocks import torchvision_ops
from tasks.training import vocabulary

if TYPE_CHECKING:
    from pathlib import Path


def test_open_clip_reads_what_was_learned(tmp_path: Path) -> None:
    """Words that stand often are one token; every other one is spelled in known pieces."""
    torchvision_ops.declare()
    from open_clip.tokenizer import SimpleTokenizer

    captions = ["hex bolt M8", "hex nut M8", "flat washer", "Hex Bolt 20 mm long"] * 5
    file = tmp_path / "words.bpe.txt.gz"
    count = vocabulary.write(vocabulary.learned(captions), file)
    tokenizer = SimpleTokenizer(bpe_path=str(file), context_length=16)
    assert tokenizer.vocab_size == count
    assert len(tokenizer.encode("hex bolt")) == 2
    assert tokenizer.decode(tokenizer.encode("gearbox")).strip() == "gearbox"
    assert int(tokenizer(["hex bolt"]).max()) < count


def test_the_same_captions_give_the_same_file(tmp_path: Path) -> None:
    """The file holds no time and no chance, so that weights and words stay together."""
    files = [tmp_path / "one.gz", tmp_path / "two.gz"]
    for file in files:
        vocabulary.write(vocabulary.learned(["round flange, four holes"] * 4), file)
    assert files[0].read_bytes() == files[1].read_bytes()
