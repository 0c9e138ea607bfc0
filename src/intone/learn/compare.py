"""Comparison: the tests of several runs beside one another, those of unseen speakers first."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from intone.errors import UsageError
from intone.learn import stored
from intone.learn.fuse import fused
from intone.learn.plots import TRAINING, VALIDATION
from intone.learn.splits import PROTOCOLS
from intone.learn.stored import StoredRun


@dataclass(frozen=True)
class Line:
    """What one run scored under one protocol.

    Attributes
    ----------
    protocol, title : str
        How training and test were kept apart.
    leaks_speakers : bool
        Whether the speakers of the test stood in the training.
    run : str
        The recipe's name.
    ua, ua_low, ua_high, ua_deviation, accuracy, accuracy_low, accuracy_high, f1, ece : float
        Scores, the ends of their 95 % intervals, and the deviation over the seeds; 0 to 1.
    utterances, speakers, seeds : int
        Size of the test, and number of trainings.
    over : str
        What the intervals were resampled over.
    classes : str
        The emotions that the test holds.
    """

    protocol: str
    title: str
    leaks_speakers: bool
    run: str
    ua: float
    ua_low: float
    ua_high: float
    ua_deviation: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    f1: float
    ece: float
    utterances: int
    speakers: int
    seeds: int
    over: str
    classes: str


@dataclass(frozen=True)
class Comparison:
    """The lines of all runs, protocol by protocol, and what must be said beside them."""

    lines: tuple[Line, ...]
    remarks: tuple[str, ...]


def of(folders: Sequence[Path], *, fuse: bool = False) -> Comparison:
    """Compare runs.

    Parameters
    ----------
    folders : sequence of pathlib.Path
        Run folders, or what ``results/`` keeps of them.
    fuse : bool, default False
        Whether to add what the mean of all their answers scores; see :func:`intone.learn.fuse.fused`.

    Returns
    -------
    Comparison
        Protocols without shared speakers first; within one, the runs as they were named.

    Raises
    ------
    UsageError
        A folder holds no finished run, none was named, or those named cannot be fused.
    """
    if not folders:
        raise UsageError("There is nothing to compare; name at least one run folder.")
    runs = [stored.read(folder) for folder in folders]
    if fuse:
        runs.append(fused(runs))
    order = list(PROTOCOLS)
    lines = [_line(run, protocol) for run in runs for protocol in run.protocols]
    lines.sort(key=lambda line: (line.leaks_speakers, order.index(line.protocol)))
    remarks = [remark for protocol in PROTOCOLS if (remark := _unlike(protocol, runs))]
    return Comparison(tuple(lines), tuple(remarks))


def _line(run: StoredRun, protocol: str) -> Line:
    found = run.figures(protocol)
    ua, accuracy = found.intervals.ua, found.intervals.accuracy
    return Line(
        protocol=protocol,
        title=found.title,
        leaks_speakers=found.leaks_speakers,
        run=run.name,
        ua=found.mean["ua"],
        ua_low=ua.low,
        ua_high=ua.high,
        ua_deviation=found.deviation["ua"],
        accuracy=found.mean["accuracy"],
        accuracy_low=accuracy.low,
        accuracy_high=accuracy.high,
        f1=found.mean["f1"],
        ece=found.calibration.ece,
        utterances=found.utterances,
        speakers=found.speakers,
        seeds=len(found.seeds),
        over=found.intervals.over,
        classes=" ".join(found.classes),
    )


def _unlike(protocol: str, runs: Sequence[StoredRun]) -> str:
    """Say which runs of a protocol were tested on other sounds than the first of them."""
    tested = {}
    for run in runs:
        columns = [key for key in run.logits if key.startswith(f"{protocol}/")]
        if columns:
            tested[run.name] = set(run.files["sha256"][(run.files[columns] == "test").any(axis=1)])
    first, *others = tested or [""]
    unlike = [name for name in others if tested[name] != tested[first]]
    if not unlike:
        return ""
    title = PROTOCOLS[protocol].title
    return (
        f"{title}: {', '.join(unlike)} was tested on other recordings than {first}; their figures are not comparable."
    )


def write_csv(found: Comparison, path: Path) -> None:
    """Write the lines as CSV, with full precision.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, [entry.name for entry in fields(Line)])
            rows.writeheader()
            rows.writerows(asdict(line) for line in found.lines)
    except OSError as error:
        raise UsageError(f"{path}: the table cannot be written ({error.strerror}).") from error


def plot(found: Comparison, path: Path) -> None:
    """Draw UA with its interval, a panel for each protocol.

    Raises
    ------
    UsageError
        The file cannot be written, or its ending is not one that Matplotlib can write.
    """
    panels = [list(lines) for _, lines in groupby(found.lines, key=lambda line: line.protocol)]
    figure = Figure(figsize=(8, 1 + sum(0.6 + 0.4 * len(lines) for lines in panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True, height_ratios=[len(p) + 1 for p in panels])[:, 0]
    for ax, lines in zip(axes, panels, strict=True):
        places = np.arange(len(lines))[::-1]
        ua = np.array([100 * line.ua for line in lines])
        ends = np.array([[100 * line.ua_low for line in lines], [100 * line.ua_high for line in lines]])
        reach = np.maximum(np.stack([ua - ends[0], ends[1] - ua]), 0)  # an interval need not hold the score itself
        ax.barh(
            places, ua, xerr=reach, color=VALIDATION if lines[0].leaks_speakers else TRAINING, height=0.6, capsize=3
        )
        ax.set_yticks(places, [f"{line.run}  {line.ua:.1%}" for line in lines], parse_math=False)
        ax.set_title(lines[0].title, loc="left", fontsize=10)
        ax.set_xlim(0, 100)
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("UA in per cent, with its 95 % interval")
    try:
        figure.savefig(path, dpi=130)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: the picture cannot be written ({error}).") from error
