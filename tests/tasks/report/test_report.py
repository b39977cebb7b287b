"""The report is one page that tells the truth, holds all it shows and trusts no name."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from blocks.catalogue import Catalogue
from tasks import report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TABLE = "vectors__tiny_random_0a1b2c3d"
EVIL = '"><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>'


class Page(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"style": [], "script": []}
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the element."""
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in self.inline else ""

    def handle_endtag(self, tag: str) -> None:
        """Leave a style or script."""
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        """Remember text, apart for styles and scripts."""
        (self.inline[self._inside] if self._inside else self.words).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every `tag`."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        """What a reader reads."""
        return " ".join(" ".join(self.words).split())


def picture(seed: int, mode: str = "RGB", side: int = 64, kind: str = "WEBP") -> bytes:
    """Bytes of a noisy picture: the hardest thing to keep small."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, len(mode)), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, kind)
    return buffer.getvalue()


def image_row(name: str, part: str, kind: str, data: bytes, **columns: Any) -> dict[str, Any]:
    """A row of the images table."""
    return {"id": name, "part": part, "kind": kind, "image": data, "accepted": True, "run": "r1", **columns}


def part_row(number: str, **columns: Any) -> dict[str, Any]:
    """A row of the parts table."""
    places = json.dumps([{"file": f"{number}.step", "path": "", "count": 1}])
    return {"part": number, "name": "", "status": "active", "occurrences": places, "photos": "[]", **columns}


def catalogue(folder: Path, numbers: Sequence[str], views: int = 2, side: int = 64) -> Catalogue:
    """A catalogue in which every part has `views` views and one variant; all vectors point elsewhere."""
    made = Catalogue(uri=str(folder / "catalogue"))
    data = picture(0, "RGBA", side), picture(1, side=side, kind="JPEG")
    rows, vectors = [], []
    for place, number in enumerate(numbers):
        names = [f"{place:04d}{view:04x}" for view in range(views)]
        rows += [image_row(name, number, "view", data[0]) for name in names]
        rows.append(image_row(f"{place:04d}var", number, "variant", data[1], parent=names[0]))
        vector = np.random.default_rng(place).normal(size=32).astype(np.float32)
        vectors += [{"id": name, "part": number, "kind": "view", "vector": vector} for name in names]
    made.upsert("parts", [part_row(number) for number in numbers])
    made.upsert("images", rows)
    made.upsert(TABLE, vectors, dimension=32)
    return made


def summary(**changes: Any) -> dict[str, Any]:
    """What a run says of itself."""
    return {
        "customer": "acme",
        "run": "r1",
        "files": {"ok": 3, "quarantined": 0, "unchanged": 4},
        "quarantine": [],
        "parts": {"new": 2, "changed": 1, "unchanged": 0, "retired": 0},
        "images": {"views": 6, "variants": 3, "rejected": 0},
        "vectors": 9,
        "seconds": {"scan": 0.1, "render": 12.5, "total": 20.0},
        "report": "",
        **changes,
    }


def page(made: Catalogue, folder: Path, told: dict[str, Any] | None = None) -> Page:
    """The page about `made`."""
    return Page(report.write(made, told or summary(), folder / "report.html", vectors=TABLE).read_text("utf-8"))


def test_every_name_that_is_html_is_shown_as_text(tmp_path: Path) -> None:
    """A part, a file, a folder, a reason or a customer with markup in its name makes no element."""
    made = catalogue(tmp_path, ["plain"])
    places = json.dumps([{"file": EVIL, "path": EVIL, "count": 3}])
    texts = dict.fromkeys(("name", "description", "material"), EVIL)
    made.upsert("parts", [part_row(EVIL, occurrences=places, colour=[1, 0, 0], **texts)])
    made.upsert("parts", [part_row(EVIL + "2", status="retired", **texts)])
    made.upsert("images", [image_row("x", EVIL, "view", picture(3)), image_row("y", EVIL, "view", b"", reason=EVIL)])
    made.upsert("images", [image_row("z", EVIL, "variant", picture(4), accepted=False, reason=EVIL)])
    told = summary(customer=EVIL, run=EVIL, quarantine=[{"file": EVIL, "reason": EVIL}], notes=[EVIL])
    seen = page(made, tmp_path, told)
    assert len(seen.all("script")) == 1
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in seen.all("img"))
    assert not [key for _, attributes in seen.tags for key in attributes if key.startswith("on")]
    assert seen.text.count("alert(1)</script>") >= 10


def test_the_page_asks_nothing_of_anybody(tmp_path: Path) -> None:
    """No address is loaded or linked, and the page's own policy forbids it."""
    seen = page(catalogue(tmp_path, ["a", "b"]), tmp_path)
    addresses = [
        value for _, one in seen.tags for key, value in one.items() if key in {"src", "href", "action", "srcset"}
    ]
    assert addresses
    assert all(str(address).startswith(("data:image/jpeg;base64,", "#")) for address in addresses)
    assert not re.search(r"url\(|@import|fetch|XMLHttp|https?:", "".join(seen.inline["style"] + seen.inline["script"]))
    assert {"link", "iframe", "object", "base"}.isdisjoint(tag for tag, _ in seen.tags)
    assert not [one for _, one in seen.tags if "style" in one]


def test_the_policy_allows_our_style_and_script_and_no_other(tmp_path: Path) -> None:
    """The hashes in the policy are those of what stands in the page, so that a browser applies both."""
    seen = page(catalogue(tmp_path, ["a"]), tmp_path)
    policy = next(str(one["content"]) for one in seen.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    for kind in ("style", "script"):
        digest = hashlib.sha256("".join(seen.inline[kind]).encode()).digest()
        assert f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_counts_are_those_of_the_catalogue_and_of_the_run(tmp_path: Path) -> None:
    """Parts, pictures, quarantine and seconds are all there, and counted right."""
    made = catalogue(tmp_path, ["a", "b", "c"])
    made.upsert("parts", [part_row("gone", status="retired")])
    made.upsert("images", [image_row("no", "a", "variant", picture(5), accepted=False, reason="too dark")])
    files = [{"file": f"{name}.stl", "reason": "holds no solid."} for name in "xy"]
    seen = page(made, tmp_path, summary(files={"ok": 3, "quarantined": 2, "unchanged": 4}, quarantine=files))
    assert "3 parts from 7 files, found by 9 pictures. 2 files are in quarantine." in seen.text
    assert "6 views, 3 variants" in seen.text
    assert [one["id"] for one in seen.all("article")] == ["p0", "p1", "p2"]
    assert all(f"{name}.stl" in seen.text for name in "xy")
    assert "render 12.5 s" in seen.text
    assert "1 picture did not show the part well enough" in seen.text
    assert "too dark" in seen.text
    assert "gone" in seen.text


def test_a_part_says_what_is_known_of_it(tmp_path: Path) -> None:
    """Number, name, size, material, volume and where it occurs stand beside its pictures."""
    made = catalogue(tmp_path, ["a"])
    places = json.dumps([{"file": "pump.step", "path": "Pump/Left cover", "count": 4}])
    known = {"name": "Bolt", "material": "Stahl", "size_mm": [39.98, 10.25, 8.125], "volume_mm3": 2500.0}
    made.upsert("parts", [part_row("a", occurrences=places, **known)])
    text = page(made, tmp_path).text
    text = text.replace("\N{MULTIPLICATION SIGN}", "x").replace("\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", ">")
    wanted = (
        "Bolt",
        "Stahl",
        "40 x 10.2 x 8.12 mm",
        "2.5 cm³",
        "pump.step > Pump > Left cover (4x)",
        "2 views",
        "1 variant",
    )
    for said in wanted:
        assert said in text


def test_a_choice_of_many_pictures_is_called_a_choice(tmp_path: Path) -> None:
    """Of twenty views sixteen are shown, and the page says so."""
    assert "16 of 20 views" in page(catalogue(tmp_path, ["a"], views=20), tmp_path).text


def test_a_size_without_a_unit_is_said_to_be_unknown(tmp_path: Path) -> None:
    """A part whose file has no unit is never given millimetres."""
    assert "unknown unit" in page(catalogue(tmp_path, ["a"]), tmp_path).text


def test_a_large_catalogue_keeps_the_page_small(tmp_path: Path) -> None:
    """Of 230 parts the first 200 have pictures, the rest are rows, and the page stays below 15 MB."""
    numbers = [f"part-{place:03d}" for place in range(230)]
    path = report.write(catalogue(tmp_path, numbers), summary(), tmp_path / "report.html", vectors=TABLE)
    seen = Page(path.read_text("utf-8"))
    assert len(seen.all("article")) == 200
    assert "200 of 230 parts" in seen.text
    assert all(number in seen.text for number in numbers)
    assert path.stat().st_size < 15_000_000


def test_pictures_that_will_not_shrink_end_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the pictures reach their limit, the parts that remain are rows, and none is missing."""
    monkeypatch.setattr(report, "_MOST_BYTES", 400_000)
    numbers = [f"part-{place:02d}" for place in range(20)]
    path = report.write(catalogue(tmp_path, numbers, 16, 256), summary(), tmp_path / "report.html", vectors=TABLE)
    seen = Page(path.read_text("utf-8"))
    assert 0 < len(seen.all("article")) < 20
    assert len(seen.all("article")) + seen.text.count(" active") == 20
    assert path.stat().st_size < 700_000


def test_parts_that_look_alike_are_shown_side_by_side(tmp_path: Path) -> None:
    """Two parts with the same vectors form a group, with a picture and a link each."""
    made = catalogue(tmp_path, ["a", "b", "c", "d"])
    same = np.ones(32, dtype=np.float32)
    rows = [{"id": f"{part}{view}", "part": part, "kind": "view", "vector": same} for part in "ac" for view in range(4)]
    made.replace(TABLE, rows, scope=column("part").isin(["a", "c"]), dimension=32)
    seen = page(made, tmp_path)
    assert "2 parts, likeness 1.000" in seen.text
    assert [one["href"] for one in seen.all("a") if str(one["href"]).startswith("#p") and one["href"] != "#parts"] == [
        "#p0",
        "#p2",
    ]


def column(name: str) -> Any:
    """A column in a filter."""
    from lancedb.expr import col

    return col(name)


def test_random_weights_are_called_so(tmp_path: Path) -> None:
    """Who reads the page learns that search by picture is a guess yet."""
    made = catalogue(tmp_path, ["a"])
    assert "The weights of the model are random" in page(made, tmp_path).text
    told = report.write(made, summary(), tmp_path / "other.html", vectors="vectors__small").read_text("utf-8")
    assert "random" not in told


def test_an_empty_catalogue_has_a_page(tmp_path: Path) -> None:
    """A run in which every file was refused is reported, too."""
    made = Catalogue(uri=str(tmp_path / "catalogue"))
    seen = page(made, tmp_path, summary(quarantine=[{"file": "a.stl", "reason": "is empty."}]))
    assert "0 parts" in seen.text
    assert "a.stl" in seen.text


def test_a_picture_that_cannot_be_read_spoils_nothing(tmp_path: Path) -> None:
    """Damaged bytes in a row give a grey tile, not an error."""
    made = catalogue(tmp_path, ["a"])
    made.upsert("images", [image_row("bad", "a", "photo", b"\xff\xd8\xffno picture")])
    assert "1 photograph" in page(made, tmp_path).text


def test_the_page_replaces_an_older_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    """Written aside and moved into place: a reader sees the old page or the new."""
    made, path = catalogue(tmp_path, ["a"]), tmp_path / "reports" / "r1.html"
    report.write(made, summary(run="first"), path, vectors=TABLE)
    report.write(made, summary(run="second"), path, vectors=TABLE)
    assert "run second" in path.read_text("utf-8")
    assert [one.name for one in path.parent.iterdir()] == ["r1.html"]


def test_old_reports_go_and_others_stay(tmp_path: Path) -> None:
    """By the days that the customer's file says; what is no report is not touched."""
    for name, days in (("old.html", 91), ("new.html", 1), ("notes.txt", 400)):
        (tmp_path / name).write_text(name)
        long_ago = time.time() - days * 86_400
        os.utime(tmp_path / name, (long_ago, long_ago))
    report.forget(tmp_path, 90)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.html", "notes.txt"]
