"""What a customer wrote is shown and does nothing: reports full of attacks, opened in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from blocks.catalogue import Catalogue
from tasks import report
from tasks.report import brief
from tasks.tally import Tally

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'><svg/onload=alert(3)>",
    "</style><style>*{background:url(http://127.0.0.1:9/css)}</style>",
    "</script><script src=http://127.0.0.1:9/x.js></script>",
    "javascript:alert(4)",
    "<iframe srcdoc='<script>parent.alert(5)</script>'></iframe>",
    "<base href=http://127.0.0.1:9/><a href=x>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<form action=http://127.0.0.1:9/><input name=q autofocus onfocus=alert(6)>",
    "{{7*7}}${7*7}#{7*7}<%= 7*7 %>",
    "--><!-- ]]> &lt;script&gt;",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "[link](javascript:alert(7)) ![x](http://127.0.0.1:9/i.png)",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a screen."""
    from playwright.sync_api import sync_playwright

    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        started.close()


def attacked(folder: Path) -> tuple[Catalogue, dict[str, Any]]:
    """A catalogue and a run whose every word is an attack."""
    made = Catalogue(uri=str(folder / "db"))
    squares = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(squares).save(folder / "a.jpg")
    picture = (folder / "a.jpg").read_bytes()
    rows, images = [], []
    for place, words in enumerate(ATTACKS):
        found = json.dumps([{"file": f"{words}.step", "path": f"{words}/{words}", "count": 2}])
        told = {"name": words, "description": words, "material": words, "words": words, "photos": "[]"}
        told |= {"status": "retired" if place % 5 == 4 else "active", "occurrences": found, "size_mm": [1.0, 2.0, 3.0]}
        rows.append({"part": f"{place} {words}", "colour": [0.5, 0.5, 0.5]} | told)
        images.append({"id": f"v{place}", "part": f"{place} {words}", "kind": "view", "image": picture})
        images[-1]["accepted"] = True
        images.append({"id": f"x{place}", "part": f"{place} {words}", "kind": "variant", "image": picture})
        images[-1] |= {"accepted": False, "reason": words, "prompt": words}
    made.upsert("parts", rows)
    made.upsert("images", images)
    tally = Tally("acme", ATTACKS[0])
    tally.settle({}, [{"file": words, "reason": words} for words in ATTACKS], list(ATTACKS))
    return made, tally.summary()


def test_a_report_full_of_attacks_shows_them_and_does_nothing(browser: Browser, tmp_path: Path) -> None:
    """No dialog, no request, no element that is not ours, no error of our own; the filter still works."""
    catalogue, summary = attacked(tmp_path)
    path = report.write(catalogue, summary, tmp_path / "report.html")
    page = browser.new_page()
    dialogs, asked, errors = [], [], []
    page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
    page.on("request", lambda one: asked.append(one.url))
    page.on("console", lambda one: errors.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda one: errors.append(str(one)))
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    assert dialogs == []
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert errors == []
    assert page.url == path.as_uri()
    counted = "names => names.map(name => document.querySelectorAll(name).length)"
    assert page.evaluate(counted, ["script", "style", "base", "iframe", "form", "object", "embed"]) == [1, 1] + [0] * 5
    handlers = "() => [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/.test(a.name)))"
    assert page.evaluate(f"({handlers})().length") == 0
    assert page.evaluate("() => [...document.links].every(a => a.getAttribute('href').startsWith('#'))")
    text = page.inner_text("body")
    assert "<script>alert(1)</script>" in text
    assert "{{7*7}}" in text
    page.fill("#filter", "javascript:alert(4)")  # our own script runs: the policy knows its hash
    assert page.locator("article.part:visible").count() == 1
    page.fill("#filter", "")
    shot = Path(__file__).parents[2] / "build" / "ui"
    shot.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=shot / "report-attacked.png")
    page.close()


def test_the_policy_stops_what_escaping_would_miss(browser: Browser, tmp_path: Path) -> None:
    """A script, a style, a picture and a form put into the page by hand are not run, used, fetched or sent."""
    catalogue, summary = attacked(tmp_path)
    path = report.write(catalogue, summary, tmp_path / "report.html")
    worse = (
        "<script>document.title='taken'</script><img src=http://127.0.0.1:9/i.png onerror=\"document.title='taken'\">"
        "<style>body{display:none}</style><iframe src=http://127.0.0.1:9/></iframe>"
    )
    html = path.read_text(encoding="utf-8")
    path.write_text(html.replace("<main>", f"<main>{worse}", 1), encoding="utf-8")
    page = browser.new_page()
    fetched: list[str] = []
    page.on("requestfinished", lambda one: fetched.append(one.url) if one.url.startswith("http") else None)
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    assert page.title() != "taken"
    assert page.locator("body").is_visible()
    assert fetched == []
    page.close()


def test_the_page_of_a_run_in_prefect_shows_them_too(tmp_path: Path) -> None:
    """The Markdown of an artifact keeps no sign that makes a link, a picture or an element of a customer's words."""
    catalogue, summary = attacked(tmp_path)
    told = brief.markdown(catalogue, summary)
    assert "<" not in told
    assert "](javascript" not in told
    assert "](http" not in told
    assert all(link.startswith("data:image/") for link in (one.split(")")[0] for one in told.split("](")[1:]))
