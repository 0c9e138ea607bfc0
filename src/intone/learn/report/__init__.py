"""The report: one HTML file that says what a model is worth, and needs nothing beside it.

No network, no script, no font of its own: style is inline, charts are SVG, pictures are data (:mod:`intone.pages`).
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from intone.hear.modelfile import Card
from intone.learn import beside, mistakes, stored
from intone.learn.fit import HISTORY
from intone.learn.report import sections
from intone.learn.report.content import Content, Facts
from intone.learn.robustness import Robustness
from intone.learn.stored import StoredRun
from intone.pages.document import document

__all__ = ["FIGURES", "NAME", "ROBUSTNESS", "Content", "html", "leave", "of_run", "write"]

NAME, FIGURES, ROBUSTNESS = "report.html", "figures.json", "robustness.json"
SECTIONS = (
    ("what", "What was done", sections.facts),
    ("scores", "What it is worth", sections.honest_table),
    ("gap", "New voices beside old ones", sections.leak_gap),
    ("learning", "Learning", sections.learning),
    ("confusions", "What is taken for what", sections.confusions),
    ("emotions", "Each emotion", sections.classes),
    ("confidence", "Can its confidence be believed?", sections.confidence),
    ("robustness", "Noise, telephone, room and level", sections.robustness),
    ("baselines", "What the speaker sounds like otherwise", sections.baselines),
    ("speakers", "Each speaker", sections.speakers),
    ("mistakes", "The most confident mistakes", sections.mistakes),
    ("card", "Model card", sections.card),
    ("again", "How to make this again", sections.reproduction),
)


def html(content: Content) -> str:
    """Write a report; a section of which nothing is known is left out."""
    written = [(name, title, section(content)) for name, title, section in SECTIONS]
    return document(f"{content.name}: what it is worth", sections.summary(content), written)


def write(content: Content, folder: Path) -> None:
    """Leave ``report.html``, and its figures as ``figures.json``, in a folder."""
    figures: dict[str, Any] = {
        "name": content.name,
        "tests": [one.to_dict() for one in content.figures],
        "robustness": content.robustness.to_dict() if content.robustness else None,
    }
    (folder / FIGURES).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (folder / NAME).write_text(html(content), encoding="utf-8")


def leave(folder: Path, root: Path) -> None:
    """Leave the report of a run in its folder; ``root`` holds the corpora, for the pictures of the mistakes."""
    write(of_run(stored.read(folder), root), folder)


def of_run(run: StoredRun, root: Path | None = None) -> Content:
    """Gather what the report of a run tells.

    Parameters
    ----------
    run : StoredRun
        A run folder read back; what it lacks, as what ``results/`` keeps does, is left out.
    root : pathlib.Path, optional
        Holds the corpora; without it the mistakes have no pictures.
    """
    robustness, history = run.json(ROBUSTNESS), run.folder / HISTORY
    card = run.folder / "card.json"
    command = f"intone train {run.name}.toml --corpora CORPORA\n# SHA-256 of the recipe {run.metrics['recipe_sha256']}"
    return Content(
        name=run.name,
        about="A training run of Intone.",
        figures=tuple(run.figures(protocol) for protocol in run.protocols),
        facts=_facts(run),
        notes=(
            *(f"Left out: {count} utterances labelled {label}." for label, count in run.metrics["dropped"].items()),
            *(f"Left out: {sentence}" for sentence in run.metrics["left_out"]),
        ),
        command=command,
        card=Card.from_json(card.read_text(encoding="utf-8"), name=str(card)) if card.exists() else None,
        recipe=run.recipe,
        history=pd.read_csv(history) if history.exists() else None,
        robustness=Robustness.from_dict(robustness) if robustness else None,
        baselines=tuple(beside.lines(run, run.protocols[0])) if run.beside else (),
        mistakes=mistakes.surest(run.answers(run.protocols[0]), root.joinpath if root else None),
    )


def _facts(run: StoredRun) -> Facts:
    from intone.learn import recipe as recipes

    plan = recipes.parse(run.recipe)
    options = ", ".join(f"{name} {value}" for name, value in plan.network.options.items())
    environment = run.json("environment.json") or {}
    speakers = run.files["speaker"].nunique()
    facts = [
        ("Corpora", ", ".join(plan.corpora.names)),
        ("Utterances", f"{len(run.files)} of {speakers} speakers, {len(run.metrics['labels'])} emotions"),
        ("Features", plan.features.recipe),
        ("Model", f"{plan.network.kind} ({options})" if options else plan.network.kind),
        ("Parameters", f"{parameters:,}" if (parameters := run.metrics.get("parameters")) else ""),
        ("Split", ", ".join(name for name in (plan.split.protocol, plan.split.beside) if name)),
        ("Seeds", ", ".join(map(str, plan.training.seeds))),
        ("Made with", ", ".join(f"{name} {version}" for name, version in environment.get("packages", {}).items())),
    ]
    return tuple((name, value) for name, value in facts if value)
