"""The installed command's door: outside the package, because importing anything inside it takes a third of a second.

Ctrl-C may come in that time already, and must not show a traceback.
"""

import sys

INTERRUPTED = 130  # what a shell gives for a program that Ctrl-C ended


def main() -> None:
    """Import and run the command line; Ctrl-C ends it in silence, at whatever moment."""
    try:
        from intone.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
