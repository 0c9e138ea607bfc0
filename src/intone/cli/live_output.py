"""What ``intone live`` prints where it shows no view: a line for each segment, or JSON."""

from typing import Protocol

from intone.cli.console import as_json, complain
from intone.hear.alerts import Alert
from intone.hear.sources import Chunk
from intone.results import Update


class Output(Protocol):
    """Is told of all that happens."""

    def started(self, record: dict[str, object]) -> None:
        """Take what is known at the beginning."""

    def heard(self, chunk: Chunk) -> None:
        """Take a piece of sound."""

    def updated(self, update: Update) -> None:
        """Take what the stream has to say."""

    def alerted(self, alert: Alert) -> None:
        """Take an alert."""

    def close(self) -> None:
        """End."""


class Plain:
    """A line for each segment that has ended and each alert; notices go to standard error."""

    def started(self, record: dict[str, object]) -> None:
        """Say nothing yet."""

    def heard(self, chunk: Chunk) -> None:
        """Say nothing of the sound itself."""

    def updated(self, update: Update) -> None:
        """Print a segment that has ended."""
        complain_of(update)
        segment = update.segment
        if segment is None or not update.final:
            return
        emotion = f"unsure ({segment.emotion}?)" if segment.unsure else str(segment.emotion)
        print(f"{segment.start:7.1f} - {segment.end:.1f} s  {emotion}  {segment.confidence:.0%}", flush=True)

    def alerted(self, alert: Alert) -> None:
        """Print an alert."""
        print(f"{alert.at:7.1f} s  ALERT  {alert.condition}", flush=True)

    def close(self) -> None:
        """Say nothing more."""


class Lines:
    """Everything as JSON, an object a line; notices go to standard error too."""

    def started(self, record: dict[str, object]) -> None:
        """Print the first line."""
        self._print(record)

    def heard(self, chunk: Chunk) -> None:
        """Say nothing of the sound itself."""

    def updated(self, update: Update) -> None:
        """Print an update."""
        complain_of(update)
        self._print(update.to_dict())

    def alerted(self, alert: Alert) -> None:
        """Print an alert."""
        self._print(alert.to_dict())

    def close(self) -> None:
        """Say nothing more."""

    def _print(self, record: dict[str, object]) -> None:
        print(as_json(record), flush=True)


def complain_of(update: Update) -> None:
    """Say a notice on standard error."""
    if update.notice is not None:
        complain(f"{update.at:.1f} s: {update.notice.message}")
