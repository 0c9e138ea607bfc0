"""The page of results: what the stored runs are worth, as Markdown, and the README's table of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intone.learn import beside, reliability, stored
from intone.learn import recipe as recipes
from intone.learn.figures import SAME_WORDS, Figures
from intone.learn.fuse import fused
from intone.learn.intervals import FEWEST_SPEAKERS, RESAMPLES
from intone.learn.recipe import TrainingRecipe
from intone.learn.robustness import Robustness
from intone.learn.splits import PROTOCOLS
from intone.learn.stored import StoredRun

MARKS = ("<!-- scores, written by make results -->", "<!-- end of scores -->")
HEAD = f"""# Results

Every figure on this page is computed from a stored run in `results/`: the recipe, who stood on which side, and the
logits of each utterance of the tests and of the validation parts. The test suite computes them again; what the run
alone can measure, its time and its answers in noise and at other levels, it stores as figures. `make results` makes the
runs anew.

UA is the unweighted average recall, the mean of the emotions' recalls; ± is the standard deviation over the
seeds. *Unseen* is of voices that the model has never heard, and is what can be expected of a new one; where a
recipe has several such tests, the table tells the first. A *random split* shares its speakers between training
and test, as today's projects do, and says nothing of a new voice. The interval holds 95 % of {RESAMPLES} draws
of the test's speakers with replacement; fewer than {FEWEST_SPEAKERS} speakers are too few to draw from, so no
interval is possible. ECE is the expected calibration error on unseen voices, told where the recipe keeps
speakers to fit the confidence on. Parameters are a network's; what a support vector machine or a forest keeps
does not compare with them. A dash (–) is what there is not.
"""
DASH = "–"
SMALLER = """Where a speaker has fewer utterances than asked for, the set is smaller, and less of one emotion than its
name says: an actor of RAVDESS has four that are neutral, or twelve where calm counts as such, and eight of each other
emotion."""
LEFT_OUT = "leave-one-corpus-out"
LEADING = (LEFT_OUT, "unseen-speakers-and-sentences")
"""The protocols that the README's table begins with."""
CHOICE = "page.json"
"""In ``results/``: ``fused`` names the fused runs, and of what each is fused (nothing else of them is stored);
``readme`` names the runs that the README shows; ``remarks`` gives sentences by the runs' names, that belong beside
their scores. Left out, nothing is fused and the README shows all."""


def of(results: Path) -> str:
    """Write the page of all runs that are stored below ``results``: a table of all, then each by itself."""
    runs = [(run, _figures(run)) for run in _stored(results)]
    together = [(run, _figures(run)) for run in _fused(results)]
    remarks = _choice(results).get("remarks", {})
    sections = [
        *(_section(run, figures, remarks.get(run.name, "")) for run, figures in runs),
        *(_fusion(run, figures, remarks.get(run.name, "")) for run, figures in together),
    ]
    return "\n".join([HEAD, _summary(runs, together), *sections])


def with_table(text: str, results: Path) -> str:
    """Put the table of the stored runs that it shows between the README's two marks.

    Raises
    ------
    ValueError
        The marks are not there.
    """
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    rows = []
    runs = {run.name: run for run in (*_stored(results), *_fused(results))}
    entries = [
        (run.name, entry)
        for name in _choice(results).get("readme", runs)
        for run in [runs[name]]
        for entry in run.metrics["protocols"]
    ]
    # The hardest first; otherwise in the order that was chosen.
    hardest = {protocol: rank for rank, protocol in enumerate(LEADING)}
    for run_name, entry in sorted(entries, key=lambda pair: hardest.get(pair[1]["protocol"], len(LEADING))):
        voices = "heard before" if entry["leaks_speakers"] else "**never heard**"
        for name, part in entry["corpora"].items():
            tested = f"{name}, {entry['title']}"
            rows.append([run_name, tested, voices, _share(part["ua"]), _share(part["accuracy"])])
    table = _table(["recipe", "tested on", "voices", "UA %", "accuracy %"], rows)
    return before + MARKS[0] + "\n" + table + "\n" + MARKS[1] + after


def _stored(results: Path) -> list[StoredRun]:
    return [stored.read(path.parent) for path in sorted(results.glob("*/metrics.json"))]


def _fused(results: Path) -> list[StoredRun]:
    """Fuse what is to be fused, from the stored runs."""
    wanted = _choice(results).get("fused", {})
    return [fused([stored.read(results / part) for part in parts], name=name) for name, parts in wanted.items()]


def _choice(results: Path) -> dict[str, Any]:
    path = results / CHOICE
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _figures(run: StoredRun) -> list[Figures]:
    """Compute the figures of each protocol, in the order in which the metrics have them."""
    return [run.figures(entry["protocol"]) for entry in run.metrics["protocols"]]


def _summary(
    runs: Sequence[tuple[StoredRun, list[Figures]]], together: Sequence[tuple[StoredRun, list[Figures]]]
) -> str:
    rows = []
    for run, figures in (*runs, *together):
        plan = recipes.parse(run.recipe)
        is_fused = "fused" in run.metrics
        unseen = next((one for one in figures if not one.leaks_speakers), None)
        shared = next((one for one in figures if one.title == PROTOCOLS["random"].title), None)
        rows.append([
            f"[{run.name}](#{run.name})",
            f"{'fused' if is_fused else plan.network.kind}, {' and '.join(plan.corpora.names)}",
            str(len(run.metrics["labels"])),
            DASH if is_fused else plan.features.recipe,
            _parameters(run),
            f"{_share(shared.mean['ua'])} / {_share(shared.mean['accuracy'])}" if shared else DASH,
            f"**{_share(unseen.mean['ua'])}**" if unseen else DASH,
            _interval(unseen) if unseen else DASH,
            f"{unseen.calibration.ece:.3f}" if unseen and unseen.calibration.fitted else DASH,
        ])  # fmt: skip
    headings = ["recipe", "what", "classes", "features", "parameters", "random split: UA / accuracy %",
                "unseen: UA %", "95 % interval", "ECE"]  # fmt: skip
    return _table(headings, rows) + "\n"


def _section(run: StoredRun, figures: list[Figures], remark: str) -> str:
    metrics = run.metrics
    parts = [
        f"## {run.name}",
        f"Recipe `recipes/{run.name}.toml` (SHA-256 `{metrics['recipe_sha256'][:12]}…`), "
        f"{metrics['utterances']} utterances, {len(metrics['labels'])} emotions. {_time(run)}",
        _scores(run, figures),
        *filter(None, [remark]),
        *_beside(run),
        _confidence(figures, recipes.parse(run.recipe)),
        *_across_corpora(run),
        _robustness(run),
        *(f"Left out: {count} utterances labelled {label}." for label, count in metrics["dropped"].items()),
        *(f"Left out: {sentence}" for sentence in metrics["left_out"]),
    ]
    if any("tess" in one.corpora for one in figures):
        parts.append(SAME_WORDS)
    return "\n\n".join(parts) + "\n"


def _beside(run: StoredRun) -> list[str]:
    """Write what a speaker's baseline is worth to a model that can be told one."""
    headings = ["in the baseline", "UA %", "UA % among the test's classes", "recall of anger %"]
    found = []
    for protocol in run.protocols if run.beside else []:
        title = PROTOCOLS[protocol].title
        found.append(f"Beside what the speaker sounds like otherwise ({title}; means over the folds):")
        rows = [
            [line.condition, _share(line.ua), _share(line.masked), _share(line.anger)]
            for line in beside.lines(run, protocol)
        ]
        found.append(_table(headings, rows))
        found.append(SMALLER)
    return found


def _fusion(run: StoredRun, figures: list[Figures], remark: str) -> str:
    """Write of a fused run what it scores; what it is made of says the rest."""
    parts = " and ".join(run.metrics["fused"])
    about = f"The log-probabilities of {parts}, averaged; together {_parameters(run)} parameters."
    return "\n\n".join([f"## {run.name}", about, _scores(run, figures), *filter(None, [remark])]) + "\n"


def _scores(run: StoredRun, figures: list[Figures]) -> str:
    """Write a row for each protocol, and below it one for each corpus and fold where there are several."""
    rows = []
    for entry, one in zip(run.metrics["protocols"], figures, strict=True):
        mean, deviation, seeds = entry["mean"], entry["deviation"], str(len(entry["seeds"]))
        rows.append([
            entry["title"] if entry["leaks_speakers"] else f"**{entry['title']}**", "all",
            _spread(mean["ua"], deviation["ua"], seeds), _interval(one),
            _spread(mean["accuracy"], deviation["accuracy"], seeds), _share(mean["f1"]),
            str(sum(part["utterances"] for part in entry["folds"].values())), seeds,
        ])  # fmt: skip
        tables = (
            [entry["corpora"]] if set(entry["corpora"]) == set(entry["folds"]) else [entry["corpora"], entry["folds"]]
        )
        for parts in tables:  # a corpus left out is a fold
            if len(parts) > 1:
                rows += [
                    ["", name, _share(part["ua"]), "", _share(part["accuracy"]), _share(part["f1"]),
                     str(part["utterances"]), seeds]
                    for name, part in parts.items()
                ]  # fmt: skip
    headings = ["protocol", "tested on", "UA %", "95 % interval", "accuracy %", "F1 %", "utterances", "seeds"]
    return _table(headings, rows)


def _spread(mean: float, deviation: float, seeds: str) -> str:
    """Give a score, with its deviation where there are several seeds."""
    return _share(mean) if seeds == "1" else f"{_share(mean)} ± {_share(deviation)}"


def _interval(one: Figures) -> str:
    """Give the interval of UA, or say of how few speakers there is none."""
    if one.intervals.over != "speakers":
        return f"{DASH} ({one.speakers} speakers)" if one.speakers > 1 else f"{DASH} (1 speaker)"
    return f"{_share(one.intervals.ua.low)} to {_share(one.intervals.ua.high)} ({one.speakers} speakers)"


def _confidence(figures: list[Figures], plan: TrainingRecipe) -> str:
    """Say of each test whether its confidence can be believed, and what the threshold for "unsure" buys."""
    if not plan.split.validation and not plan.split.validation_speakers:
        return "The confidence is not calibrated: the recipe keeps nobody to fit it on."
    lines = []
    for one in figures:
        title = one.title[:1].upper() + one.title[1:]
        if one.calibration.fitted:
            ece = f"ECE {one.calibration.ece:.3f} after calibration, {one.calibration.ece_before:.3f} before"
            lines.append(f"- {title}: {ece}; {_answered(one)}.")
        else:
            lines.append(f"- {title}: not calibrated, since some fold has too few speakers to keep one for it.")
    return "Confidence:\n\n" + "\n".join(lines)


def _across_corpora(run: StoredRun) -> list[str]:
    """Write what the confidence is worth on a corpus that nobody has seen, fitted on the others left out in turn."""
    if LEFT_OUT not in run.protocols:
        return []
    tests = beside.tests(run, LEFT_OUT)
    folds = run.answers(LEFT_OUT).table["fold"].unique().tolist()
    rows = []
    for condition, answers in tests.items():
        errors = [reliability.calibration(one).ece for one in reliability.fitted_on_others(answers)]
        rows.append([condition, *(f"{error:.3f}" for error in errors), f"{sum(errors) / len(errors):.3f}"])
    return [
        "ECE on a left-out corpus, with a temperature fitted on the answers to the others, each left out in turn:",
        _table(["in the baseline", *folds, "mean"], rows),
    ]


def _answered(one: Figures) -> str:
    if one.coverage.answered is None or one.coverage.risk is None:
        return "at the threshold every answer is “unsure”"
    right = _share(1 - one.coverage.risk)
    return f"at the threshold {_share(one.coverage.answered)} % are answered, {right} % of these rightly"


def _robustness(run: StoredRun) -> str:
    """Write what remains of the answers under each condition, and how many of them it changes."""
    found = run.json("robustness.json")
    if found is None:
        return f"In noise and at other levels: {DASH} (the run is older than this measure)."
    tried = Robustness.from_dict(found)
    who = f"{tried.utterances} utterances of {tried.speakers} speaker{'s' if tried.speakers != 1 else ''}"
    clean, *others = tried.rows
    rows = [[clean.condition, _share(clean.ua), DASH]]
    rows += [[row.condition, _share(row.ua), _share(row.changed)] for row in others]
    table = _table(["sound", "UA %", "answers changed %"], rows)
    return "\n\n".join([f"In noise and at other levels ({who}; {tried.tested_on}):", table, *tried.missing])


def _parameters(run: StoredRun) -> str:
    count = run.metrics.get("parameters")
    return f"{count:,}" if count else DASH


def _time(run: StoredRun) -> str:
    """Say how long the run took: features, training and robustness; an older one tells its training alone.

    A run that was stopped and gone on with tells the time since it was gone on with.
    """
    made = run.json("environment.json") or {}
    if "run_seconds" in made:
        whole, training = duration(made["run_seconds"]), duration(made["training_seconds"])
        return f"The run took {whole} on {made['cores']} cores, {training} of it training."
    return f"Training took {duration(made['training_seconds'])} on {made['cores']} cores." if made else ""


def duration(seconds: float) -> str:
    """Give a duration in words, in the unit that suits it.

    Examples
    --------
    >>> duration(41.6), duration(317), duration(5400)
    ('42 s', '5.3 minutes', '1.50 hours')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} minutes" if seconds < 3600 else f"{seconds / 3600:.2f} hours"


def _share(value: float) -> str:
    return f"{100 * value:.2f}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (headings, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(headings), *lines[1:]])
