"""Progress: bars on a terminal, one line a step in a log."""

import io

import pytest

from intone.cli.console import bars


class Terminal(io.StringIO):
    """Takes what is drawn, as a screen would."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_how_far_each_step_is_and_how_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with bars(logged=True) as told:
        told("[red]Listening[/red]", 3, 8)
        told("random seed 1", 2, 5, "loss 0.125, accuracy 91.0%")
    drawn = screen.getvalue()
    assert "[red]Listening[/red]" in drawn  # a name is no markup
    assert "3/8" in drawn
    assert "2/5" in drawn
    assert "loss 0.125, accuracy 91.0%" in drawn


def test_a_log_gets_a_line_when_a_step_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with bars(logged=True) as told:
        for epoch in (1, 2, 3):
            told("random seed 1", epoch, 3, f"loss {3 - epoch}")
        told("Listening", 4, 9)
    assert capsys.readouterr() == ("", "random seed 1: 3/3 loss 0\n")


def test_what_is_not_logged_says_nothing_outside_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with bars(of_bytes=True) as told:
        told("archive.zip", 10, 10)
    assert capsys.readouterr() == ("", "")
