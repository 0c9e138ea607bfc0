"""`intone summary` as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from intone.archive.summary.page import _begin
from intone.cli.commands import app
from intone.emotions import Emotion
from intone.errors import UsageError
from tests.learn.test_report import HOSTILE, Parsed
from tests.summary_tables import Made, day

CUSTOMER = ("--channel-of", "customer=1")


def calls(count: int = 80, *, hostile: bool = False) -> Made:
    """Give calls of four agents over ten weeks; the last ones come in much louder."""
    made, generator = Made(), np.random.default_rng(6)
    emotions = [Emotion.ANGER, Emotion.SADNESS, *[Emotion.NEUTRAL] * 4]
    for number in range(count):
        agent = ["Ada", "Ben", "Cleo", HOSTILE if hostile else "Dan"][0 if number < 9 else 1 + number % 3]
        segments = [
            (5.0 * place, 5.0 * place + 4, 1 + place % 2, emotions[generator.integers(6)], generator.uniform(0.4, 0.95))
            for place in range(8)
        ]
        name = HOSTILE if hostile else "call"
        made.call(
            *segments, agent=agent, time=day(70 * number / count), path=f"{name}-{number}.wav",
            speaker=f"{name} {number % 3}", level_db=-25.0 + generator.normal() + number // 50,
            embedding=generator.normal(size=8).astype(np.float16),
        )  # fmt: skip
    made.errors.append({"path": "broken.wav", "size": 1, "code": "empty"})
    return made


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(calls().write(tmp_path_factory.mktemp("archive")))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["summary", *words], catch_exceptions=False)


def test_tables_are_shown_with_what_has_to_be_said(results: str) -> None:
    shown = run(results, "--by", "agent", "--over", "month", *CUSTOMER)
    assert shown.exit_code == 0
    assert "80 recordings heard by intone-tiny, the customers on channel 1; 1 more could not be heard." in shown.stdout
    for title in ("How common each emotion is", "By agent", "Over time, by month", "Dissatisfied customers",
                  "Calls to listen to first", "De-escalation", "Quality over time"):  # fmt: skip
        assert title in shown.stdout
    (ada,) = [line for line in shown.stdout.splitlines() if line.strip().startswith("Ada") and "fewer" in line][:1]
    assert ada.split() == ["Ada", "9", "fewer", "than", "10"]
    assert "Warning: The level went from -25" in shown.stdout


def test_the_figures_of_json_are_those_of_the_table(results: str) -> None:
    stored = json.loads(run(results, "--json").stdout)
    shown = run(results).stdout
    anger = stored["whole"]["shares"]["raw"]["anger"]
    assert f"{100 * anger['value']:.1f} % ({100 * anger['low']:.1f} to {100 * anger['high']:.1f})" in shown
    assert stored["by"] is stored["over"] is stored["conversations"] is None
    assert stored["recordings"] == 80
    assert json.loads(run(results, "--json").stdout) == stored


def test_one_emotion_can_be_followed(results: str) -> None:
    shown = run(results, "--over", "week", "--emotion", "fear").stdout
    (headings,) = [line for line in shown.splitlines() if line.strip().startswith("Week")]
    assert headings.split() == ["Week", "Recordings", "Fear", "Corrected", "Unsure"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "agent"), "--channel-of customer=1"),
        (("--channel-of", "agent=2"), "customer=1"),
        (("--channel-of", "customer=0"), "customer=1"),
        (("--channel-of", "customer"), "customer=1"),
        (("--since", "June"), "--since June"),
        (("--drift", "2026"), "--drift 2026"),
        (("--html", "/nowhere/at/all.html"), "cannot be written"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(results: str, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        run(results, *words)
    assert "\n" not in str(error.value)


def test_a_group_that_does_not_exist_is_wrong_usage(results: str) -> None:
    assert run(results, "--by", "moon").exit_code == 2
    assert run(results, "--smallest", "0").exit_code == 2


def test_nothing_in_a_name_breaks_out_of_the_page(tmp_path: Path) -> None:
    folder = calls(hostile=True).write(tmp_path / "archive")
    page = tmp_path / "page.html"
    assert run(str(folder), "--by", "agent", "--over", "week", *CUSTOMER, "--html", str(page)).exit_code == 0
    parsed = Parsed(page.read_text())
    assert not {"script", "img", "link", "iframe"} & set(parsed.tags)
    assert not [value for name, value in parsed.attributes if name in ("src", "onerror")]
    assert all(value.startswith("#") for name, value in parsed.attributes if name == "href")
    assert "<script>alert(1)</script>" in parsed.text
    assert "://" not in page.read_text()


def test_the_page_holds_what_the_tables_do_and_no_figure_of_a_small_group(results: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = (results, "--by", "agent", "--over", "week", *CUSTOMER)
    stored = json.loads(run(*words, "--json", "--html", str(page)).stdout)
    written = page.read_text()
    for group in (*stored["by"]["groups"], *stored["over"]["groups"]):
        assert group["name"] in written
        if group["shares"]:
            assert f"{100 * group['shares']['raw']['anger']['value']:.1f} %" in written
    row = written[written.index("Ada</th>") :].split("</tr>")[0]
    assert [cell for cell in Parsed(row).text.replace("Ada", "").split("fewer than 10") if cell] == ["9"]


def test_a_year_of_weeks_begins_on_mondays() -> None:
    assert {_begin(f"2026-W{week:02d}").weekday() for week in range(1, 54)} == {0}
