"""The page of `intone summary` in a real browser: on a phone, in the dark, by keyboard and to a screen reader."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.image import imread
from playwright.sync_api import Browser, sync_playwright
from typer.testing import CliRunner

from intone.cli.commands import app
from tests.archive_summary.test_command import CUSTOMER, calls

pytestmark = pytest.mark.xdist_group("page")
PHONE, DESK = 390, 1100
"""Widths in CSS pixels."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give Debian's Chromium."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module", params=["plain", "hostile"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a page with all its sections: of plain names, and of names that try to break out."""
    folder = tmp_path_factory.mktemp("summary")
    made = calls(160, hostile=request.param == "hostile").write(folder / "archive")
    words = ["summary", str(made), "--by", "agent", "--over", "week", *CUSTOMER, "--html", str(folder / "page.html")]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    return folder / "page.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_page_fits_asks_nobody_and_can_be_read_by_all(
    browser: Browser, page: Path, width: int, scheme: str, tmp_path: Path
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    opened = context.new_page()
    complaints, asked = list[str](), list[str]()
    opened.on("console", lambda said: complaints.append(said.text))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(page.as_uri())
    measured = opened.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert measured[0] <= width
    assert measured[1] > 3000
    shot = tmp_path / "shot.png"
    opened.screenshot(path=shot)
    drawn = imread(shot)[..., :3]
    assert (drawn.mean() > 0.5) == (scheme == "light")
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 50
    assert asked == [page.as_uri()]
    assert complaints == []
    context.close()


def test_a_screen_reader_gets_every_table_and_chart(browser: Browser, page: Path) -> None:
    context = browser.new_context(viewport={"width": PHONE, "height": 900}, bypass_csp=True)
    opened = context.new_page()
    opened.goto(page.as_uri())
    tables = opened.locator("table")
    assert tables.count() == 7
    for number in range(tables.count()):
        one = tables.nth(number)
        assert one.locator("caption").inner_text()
        assert one.locator("thead th[scope=col]").count() >= 3
        assert one.locator("tbody th[scope=row]").count() == one.locator("tbody tr").count()
    charts = opened.locator("svg[role=img]")
    assert charts.count() == 5
    assert all(charts.nth(number).get_attribute("aria-label") for number in range(charts.count()))
    found = Axe().run(opened).response["violations"]
    assert not [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]
    context.close()


def test_no_text_of_a_chart_runs_out_of_it(browser: Browser, page: Path) -> None:
    context = browser.new_context(viewport={"width": DESK, "height": 900})
    opened = context.new_page()
    opened.goto(page.as_uri())
    outside = opened.evaluate("""() => [...document.querySelectorAll("svg text")].filter(text => {
        const own = text.getBoundingClientRect(), whole = text.closest("svg").getBoundingClientRect();
        return own.left < whole.left - 1 || own.right > whole.right + 1 || own.bottom > whole.bottom + 2; })
        .map(text => text.textContent)""")
    assert outside == []
    context.close()
