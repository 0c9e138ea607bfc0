"""Reports in a real browser: no console error, nothing wider than a phone, and a picture that is not blank."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from intone.learn import report, stored
from intone.pages.document import POLICY
from tests.learn.test_report import hostile_content

RESULTS = Path(__file__).parents[2] / "results"
PHONE, DESK = 390, 1000
"""Widths in CSS pixels."""
# Chromium makes no window narrower than 500 pixels, so the report stands in a frame as wide as the phone.
FRAME = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe src="report.html" style="border:0;width:{width}px;height:1500px"></iframe>
<script>onload = () => {{ const page = document.querySelector("iframe").contentDocument.documentElement;
document.title = page.scrollWidth + " " + page.clientWidth + " " + page.scrollHeight }}</script>"""
MEASURED = re.compile(r"<title>(\d+) (\d+) (\d+)</title>")


@pytest.fixture(scope="module")
def chromium() -> str:
    """Give Debian's Chromium."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed")
    return found


@pytest.fixture(scope="module", params=["tess-lstm", "hostile"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that holds a report: of a stored run, and one of names that try to break out."""
    folder = tmp_path_factory.mktemp("page")
    stands = request.param == "tess-lstm"
    content = report.of_run(stored.read(RESULTS / "tess-lstm")) if stands else hostile_content()
    report.write(content, folder)
    return folder


def visit(chromium: str, folder: Path, *wishes: str, width: int = DESK) -> "subprocess.CompletedProcess[str]":
    """Open the report in a frame of that width, in a browser that has never been anywhere and goes nowhere."""
    (folder / "frame.html").write_text(FRAME.format(width=width))
    quiet = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --disable-dev-shm-usage --allow-file-access-from-files "
        "--enable-logging=stderr --v=0"
    ).split()
    profile = f"--user-data-dir={folder / 'profile'}"
    words = [chromium, *quiet, profile, "--window-size=1000,1500", *wishes, (folder / "frame.html").as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_report_fits_its_window_and_the_console_stays_silent(chromium: str, page: Path, width: int) -> None:
    done = visit(chromium, page, "--dump-dom", width=width)
    measured = MEASURED.search(done.stdout)
    assert measured, done.stdout[:500]
    scroll, window, height = map(int, measured.groups())
    assert scroll <= window <= width
    assert height > 3000
    assert "CONSOLE" not in done.stderr


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_is_drawn_in_light_and_in_dark(chromium: str, page: Path, scheme: str) -> None:
    shot = page / f"{scheme}.png"
    visit(chromium, page, f"--screenshot={shot}", f"--blink-settings=preferredColorScheme={int(scheme == 'light')}")
    drawn = imread(shot)[..., :3]
    assert (drawn.mean() > 0.5) == (scheme == "light")
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 50


def test_the_console_is_heard_where_it_does_complain(chromium: str, tmp_path: Path) -> None:
    page = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><script>alert(1)</script>'
    (tmp_path / report.NAME).write_text(page)
    assert "CONSOLE" in visit(chromium, tmp_path, "--dump-dom").stderr
