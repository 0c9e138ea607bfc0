"""What operators copy: the container and the unit name options that there are, and the page names both."""

import json
import re
from pathlib import Path

import pytest
import typer

from intone.cli.serve import serve

ROOT = Path(__file__).parents[2]
CONTAINER, UNIT, PAGE = ROOT / "deploy/Containerfile", ROOT / "deploy/intone.service", ROOT / "docs/deploy.md"


def container_command() -> list[str]:
    (told,) = re.findall(r"^ENTRYPOINT (\[.*\])$", CONTAINER.read_text(), re.MULTILINE)
    words: list[str] = json.loads(told)
    return words


def unit_command() -> list[str]:
    (told,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text().replace("\\\n", " "), re.MULTILINE)
    return str(told).split()


def parameters() -> dict[str, bool]:
    """Give the options of ``intone serve``, and whether each takes no value."""
    app = typer.Typer()
    app.command()(serve)
    return {
        name: bool(getattr(one, "is_flag", False))
        for one in typer.main.get_command(app).params
        for name in (*one.opts, *one.secondary_opts)
    }


@pytest.mark.parametrize("command", [container_command(), unit_command()], ids=["container", "unit"])
def test_the_command_is_one_that_intone_serve_accepts(command: list[str]) -> None:
    program, subcommand, *rest = command
    known = parameters()
    assert (Path(program).name, subcommand) == ("intone", "serve")
    while rest:
        name = rest.pop(0)
        assert name in known
        if not known[name]:
            assert not rest.pop(0).startswith("-")


@pytest.mark.parametrize("command", [container_command(), unit_command()], ids=["container", "unit"])
def test_it_asks_for_keys_and_keeps_what_it_keeps_in_its_own_place(command: list[str]) -> None:
    own = ("/var/lib/intone/", "${STATE_DIRECTORY}/")
    for name in ("--keys", "--store"):
        assert command[command.index(name) + 1].startswith(own)


def test_the_container_installs_what_it_copies() -> None:
    lines = CONTAINER.read_text()
    (copied,) = re.findall(r"^COPY (pyproject.*) \./$", lines, re.MULTILINE)
    assert all((ROOT / name).is_file() for name in copied.split())
    assert ".[serve,postgres]" in lines
    assert "USER intone" in lines


def test_the_page_names_both_files_and_options_that_there_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for file in (CONTAINER, UNIT):
        assert f"(../{file.relative_to(ROOT).as_posix()})" in page
    told = set(re.findall(r"`(?:… intone )?(--[a-z-]+)", page)) - {"--keys"}
    assert told <= parameters().keys()


@pytest.mark.parametrize("name", ["deploy.md", "privacy.md", "intended-use.md"])
def test_the_pages_link_to_what_is_there(name: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page):
        assert (ROOT / "docs" / link).exists(), link
