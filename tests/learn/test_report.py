"""The report holds what the run is worth, needs nothing beside it, and nothing in a name can break out of it."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from intone.errors import UsageError
from intone.hear.modelfile import Card
from intone.learn import compare, figures, mistakes, report, stored
from intone.learn.answers import Answers
from intone.learn.report.content import Content
from intone.learn.robustness import Robustness, Row
from intone.pages import charts
from intone.pages.document import POLICY

HOSTILE = "</style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&\x1b"
UNDECODABLE = HOSTILE + "\udcff"
"""As the name of a file whose bytes are no UTF-8."""
RESULTS = Path(__file__).parents[2] / "results"
LABELS = ("anger", "calm", HOSTILE)


class Parsed(HTMLParser):
    """Gathers the elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_answers() -> Answers:
    """Give answers in which every name tries to break out; nobody ever says calm."""
    generator = np.random.default_rng(3)
    count = 60
    table = pd.DataFrame(
        {
            "path": [f"{HOSTILE}/{number}.wav" for number in range(count)],
            "corpus": HOSTILE,
            "speaker": [f"{HOSTILE}{number % 7}" for number in range(count)],
            "sex": ["female", "male"] * (count // 2),
            "fold": HOSTILE,
            "seed": "1",
        }
    )
    truth = np.tile([0, 2, 2], count // 3)
    logits = generator.standard_normal((count, 3)) + 2 * np.eye(3)[truth]
    return Answers(LABELS, table, truth, logits, np.ones(count), np.full(count, 0.5))


def hostile_content() -> Content:
    given = hostile_answers()
    card = Card(HOSTILE, LABELS, "features", "", {HOSTILE: HOSTILE}, (HOSTILE,), HOSTILE, HOSTILE, "")
    return Content(
        name=UNDECODABLE,
        about=UNDECODABLE,
        figures=tuple(figures.of(given, title=HOSTILE, leaks_speakers=leaks) for leaks in (False, True)),
        facts=((HOSTILE, UNDECODABLE),),
        notes=(UNDECODABLE,),
        command=UNDECODABLE,
        card=card,
        recipe=HOSTILE,
        history=pd.DataFrame({"epoch": [1, 2], "accuracy": [0.2, 0.5], "loss": [2.0, 1.0]}),
        robustness=Robustness(HOSTILE, 3, 1, (Row(HOSTILE, 0.5, 0.5, 0),), (HOSTILE,)),
        mistakes=mistakes.surest(given, lambda name: Path("nowhere") / name),
    )


def test_nothing_breaks_out_of_a_report() -> None:
    parsed = Parsed(report.html(hostile_content()))
    assert "script" not in parsed.tags
    assert "img" not in parsed.tags  # no recording, no picture
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert parsed.text.count("<script>alert(1)</script>") > 20
    assert "\x1b" not in parsed.text


def test_a_report_fetches_nothing() -> None:
    page = report.html(report.of_run(stored.read(RESULTS / "tess-lstm")))
    parsed = Parsed(page)
    assert all(value.startswith(("data:", "#")) for name, value in parsed.attributes if name in {"src", "href"})
    assert not re.search(r"url\(|@import|https?://", page)
    assert ("content", POLICY) in parsed.attributes


def test_unseen_speakers_stand_first_and_every_leak_is_said() -> None:
    text = Parsed(report.html(report.of_run(stored.read(RESULTS / "tess-lstm")))).text
    unseen, random = json.loads((RESULTS / "tess-lstm" / "metrics.json").read_text(encoding="utf-8"))["protocols"]
    gap = 100 * (random["mean"]["ua"] - unseen["mean"]["ua"])
    assert text.index("unseen speaker (leave one out)") < text.index("random split (speakers shared)")
    assert figures.LEAKS in text
    assert figures.SAME_WORDS in text
    assert "too few to resample" in text
    assert f"{gap:.1f} points of UA" in text


def test_what_a_run_lacks_is_left_out() -> None:
    whole = hostile_content()
    page = report.html(replace(whole, history=None, robustness=None, card=None, recipe="", mistakes=()))
    assert 'id="learning"' not in page
    assert 'id="robustness"' not in page
    assert "There are none." in page


def test_a_report_is_the_same_each_time() -> None:
    run = stored.read(RESULTS / "tess-lstm")
    assert report.html(report.of_run(run)) == report.html(report.of_run(run))


def test_the_figures_that_are_left_are_json_without_surprises(tmp_path: Path) -> None:
    report.write(hostile_content(), tmp_path)
    found = json.loads((tmp_path / report.FIGURES).read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert [test["leaks_speakers"] for test in found["tests"]] == [False, True]
    assert found["tests"][0]["masked"]["classes"] == {HOSTILE: ["anger", HOSTILE]}


def test_the_surest_mistakes_come_first_and_each_once() -> None:
    given = hostile_answers()
    found = mistakes.surest(given, count=5)
    sure = [one.confidence for one in found]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] == pytest.approx(given.confidence[~given.right].max())
    assert len({one.path for one in found}) == 5
    assert all(one.truth != one.given for one in found)


def test_a_spectrogram_is_a_small_picture(sung_tess: Path) -> None:
    png = mistakes.spectrogram(sung_tess / "tess" / "OAF_fear" / "OAF_bar_fear.wav")
    assert png.startswith(b"\x89PNG")
    assert len(png) < 40_000
    assert mistakes.spectrogram(sung_tess / "gone.wav") == b""


def test_a_chart_keeps_inside_its_frame() -> None:
    drawn = charts.lines([charts.Series("a", [(0, 0), (1, 5)], "one")], across="x", up="y", highest=1)
    heights = [float(value) for value in re.findall(r"[\d.]+,([\d.]+)", drawn)]
    assert min(heights) >= charts.TOP


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a finished run"):
        stored.read(tmp_path)
    for name in ("metrics.json", "recipe.toml", "files.csv"):
        shutil.copy(RESULTS / "tess-lstm" / name, tmp_path)
    (tmp_path / "logits.npz").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(UsageError, match="not a finished run"):
        stored.read(tmp_path)
    newer: dict[str, Any] = {"of-tomorrow/fold/seed-1": np.zeros((1, 7))}
    np.savez(tmp_path / "logits.npz", **newer)
    with pytest.raises(UsageError, match="no split protocol 'of-tomorrow'"):
        stored.read(tmp_path)


def test_runs_are_compared_unseen_speakers_first(tmp_path: Path) -> None:
    folders = sorted(path.parent for path in RESULTS.glob("*/metrics.json"))
    found = compare.of(folders)
    assert [line.leaks_speakers for line in found.lines] == sorted(line.leaks_speakers for line in found.lines)
    assert {line.run for line in found.lines} == {folder.name for folder in folders}
    for line in found.lines:
        assert line.ua_low <= line.ua <= line.ua_high
        metrics = json.loads((RESULTS / line.run / "metrics.json").read_text())
        (entry,) = [entry for entry in metrics["protocols"] if entry["protocol"] == line.protocol]
        assert line.ua == pytest.approx(entry["mean"]["ua"])
        assert line.accuracy == pytest.approx(entry["mean"]["accuracy"])
    compare.write_csv(found, tmp_path / "runs.csv")
    read = pd.read_csv(tmp_path / "runs.csv")
    assert read["ua"].tolist() == pytest.approx([line.ua for line in found.lines])
    compare.plot(found, tmp_path / "runs.png")
    assert (tmp_path / "runs.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="cannot be written"):
        compare.plot(found, tmp_path / "runs.nothing")
    with pytest.raises(UsageError, match="nothing to compare"):
        compare.of([])


def stored_with(folder: Path, name: str, logits: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> Path:
    """Store a run of four utterances and one fold, with these logits."""
    key = "unseen-speakers/all/seed-1"
    folder.mkdir()
    files = pd.DataFrame({"path": list("abcd"), "sha256": list("abcd"), "corpus": "sung", "speaker": list("1122"),
                          "sex": "", "emotion": ["anger", "fear", "anger", "fear"], key: "test"})  # fmt: skip
    files.to_csv(folder / "files.csv", index=False)
    np.savez(folder / "logits.npz", **{key: logits})  # type: ignore[arg-type]  # the stubs take any name for allow_pickle
    (folder / "recipe.toml").write_text("")
    (folder / "metrics.json").write_text(json.dumps({"name": name, "labels": ["anger", "fear"], "parameters": 5}))
    return folder


def test_fused_runs_answer_by_the_mean_of_their_log_probabilities(tmp_path: Path) -> None:
    # The second is louder by the same constant, which is nothing; each errs once, where the other is surer.
    one = stored_with(tmp_path / "one", "one", np.array([[3, 0], [0, 3], [0, 1], [0, 3]], np.float32))
    two = stored_with(tmp_path / "two", "two", np.array([[8, 9], [7, 9], [9, 5], [5, 9]], np.float32))
    found = compare.of([one, two], fuse=True)
    assert {line.run: line.ua for line in found.lines} == {"one": 0.75, "two": 0.75, "one + two": 1.0}


def test_runs_that_differ_are_not_fused(tmp_path: Path) -> None:
    logits = np.eye(4, 2, dtype=np.float32)
    one, two = (stored_with(tmp_path / name, name, logits) for name in ("one", "two"))
    with pytest.raises(UsageError, match="at least two"):
        compare.of([one], fuse=True)
    files = pd.read_csv(two / "files.csv")
    files.assign(sha256=list("abcx")).to_csv(two / "files.csv", index=False)
    with pytest.raises(UsageError, match="different recordings"):
        compare.of([one, two], fuse=True)
    metrics = json.loads((two / "metrics.json").read_text())
    (two / "metrics.json").write_text(json.dumps(metrics | {"labels": ["anger", "sadness"]}))
    with pytest.raises(UsageError, match="different labels"):
        compare.of([one, two], fuse=True)
    np.savez(one / "logits.npz", **{"random/all/seed-1": logits})  # type: ignore[arg-type]  # as above
    (two / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(UsageError, match="in common"):
        compare.of([one, two], fuse=True)
