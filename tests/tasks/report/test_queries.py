"""The report of an evaluation shows each query beside what it found, and trusts no name."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from blocks.catalogue import Catalogue
from tasks import score
from tasks.evaluate import Evaluation, Found, Group, Outcome
from tasks.queries import Query
from tasks.report.queries import write
from tasks.score import Change, Ranking, Threshold

EVIL = '"><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>'


def jpeg(seed: int) -> bytes:
    """A picture in one colour of its own."""
    buffer = io.BytesIO()
    colour = np.random.default_rng(seed).integers(0, 256, 3, dtype=np.uint8)
    Image.fromarray(np.broadcast_to(colour, (40, 60, 3)).copy()).save(buffer, "JPEG")
    return buffer.getvalue()


def outcome(part: str, rank: int | None, number: int) -> Outcome:
    """A query about `part`, found at `rank` among six."""
    names = [part if place == rank else f"other-{place}" for place in range(1, 7)]
    found = [Found(part=name, score=0.9 - 0.1 * place, image=f"i{place}") for place, name in enumerate(names)]
    own = found[rank - 1] if rank else None
    given: dict[str, Any] = {"difficulty": "clean", "renderer": "photoreal", "margin": 0.0}
    return Outcome(query=f"q{number}", part=part, rank=rank, own=own, found=tuple(found[:5]), **given)


def evaluation(*worst: Outcome, **changes: Any) -> Evaluation:
    """An evaluation of these outcomes."""
    rankings = [
        Ranking(
            part=one.part, relevant=frozenset({one.part}), parts=tuple(f.part for f in one.found), scores=(0.5,) * 5
        )
        for one in worst
    ]
    figures = score.figures(rankings)
    given: dict[str, Any] = {
        "table": "vectors__tiny",
        "parts": 9,
        "asked": 3,
        **dict(figures),
        "by_difficulty": {"clean": figures},
        "by_renderer": {"photoreal": figures},
        "by_source": {"views": figures, "all": figures},
        "variants": Change(value=0.03, low=0.01, high=0.05),
        "groups": (Group(parts=("other-1", EVIL), queries=4, confused=2),),
        "threshold": Threshold(value=0.62, false_accept=0.11, false_reject=0.07),
        "scores": {"own": (0.7, 0.8, 0.9), "others": (0.4, 0.5, 0.6)},
        "worst": worst,
    }
    return Evaluation(**given | changes)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """A catalogue with the pictures that were found."""
    made = Catalogue(uri=str(tmp_path / "db"))
    names = {f"i{place}": f"other-{place}" for place in range(6)}
    rows = [{"id": name, "part": part, "kind": "view", "place": 0, "image": jpeg(5)} for name, part in names.items()]
    made.upsert("images", rows)
    return made


def page(catalogue: Catalogue, tmp_path: Path, found: Evaluation, notes: tuple[str, ...] = ()) -> str:
    """The page about an evaluation."""
    asked = [
        Query(id=one.query, part=one.part, difficulty="clean", renderer="photoreal", picture=jpeg(place))
        for place, one in enumerate(found.worst)
    ]
    told = {"customer": EVIL, "run": "r1", "model": "tiny", "notes": list(notes)}
    path = write(catalogue, found, asked, told, tmp_path / "deep" / "report.html")
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def test_each_query_stands_beside_what_it_found(catalogue: Catalogue, tmp_path: Path) -> None:
    """In the order given; the right one is marked, and shown apart when it came later than the fifth."""
    text = page(catalogue, tmp_path, evaluation(outcome("A", None, 0), outcome("B", 6, 1), outcome("C", 2, 2)))
    first, second, third = re.findall(r"<article class=\"query\".*?</article>", text, re.DOTALL)
    assert "not found" in first
    assert 'class="right' not in first
    assert first.count("<li") == 5
    assert "found at place 6" in second
    assert second.count("<li") == 6
    assert re.search(r'<li class="right beyond">.*place 6, 0.400', second, re.DOTALL)
    assert re.findall(r'<li class="right">.*?<bdi>(.*?)</bdi>', third, re.DOTALL) == ["C"]
    assert third.count("<li") == 5
    assert third.index("0.900") < third.index("0.800")
    assert len(set(re.findall(r'class="asked"><img src="([^"]+)"', text))) == 3


def test_the_figures_are_those_of_the_evaluation(catalogue: Catalogue, tmp_path: Path) -> None:
    """Recall, threshold, variants and groups, in words that a customer understands."""
    text = page(catalogue, tmp_path, evaluation(outcome("A", 1, 0), outcome("B", 2, 1), outcome("C", 2, 2)))
    assert "33.3 % of 3 queries found their part at the first place, 100.0 % among the first five" in text
    assert "2 of 3 queries did not find their part at the first place" in text
    assert "Below a score of 0.620" in text
    assert "11.0 % of absent parts" in text
    assert "The variants help: +3.0 points" in text
    assert "2 of 4 queries found another one first" in text


def test_a_threshold_that_says_nothing_has_no_line(catalogue: Catalogue, tmp_path: Path) -> None:
    """It is said in words, and nothing is drawn."""
    nothing = Threshold(value=0, false_accept=1, false_reject=0)
    text = page(catalogue, tmp_path, evaluation(outcome("A", 1, 0), threshold=nothing))
    assert "no part is ever called absent" in text
    assert 'class="cut"' not in text
    assert 'class="cut"' in page(catalogue, tmp_path, evaluation(outcome("A", 1, 0)))


def test_every_name_that_is_html_is_shown_as_text(catalogue: Catalogue, tmp_path: Path) -> None:
    """A customer, a part or a note with markup makes no element, and nothing is loaded from anywhere."""
    text = page(catalogue, tmp_path, evaluation(outcome(EVIL, 2, 0), outcome(EVIL, None, 1)), (EVIL,))
    assert "<script>alert" not in text
    assert "onerror=alert(1)>" not in text.replace("&gt;", "")
    sources = re.findall(r'<(?:img|script|link|iframe)[^>]* (?:src|href)="([^"]*)"', text)
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)


def test_only_its_own_style_and_script_may_run(catalogue: Catalogue, tmp_path: Path) -> None:
    """The policy names the hashes of what is inside, and allows pictures that are inside."""
    text = page(catalogue, tmp_path, evaluation(outcome("A", 1, 0)))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    for tag in ("style", "script"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1].replace("&#43;", "+")


def test_a_picture_that_is_gone_leaves_a_blank(tmp_path: Path) -> None:
    """The page is written all the same."""
    text = page(Catalogue(uri=str(tmp_path / "empty")), tmp_path, evaluation(outcome("A", 6, 0)))
    assert text.count('<span class="blank">') == 8
