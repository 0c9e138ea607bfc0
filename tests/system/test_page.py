"""The page in a real browser, as people use it: by mouse, by keyboard, by microphone, on a phone and in the dark.

Every test ends with a look at the console, which must be silent, and at where requests went: to the service alone.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Page, Request, Route, expect, sync_playwright

from intone.client import Client
from intone.hear import audio
from intone.serve.keys import Keys
from tests.served import served

pytestmark = pytest.mark.xdist_group("page")
PATIENCE = 60_000.0
"""Milliseconds; a busy machine is slow, and what is waited for is not how fast it comes."""
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1200, "height": 1000}
PLAYED = """async seconds => { while (document.getElementById("position").value < seconds)
    await new Promise(requestAnimationFrame); }"""
UNFIT = {"serious", "critical"}
WATCHED = """() => { window.streams = []; const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (...asked) => { streams.push(await open(...asked)); return streams.at(-1); }; }"""
OPEN = "streams.filter(stream => stream.getTracks().some(track => track.readyState === 'live')).length"
UNPLUGGED = """() => streams.at(-1).getTracks().forEach(
    track => { track.stop(); track.dispatchEvent(new Event("ended")); })"""
ASKS_BEFORE_LEAVING = "!dispatchEvent(new Event('beforeunload', {cancelable: true}))"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a service that keeps sound."""
    with served("--keep-audio", "--rate", "100000", folder=tmp_path_factory.mktemp("service")) as (url, _):
        yield url


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Iterator[Browser]:
    """Give Debian's Chromium, whose microphone hears a file over and over."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed")
    samples = audio.load(examples / "kennedy.flac").samples
    said = tmp_path_factory.mktemp("microphone") / "said.wav"
    soundfile.write(said, np.concatenate([samples, np.zeros(16_000, np.float32)]), 16_000)
    words = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
             f"--use-file-for-fake-audio-capture={said}", "--autoplay-policy=no-user-gesture-required"]  # fmt: skip
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=words)
        yield started
        started.close()


@contextmanager
def visited(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """Open the page; at the end the console was silent and nothing but the service was asked."""
    context = browser.new_context(viewport=options.pop("viewport", DESK), permissions=["microphone"], **options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints, strangers = list[str](), list[str]()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def gone_to(request: Request) -> None:
        if not request.url.startswith((url, "blob:")):
            strangers.append(request.url)

    page.on("request", gone_to)
    page.goto(url)
    yield page
    context.close()
    assert not strangers
    # A refusal that the page asked for is shown by the browser itself, whatever the page does with it.
    assert not [text for text in complaints if not re.search("status of (401|404|415|422)", text)]


@pytest.fixture
def page(browser: Browser, service: str) -> Iterator[Page]:
    with visited(browser, service) as opened:
        opened.wait_for_selector("body[data-ready]")
        yield opened


def headline(page: Page, place: str = "#result-answer") -> str:
    return page.locator(f"{place} .headline").inner_text()


def hear(page: Page, file: Path) -> None:
    page.set_input_files("#file", file)
    expect(page.locator("#result-name")).to_have_text(file.name, timeout=PATIENCE)
    expect(page.locator("#progress")).to_be_hidden(timeout=PATIENCE)


def faults(page: Page) -> list[str]:
    """Give what axe-core holds against the page that is serious."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in UNFIT]


def ink(page: Page, canvas: str) -> int:
    """Count the pixels of a picture that are not transparent."""
    script = """canvas => { const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0; for (let at = 3; at < data.length; at += 4) count += data[at] > 0; return count; }"""
    count: int = page.locator(canvas).first.evaluate(script)
    return count


def test_an_utterance_gets_the_services_answer(page: Page, service: str, examples: Path) -> None:
    hear(page, examples / "plain.flac")
    (said,) = Client(service).predict(examples / "plain.flac", store=False)
    assert headline(page) == ("Unsure" if said["unsure"] else said["emotion"])
    rows = page.locator("#result-answer .bars tr").all_inner_texts()
    shown = {name: int(share) for name, share in (re.findall(r"[a-z]+|\d+", row) for row in rows)}
    assert shown == {name: round(100 * share) for name, share in said["scores"].items()}
    assert "not measured" in page.locator("#result-answer figcaption").inner_text()
    assert ink(page, "#wave") > 100
    assert ink(page, "#ribbons canvas") > 100
    assert not page.locator("#segments-details").is_visible()


def test_a_recording_is_shown_over_time_and_played(page: Page, service: str, examples: Path) -> None:
    hear(page, examples / "kennedy.flac")
    said = Client(service).timeline(examples / "kennedy.flac", store=False)
    assert headline(page).startswith("mostly ")
    page.locator("#segments-details summary").click()
    expect(page.locator("#segments tbody tr")).to_have_count(len(said["segments"]))
    later = said["segments"][1]
    page.locator("#segments tbody tr button").nth(1).click()
    assert headline(page) == ("Unsure" if later["unsure"] else later["emotion"])
    assert float(page.locator("#position").input_value()) == pytest.approx(later["start"], abs=0.06)
    page.locator("#play").click()
    page.evaluate(PLAYED, later["start"] + 0.2)
    page.locator("#play").click()
    page.locator("#whole").click()
    assert headline(page).startswith("mostly ")


def test_pictures_are_those_of_the_answer_though_it_came_behind_another_tab(page: Page, examples: Path) -> None:
    hear(page, examples / "plain.flac")
    first = page.locator("#wave").evaluate("canvas => canvas.toDataURL()")
    page.set_input_files("#file", examples / "kennedy.flac")
    page.locator("#tab-live").click()
    expect(page.locator("#result-name")).to_have_text("kennedy.flac", timeout=PATIENCE)
    page.locator("#tab-recording").click()
    expect(page.locator("#ribbons canvas").first).to_have_attribute("aria-label", re.compile("0:05"))
    assert page.locator("#wave").evaluate("canvas => canvas.toDataURL()") != first


def test_by_keyboard_alone(page: Page, examples: Path) -> None:
    hear(page, examples / "kennedy.flac")
    assert page.evaluate("document.activeElement.id") == "result-name"  # where a screen reader goes on
    page.locator("#position").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    assert float(page.locator("#position").input_value()) == pytest.approx(2.0)
    assert page.locator("#position").get_attribute("aria-valuetext") == "0:02.0"
    page.locator("#tab-recording").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#live").is_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#history").is_visible()
    assert page.evaluate("document.activeElement.id") == "tab-history"


def test_a_call_has_a_line_for_each_voice(page: Page, examples: Path, tmp_path: Path) -> None:
    one = audio.load(examples / "kennedy.flac").samples
    call = np.zeros((2 * len(one), 2), np.float32)
    call[: len(one), 0], call[len(one) :, 1] = one, one
    soundfile.write(tmp_path / "call.wav", call, 16_000)
    page.locator("#channels").select_option("separate")
    hear(page, tmp_path / "call.wav")
    assert page.locator("#ribbons canvas").count() == 2
    heads = page.locator("#call thead").inner_text()
    assert "channel 1" in heads
    assert "channel 2" in heads
    assert "Interruptions" in page.locator("#call").inner_text()
    assert faults(page) == []


def test_unsure_is_what_it_says_of_noise(page: Page, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000)
    soundfile.write(tmp_path / "noise.wav", noise, 16_000)
    hear(page, tmp_path / "noise.wav")
    assert headline(page) == "Unsure"
    assert "perhaps" in page.locator("#result-answer").inner_text()


def test_what_is_no_sound_is_said_and_the_next_one_heard(page: Page, examples: Path, tmp_path: Path) -> None:
    hear(page, examples / "plain.flac")
    (tmp_path / "notes.wav").write_text("no sound")
    page.set_input_files("#file", tmp_path / "notes.wav")
    expect(page.get_by_role("alert")).to_contain_text("notes.wav: not sound")
    expect(page.locator("#result-name")).to_have_text("Earlier: plain.flac")
    hear(page, examples / "plain.flac")
    assert not page.get_by_role("alert").is_visible()


def test_a_folder_is_not_sent(page: Page, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    place = page.locator("#drop").bounding_box()
    assert place is not None
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(tmp_path / "calls")], "dragOperationsMask": 1}
        where = {"x": place["x"] + 20, "y": place["y"] + 20}
        devtools.send("Input.dispatchDragEvent", {"type": kind, **where, "data": data})
    expect(page.get_by_role("alert")).to_have_text("calls is a folder; one recording is heard here.")


def test_a_file_that_is_gone_is_said(page: Page, examples: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.flac"
    gone.write_bytes((examples / "plain.flac").read_bytes())
    page.evaluate("document.addEventListener('change', event => event.stopPropagation(), {capture: true, once: true})")
    page.set_input_files("#file", gone)
    page.evaluate("file.files[0].size")  # which a browser reads late
    gone.unlink()
    page.evaluate("file.dispatchEvent(new Event('change'))")
    expect(page.get_by_role("alert")).to_contain_text("gone.flac cannot be read")


def test_a_name_is_never_taken_for_code(page: Page, examples: Path, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>.flac"
    (tmp_path / name).write_bytes((examples / "plain.flac").read_bytes())
    asked = list[str]()

    def told(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", told)
    hear(page, tmp_path / name)
    page.locator("#tab-history").click()
    expect(page.locator("#history-table")).to_contain_text(name)
    assert not asked


def test_the_microphone_is_heard_while_it_runs_and_kept(page: Page, service: str) -> None:
    page.locator("#subject").fill("microphone test")
    page.locator("#tab-live").click()
    page.locator("#live-button").click()
    expect(page.locator("#live-answer h3")).to_contain_text("Now, since", timeout=PATIENCE)
    expect(page.locator("#live-log li").first).to_be_visible(timeout=PATIENCE)
    assert ink(page, "#live-canvas") > 100
    assert faults(page) == []
    page.locator("#live-button").click()
    expect(page.locator("#live-status")).to_contain_text("kept as", timeout=PATIENCE)
    (kept,) = Client(service).recordings(subject="microphone test")
    assert kept["kind"] == "stream"
    lines = page.locator("#live-log li").count()
    assert lines == len(Client(service).recording(kept["id"])["answer"]["segments"])


def test_a_connection_that_ends_is_said(page: Page) -> None:
    page.route_web_socket("**/v1/stream", lambda socket: socket.on_message(lambda _: socket.close()))
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.locator("#tab-live").click()
    page.locator("#live-button").click()
    expect(page.get_by_role("alert")).to_have_text("The connection to the service ended.")
    expect(page.locator("#live-word")).to_have_text("Listen")


def test_live_is_stopped_once_however_often_it_is_clicked(page: Page) -> None:
    page.evaluate(WATCHED)
    page.locator("#tab-live").click()
    page.locator("#live-button").dblclick()
    expect(page.locator("#live-word")).to_have_text("Stop")
    assert page.evaluate(f"[streams.length, {OPEN}]") == [1, 1]
    assert page.evaluate(ASKS_BEFORE_LEAVING)
    page.locator("#live-button").dblclick()
    expect(page.locator("#live-status")).to_contain_text("heard", timeout=PATIENCE)
    assert page.evaluate(f"[streams.length, {OPEN}]") == [1, 0]
    assert page.evaluate("document.activeElement.id") == "live-button"  # which it had lost while it was disabled
    assert not page.evaluate(ASKS_BEFORE_LEAVING)


def test_a_recording_is_made_with_the_microphone(page: Page) -> None:
    page.evaluate(WATCHED)
    page.locator("#record").dblclick()
    expect(page.locator("#busy")).to_contain_text("Recording, 0:03", timeout=PATIENCE)
    assert page.evaluate(f"[streams.length, {OPEN}]") == [1, 1]
    assert page.evaluate(ASKS_BEFORE_LEAVING)
    page.locator("#record").dblclick()
    expect(page.locator("#result-name")).to_have_text("recording.wav", timeout=PATIENCE)
    assert ink(page, "#wave") > 100
    assert page.evaluate(f"[streams.length, {OPEN}]") == [1, 0]
    assert not page.evaluate(ASKS_BEFORE_LEAVING)


def test_what_a_microphone_heard_until_it_was_unplugged_is_heard(page: Page) -> None:
    page.evaluate(WATCHED)
    page.locator("#record").click()
    expect(page.locator("#busy")).to_contain_text("Recording, 0:01", timeout=PATIENCE)
    page.evaluate(UNPLUGGED)
    expect(page.get_by_role("alert")).to_contain_text("The microphone is gone")
    expect(page.locator("#result-name")).to_have_text("recording.wav", timeout=PATIENCE)


def test_a_recording_ends_where_the_service_hears_no_more_and_is_not_lost(page: Page, tmp_path: Path) -> None:
    def strict(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "max_seconds": 2})

    page.route("**/v1/about", strict)
    page.route("**/v1/predict?*", lambda route: route.fulfill(status=422, json={"detail": "not now"}))
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.locator("#record").click()
    expect(page.get_by_role("alert")).to_have_text("not now")
    assert page.evaluate(ASKS_BEFORE_LEAVING)
    with page.expect_download() as saved:
        page.locator("#save-recording").click()
    saved.value.save_as(tmp_path / "recording.wav")
    samples, rate = soundfile.read(tmp_path / "recording.wav")
    assert (len(samples), rate) == (32_000, 16_000)
    assert np.abs(samples).max() > 0.01
    assert not page.evaluate(ASKS_BEFORE_LEAVING)
    page.unroute("**/v1/predict?*")
    page.locator("#record").click()
    expect(page.locator("#result-name")).to_have_text("recording.wav", timeout=PATIENCE)
    expect(page.get_by_role("alert")).to_contain_text("hears no longer ones")
    assert not page.locator("#save-recording").is_visible()


def test_a_baseline_is_recorded_by_one_microphone(page: Page) -> None:
    page.evaluate(WATCHED)
    page.locator("#baseline-box summary").click()
    page.locator("#baseline-record").dblclick()
    expect(page.locator("#baseline-status")).to_contain_text("recording, 0:03", timeout=PATIENCE)
    page.locator("#baseline-record").dblclick()
    expect(page.locator("#baseline-status")).to_contain_text("1 recording,", timeout=PATIENCE)
    assert page.evaluate(f"[streams.length, {OPEN}]") == [1, 0]


def test_a_baseline_counts_and_can_be_saved_and_loaded(page: Page, examples: Path, tmp_path: Path) -> None:
    hear(page, examples / "questioning.flac")
    bars = page.locator("#result-answer .bars")
    before = bars.inner_text()
    page.locator("#baseline-box summary").click()
    page.set_input_files("#baseline-files", [examples / "plain.flac", examples / "slow-low-quiet.flac"])
    expect(page.locator("#baseline-status")).to_contain_text("2 recordings", timeout=PATIENCE)
    assert page.locator("#baseline-files").input_value() == ""  # so that the same can be chosen again
    with page.expect_download() as saved:
        page.locator("#baseline-save").click()
    saved.value.save_as(tmp_path / "baseline.json")
    hear(page, examples / "questioning.flac")
    expect(bars).not_to_have_text(before)
    beside = bars.inner_text()
    page.locator("#baseline-clear").click()
    hear(page, examples / "questioning.flac")
    expect(bars).to_have_text(re.compile(re.escape(before.split()[1])))
    page.set_input_files("#baseline-load", tmp_path / "baseline.json")
    expect(page.locator("#baseline-status")).to_contain_text("2 recordings")
    hear(page, examples / "questioning.flac")
    assert bars.inner_text() == beside
    (tmp_path / "wrong.json").write_text("[]")
    page.set_input_files("#baseline-load", tmp_path / "wrong.json")
    expect(page.get_by_role("alert")).to_contain_text("wrong.json: no baseline")


def test_exports_are_those_of_the_service(page: Page, service: str, examples: Path, tmp_path: Path) -> None:
    hear(page, examples / "kennedy.flac")
    kept = next(Client(service).recordings(kind="timeline"))
    for name, ending in (("WebVTT", ".vtt"), ("TextGrid (Praat)", ".TextGrid"), ("JSON", ".json")):
        with page.expect_download() as saved:
            page.locator("#exports").get_by_role("button", name=name, exact=True).click()
        assert saved.value.suggested_filename == f"kennedy{ending}"
        saved.value.save_as(tmp_path / f"kennedy{ending}")
    assert (tmp_path / "kennedy.vtt").read_text().startswith("WEBVTT")
    stored = json.loads((tmp_path / "kennedy.json").read_text())
    assert stored["segments"] == Client(service).recording(kept["id"])["answer"]["segments"]
    Client(service).delete(kept["id"])
    with page.expect_download() as saved:  # heard once more
        page.locator("#exports").get_by_role("button", name="CSV", exact=True).click()
    assert len(Path(saved.value.path()).read_text().splitlines()) == 1 + len(stored["segments"])


def test_what_was_not_kept_is_exported_as_it_is_shown(page: Page, service: str, examples: Path) -> None:
    page.locator("#baseline-box summary").click()
    page.set_input_files("#baseline-files", [examples / "plain.flac", examples / "slow-low-quiet.flac"])
    expect(page.locator("#baseline-status")).to_contain_text("2 recordings", timeout=PATIENCE)
    page.locator("#store").uncheck()
    page.locator("#hindsight").check()
    hear(page, examples / "kennedy.flac")
    page.locator("#baseline-clear").click()
    page.locator("#hindsight").uncheck()
    exported = list[list[dict[str, Any]]]()
    for name in ("JSON", "JSON Lines"):
        with page.expect_download() as saved:
            page.locator("#exports").get_by_role("button", name=name, exact=True).click()
        text = Path(saved.value.path()).read_text()
        said = json.loads(text)["segments"] if name == "JSON" else [json.loads(line) for line in text.splitlines()]
        exported.append([one["scores"] for one in said])
    assert exported[0] == exported[1]
    plain = Client(service).timeline(examples / "kennedy.flac", hindsight=True, store=False)
    assert exported[0] != [one["scores"] for one in plain["segments"]]


def test_the_history_is_found_opened_and_forgotten(page: Page, service: str, examples: Path) -> None:
    client = Client(service)
    for _ in range(27):
        client.predict(examples / "plain.flac", subject="history 1")
    client.timeline(examples / "kennedy.flac", subject="history 2")
    page.locator("#tab-history").click()
    page.locator("#filter-subject").fill(" history 1 ")
    page.locator("#filters button").click()
    rows = page.locator("#history-table tbody tr")
    expect(rows).to_have_count(25)
    page.locator("#filter-emotion").select_option("fear")  # not shown yet, and so not what is older
    page.evaluate("older.click(), older.click()")
    expect(rows).to_have_count(27)
    expect(page.locator("#older")).to_be_hidden()
    page.locator("#filter-emotion").select_option("")
    assert faults(page) == []
    page.on("dialog", lambda dialog: dialog.accept())
    rows.first.get_by_role("button", name="Delete").click()
    expect(rows).to_have_count(26)
    with page.expect_download() as saved:
        page.locator("#export-jsonl").click()
    assert len(Path(saved.value.path()).read_text().splitlines()) == 26
    expect(page.locator("#forget")).to_have_text("Delete everything of history 1")
    page.locator("#forget").click()
    expect(page.locator("#history-status")).to_have_text("26 deleted.")
    page.locator("#filter-subject").fill("history 2")
    page.locator("#filter-kind").select_option("timeline")
    page.locator("#filters button").click()
    expect(rows).to_have_count(1)
    rows.first.get_by_role("button", name="Open").click()
    expect(page.locator("#result-name")).to_have_text("kennedy.flac")
    expect(page.locator("#result-about")).to_contain_text("subject history 2")
    assert page.locator("#play").is_enabled()  # the sound was kept
    assert ink(page, "#wave") > 100


def test_the_key_is_asked_for(browser: Browser, examples: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key = Keys(path).create("page")
    with served("--keys", str(path), "--no-store", folder=tmp_path) as (url, _), visited(browser, url) as page:
        page.locator("#key").fill("“wrong”")
        page.keyboard.press("Enter")
        assert "no key" in page.locator("#key").evaluate("field => field.validationMessage")
        assert page.evaluate("sessionStorage.length") == 0
        page.locator("#key").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#key-title")).to_have_text("This key is not accepted")
        assert faults(page) == []
        page.locator("#key").fill(key)
        page.keyboard.press("Enter")
        page.wait_for_selector("body[data-ready]")
        hear(page, examples / "kennedy.flac")
        assert not page.locator("#store-label").is_visible()
        with page.expect_download() as saved:  # heard once more, since nothing is kept
            page.locator("#exports").get_by_role("button", name="CSV", exact=True).click()
        assert Path(saved.value.path()).read_text().startswith("file,start,end")
        page.locator("#tab-live").click()
        page.locator("#live-button").click()
        expect(page.locator("#live-log li").first).to_be_visible(timeout=PATIENCE)
        page.locator("#live-button").click()
        expect(page.locator("#live-word")).to_have_text("Listen")
        page.locator("#tab-history").click()
        expect(page.locator("#history-status")).to_have_text("This service keeps nothing.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_it_fits_and_can_be_used_by_everybody(
    browser: Browser, service: str, examples: Path, scheme: str, viewport: dict[str, int]
) -> None:
    with visited(browser, service, viewport=viewport, color_scheme=scheme) as page:
        page.wait_for_selector("body[data-ready]")
        hear(page, examples / "kennedy.flac")
        page.locator("#segments-details summary").click()
        page.locator("#baseline-box summary").click()
        for tab in ("recording", "live", "history"):
            page.locator(f"#tab-{tab}").click()
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
            assert faults(page) == []
        style = "getComputedStyle(document.body)"
        paper, letters = (
            int(re.findall(r"\d+", page.evaluate(f"{style}.{what}"))[0]) for what in ("backgroundColor", "color")
        )
        assert (paper < letters) is (scheme == "dark")


def test_letters_of_twice_the_size_fit_a_phone(browser: Browser, service: str, examples: Path) -> None:
    with visited(browser, service, viewport={"width": 320, "height": 700}) as page:
        page.wait_for_selector("body[data-ready]")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        hear(page, examples / "kennedy.flac")
        page.locator("#segments-details summary").click()
        page.locator("#baseline-box summary").click()
        for tab in ("recording", "live", "history"):
            page.locator(f"#tab-{tab}").click()
            assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_colours_that_mean_something_outlast_forced_ones(browser: Browser, service: str, examples: Path) -> None:
    with visited(browser, service, forced_colors="active") as page:
        page.wait_for_selector("body[data-ready]")
        hear(page, examples / "kennedy.flac")
        bars = page.locator("#result-answer .bar")
        colours = bars.evaluate_all("bars => bars.map(bar => getComputedStyle(bar).backgroundColor)")
        assert len(set(colours)) == 7
        shades = page.locator("#spectrogram").evaluate("""canvas => new Set(
            canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size""")
        assert shades > 50
