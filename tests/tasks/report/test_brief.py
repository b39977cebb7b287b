"""The report on the page of a run shows the words of a customer's files as they are, and does nothing with them."""

from __future__ import annotations

import html

from tasks.report import brief


def test_words_are_shown_as_they_are() -> None:
    """Each sign is written by its number, once: no Markdown, no HTML, and nothing that is read another way."""
    words = "Bolt (M8) #2 & nut | [x](javascript:1) <img src=x> *_`~{}\\ R&amp;D &#35; +1!"
    written = brief.text(words)
    assert html.unescape(written) == words
    assert brief.text("Bolt (M8)") == "Bolt &#40;M8&#41;"
    assert not set("\\`*_{}[]()<>|~!+") & set(written)
    assert brief.text("a\nb\x00c") == "a b c"
