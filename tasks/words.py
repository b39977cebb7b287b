"""How well the words of a query are said of a part: from 0, not at all, to 1, all of them and exactly."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

EXACT: Final = 1.0  # the word itself: "m6x20", "a-1002-33"
PIECE: Final = 0.95  # what stands between hyphens, dots or slashes: "1002" of "a-1002-33"
START: Final = 0.85  # how a word starts: "m6" of "m6x20"; or one of its numbers: "20" of "m6x20"
STEM: Final = 0.8  # a word that goes on: "brackets" of "bracket"
INSIDE: Final = 0.7  # letters in the middle: "schraube" of "sechskantschraube"
APART: Final = 0.6  # its letters and its figures found apart: "din933" of "din-norm 933"
_SPELLINGS: Final = (
    (re.compile(r"(?<=\d)[ \t]*[x×*][ \t]*(?=\d)"), "x"),  # noqa: RUF001 - people type all three
    (re.compile(r"\bm[ \t]+(?=\d)"), "m"),  # M 6
    (re.compile(r"(?<=\d),(?=\d)"), "."),  # 2,5
    (re.compile(r"([aou])e"), r"\1"),  # Schluessel, as Schlüssel without its dots
)
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")  # what NFKD splits off letters
_WORD: Final = re.compile(r"\w+(?:[.\-/]\w+)*")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_RUN: Final = re.compile(r"\d+|[^\W\d_]+")
_EDGE_LEFT: Final = r"(?<![^\W_])"
_EDGE_RIGHT: Final = r"(?![^\W_])"
_SHORTEST_STEM: Final = 4
_SHORTEST_INSIDE: Final = 3


def fold(text: str) -> str:
    """`text` as it is compared: small letters without accents, sizes and umlauts spelled one way."""
    text = text.casefold()
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    for pattern, spelling in _SPELLINGS:
        text = pattern.sub(spelling, text)
    return text


def coverage(query: str, documents: Sequence[str]) -> NDArray[np.float64]:
    """How much of `query` each of `documents` says, (n,) float64 from 0 to 1.

    The mean over the query's words of how closely each is matched, weighted by log(1 + n / k) for a word
    that k of the n documents match: a rare word counts for more than one that all of them have.
    """
    terms = list(dict.fromkeys(_WORD.findall(fold(query))))
    if not terms or not documents:
        return np.zeros(len(documents))
    texts = fold("\n".join(document.replace("\n", " ") for document in documents)).split("\n")  # all in one go
    found = np.array([[match(term, text) for term in terms] for text in texts])
    matched = (found > 0).sum(axis=0)
    weights = np.log1p(len(documents) / np.maximum(matched, 1))
    return np.asarray(found @ weights / weights.sum(), dtype=np.float64)


def match(term: str, text: str) -> float:
    """How closely one folded word is found in a folded text, 0 to 1."""
    if term in text:
        return _within(term, text)
    head = term[:_SHORTEST_STEM]
    if len(head) == _SHORTEST_STEM and head in text:
        words = (word for word in _LETTERS.findall(text) if len(word) >= _SHORTEST_STEM)
        if any(term.startswith(word) for word in words):
            return STEM
    runs = _RUN.findall(term)
    if len(runs) < 2 or not all(run in text for run in runs):
        return 0.0
    return APART * sum(_within(run, text) for run in runs) / len(runs)


def _within(term: str, text: str) -> float:
    """How closely `term` is found in a `text` that has its letters in this order somewhere."""
    if term in _WORD.findall(text):
        return EXACT
    start = re.search(rf"{_EDGE_LEFT}{re.escape(term)}", text)
    if start and re.search(rf"{_EDGE_LEFT}{re.escape(term)}{_EDGE_RIGHT}", text):
        return PIECE
    if start or term in _RUN.findall(text):
        return START
    return INSIDE if len(term) >= _SHORTEST_INSIDE else 0.0
