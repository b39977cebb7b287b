"""The run form and the page of a run, in a real browser, in both UIs that the server ships."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
SHOTS = Path(__file__).parents[3] / "build" / "ui"


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


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page that notes whom it talks to besides this machine."""
    made = browser.new_page(viewport={"width": 1100, "height": 1000})
    made.set_default_timeout(15_000)
    elsewhere: list[str] = []
    made.on("requestfinished", lambda asked: elsewhere.append(asked.url) if "127.0.0.1" not in asked.url else None)
    yield made
    made.close()
    assert [url for url in elsewhere if url.startswith("http")] == []


class First:
    """The run form as the first UI draws it."""

    path, name, customer = "", "v1", "acme"

    def __init__(self, page: Page) -> None:
        self.page = page

    def field(self, label: str) -> Locator:
        """The innermost field that is called so."""
        title = self.page.locator(".schema-form-property__label", has_text=label)
        return self.page.locator(".schema-form-property", has=title).last

    def drop_stage(self, stage: str) -> None:
        """Take a stage out of those that are chosen."""
        self.field("Stages").locator(".p-tag", has_text=stage).locator("button").click()

    def add_stages(self, *stages: str) -> None:
        """Choose stages, behind those that are chosen."""
        self.field("Stages").locator(".p-select-button__icon").click()
        for stage in stages:
            self.page.locator(".p-select-option", has_text=stage).click()
        self.page.keyboard.press("Escape")

    def set_number(self, label: str, value: int) -> None:
        """Type a number into a field."""
        self.number(label).fill(str(value))

    def number(self, label: str) -> Locator:
        """Where a number is typed in."""
        return self.field(label).locator("input")


class Second(First):
    """The run form as the second UI draws it."""

    path, name, customer = "/v2", "v2", "beta"

    def drop_stage(self, stage: str) -> None:
        """Take a stage out of those that are chosen."""
        self.page.get_by_label(f"Remove {stage}").click()

    def add_stages(self, *stages: str) -> None:
        """Choose stages, behind those that are chosen."""
        self.page.get_by_label("Stages").click()
        for stage in stages:
            self.page.get_by_role("option", name=stage).click()
        self.page.keyboard.press("Escape")

    def number(self, label: str) -> Locator:
        """Where a number is typed in."""
        return self.page.get_by_label(label)


@pytest.mark.parametrize("kind", [pytest.param(First, marks=pytest.mark.slow), Second], ids=lambda kind: kind.name)
def test_a_run_is_started_from_the_form_and_its_page_tells_what_it_did(
    platform: Any, page: Page, kind: type[First]
) -> None:
    """Open, change the stages and one number, submit, see it complete, and see pictures in its report."""
    form = kind(page)
    deployment = platform.deployment(f"onboard/{form.customer}")["id"]
    page.goto(f"{platform.url}{form.path}/deployments/deployment/{deployment}/run")
    page.get_by_text("Processes (Optional)").wait_for()
    assert_everything_is_explained(page)
    shot(page, f"form-{form.name}")
    assert form.number("Dirt").input_value() == "0.35"  # of a stage that the customer's file does not name
    form.drop_stage("background")
    form.add_stages("wear", "camera")
    form.set_number("Files", 50)
    before = set(runs(platform, deployment))
    submit(page)
    (run,) = set(runs(platform, deployment)) - before
    ended = platform.wait(run)
    assert ended["state_name"] == "Completed", platform.logs(run)
    assert ended["state"]["message"] == "3 parts, 3 new and 0 changed, live; 1 files in quarantine."
    assert ended["parameters"]["stages"] == ["wear", "camera"]
    assert ended["parameters"]["limits"]["files"] == 50
    kept = {artifact["key"]: artifact for artifact in platform.artifacts(run)}
    assert "broken.step" in kept[f"{form.customer}-quarantine"]["data"]
    assert "images: views" in kept[f"{form.customer}-summary"]["data"]
    assert {one["type"] for one in platform.artifacts(run)} == {"table", "markdown", "progress"}
    page.goto(f"{platform.url}{form.path}/runs/flow-run/{run}")
    page.get_by_text("3 of 4 files can be used").first.wait_for()
    shot(page, f"run-{form.name}")
    names = [one["name"] for one in platform.tasks(run)]
    assert "read files: broken.step and 3 more" in names
    page.goto(f"{platform.url}{form.path}/artifacts/artifact/{kept[f'{form.customer}-report']['id']}")
    picture = page.locator("img[src^='data:image/jpeg']").first
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") > 200
    assert page.locator("img[src^='data:image/jpeg']").count() == 3
    shot(page, f"report-{form.name}")


def submit(page: Page) -> None:
    """Send the form off; again where the server was busy and the page said so."""
    from playwright.sync_api import TimeoutError as Late

    for _ in range(3):
        page.get_by_role("button", name="Submit").click()
        try:
            page.wait_for_url(lambda url: not url.endswith("/run"), wait_until="commit")
        except Late:
            shot(page, "refused")
        else:
            return
    pytest.fail(f"The form is not accepted: {page.inner_text('body')}")


def runs(platform: Any, deployment: str) -> list[str]:
    """Ids of the runs of a deployment."""
    found = platform.ask("/flow_runs/filter", flow_runs={"deployment_id": {"any_": [deployment]}})
    return [one["id"] for one in found]


def assert_everything_is_explained(page: Page) -> None:
    """Blocks are chosen, and groups and fields have their sentences."""
    text = page.inner_text("body")
    for said in (
        "Who the customer is, what is made of their parts",
        "What makes the renders look like photographs, in the order of choosing",
        "How much this run may do, and take",
        "Only look, and say what would be done",
    ):
        assert said in text


def shot(page: Page, name: str) -> None:
    """Keep a picture of the page, for people."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=bool(os.environ.get("PARTSIGHT_FULL_PAGE")))
