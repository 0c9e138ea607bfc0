"""Drift: the textbook's tests, warnings where something changed, and none where nothing did."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from intone.archive.summary import Question, periods, summarise
from intone.archive.summary.drift import CHANCE, EFFECT, difference, moved
from intone.archive.summary.figures import Change, Drift
from intone.emotions import Emotion
from tests.summary_tables import Made, day

FLAT = [0.1, 0.1, 0.1, 0.1, 0.4, 0.1, 0.1]


def test_the_difference_is_welchs_and_cohens() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.normal(0, 1, 400), generator.normal(0.15, 2, 300)
    effect, p = difference(*((len(each), float(each.mean()), float(each.var(ddof=1))) for each in (one, other)))
    assert p == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue, rel=0.02)
    pooled = np.sqrt((399 * one.var(ddof=1) + 299 * other.var(ddof=1)) / 698)
    assert effect == pytest.approx((other.mean() - one.mean()) / pooled)


def test_what_never_varies_differs_wholly_or_not_at_all() -> None:
    assert difference((50, 1.0, 0.0), (50, 1.0, 0.0)) == (0.0, 1.0)
    assert difference((50, 1.0, 0.0), (50, 0.5, 0.0)) == (-np.inf, 0.0)


def test_the_distance_of_embeddings_is_that_of_the_means_in_spreads() -> None:
    generator = np.random.default_rng(1)
    reference, later = generator.normal(0, 2, (1500, 20)), generator.normal(0, 2, (1500, 20))
    later[:, 0] += 5.0
    distance, p = moved(reference, later)
    assert distance == pytest.approx(5.0 / (2 * np.sqrt(20)), rel=0.05)
    assert p == pytest.approx(0.001)
    unmoved, p = moved(reference[:40], reference[40:80])
    assert unmoved < EFFECT  # though by chance alone two such means lie 0.22 apart
    assert p > 0.05


def test_embeddings_that_do_not_move_are_rarely_said_to() -> None:
    generator = np.random.default_rng(2)
    found = [moved(generator.normal(size=(60, 8)), generator.normal(size=(60, 8)))[1] for _ in range(60)]
    assert np.mean(np.array(found) < 0.05) < 0.15
    assert 0.3 < np.median(found) < 0.7


def archive(count: int, **later: float) -> Made:
    """Give recordings over sixty days; in the later half each named measure is moved by so many deviations."""
    made, generator = Made(), np.random.default_rng(3)
    usual = {"confidence": (0.7, 0.1), "unsure_share": (0.4, 0.1), "level_db": (-23, 3), "bandwidth_hz": (7000, 300),
             "noise_db": (-60, 4)}  # fmt: skip
    for number in range(count):
        after = number >= count / 2
        told: dict[str, Any] = {
            name: mean + spread * (generator.normal() + (later.get(name, 0.0) if after else 0))
            for name, (mean, spread) in usual.items()
        }
        told["embedding"] = (generator.normal(size=12) + (later.get("embedding", 0.0) if after else 0)).astype(
            np.float16
        )
        made.utterance(FLAT, time=day(60 * number / count), **told)
    return made


def drifted(made: Made, folder: Path, drift: str = "") -> Drift:
    question = Question(drift=periods.pair(drift, "--drift") if drift else None)
    found = summarise(str(made.write(folder)), question).drift
    assert found is not None
    return found


def changes(found: Drift) -> dict[str, Change]:
    return {change.measure: change for change in found.changes}


def test_an_archive_that_stays_as_it_was_is_not_warned_of(tmp_path: Path) -> None:
    found = drifted(archive(400), tmp_path)
    assert list(changes(found)) == ["confidence", "unsure_share", "level_db", "bandwidth_hz", "noise_db", "embedding"]
    assert found.recordings == (200, 200)
    assert not any(change.warning for change in found.changes)


@pytest.mark.parametrize("measure", ["confidence", "unsure_share", "level_db", "bandwidth_hz", "noise_db", "embedding"])
def test_what_changes_is_warned_of_and_nothing_else(tmp_path: Path, measure: str) -> None:
    found = drifted(archive(400, **{measure: 0.8}), tmp_path)
    assert [change.measure for change in found.changes if change.warning] == [measure]
    assert changes(found)[measure].effect == pytest.approx(0.8, abs=0.25)


def test_the_means_of_the_periods_that_are_named_are_told(tmp_path: Path) -> None:
    made = archive(600, level_db=1.5)
    found = drifted(made, tmp_path, "2026-01-05..2026-01-20:2026-02-20..2026-02")
    level = changes(found)["level_db"]
    for period, value in (((5, 1, 20, 1), level.before), ((20, 2, 28, 2), level.after)):
        first, month, last, _ = period
        own = [
            row["level_db"]
            for row in made.recordings
            if row["time"].month == month and first <= row["time"].day <= last
        ]
        assert value == pytest.approx(np.mean(own), abs=1e-4)
    assert (found.reference, found.compared) == ("2026-01-05..2026-01-20", "2026-02-20..2026-02")
    assert "The level went from -23." in level.warning


def test_a_large_archive_is_not_warned_of_nothing(tmp_path: Path) -> None:
    found = changes(drifted(archive(8000, noise_db=0.1), tmp_path))["noise_db"]
    assert found.p < CHANCE / 6  # a test alone would warn
    assert not found.warning


def test_the_confidence_of_a_timeline_is_that_of_its_segments(tmp_path: Path) -> None:
    made = Made()
    for number in range(80):
        sure = 0.6 + 0.001 * (number % 7) + (0.1 if number >= 40 else 0.0)
        made.call((0, 3, 1, Emotion.ANGER, sure), (3, 4, 1, Emotion.NEUTRAL, 0.4), time=day(number), confidence=0.75)
    found = changes(drifted(made, tmp_path))["confidence"]
    assert found.before == pytest.approx((3 * 0.603 + 0.4) / 4, abs=1e-3)
    assert found.after == pytest.approx((3 * 0.703 + 0.4) / 4, abs=1e-3)
    assert found.warning


def test_too_few_recordings_are_not_compared(tmp_path: Path) -> None:
    found = drifted(archive(40), tmp_path)
    assert not found.changes
    assert "20 and 20 recordings with speech; each needs 30" in found.why_not


def test_without_times_nothing_is_compared(tmp_path: Path) -> None:
    made = archive(80)
    for row in made.recordings:
        row["time"] = None
    assert "no recording's time is told" in drifted(made, tmp_path).why_not


def test_levels_that_are_not_finite_do_not_count(tmp_path: Path) -> None:
    made = archive(200)
    made.recordings[3]["level_db"] = -np.inf
    made.recordings[150]["level_db"] = np.nan
    level = changes(drifted(made, tmp_path))["level_db"]
    assert level.before == pytest.approx(
        np.mean([r["level_db"] for r in made.recordings[:100] if r["level_db"] > -999])
    )
