"""The command ``intone``: results go to standard output, progress and messages to standard error.

Exit codes: 0 done, 1 some inputs failed (each is named), 2 wrong usage.
"""

import io
import sys

from intone.errors import ByHandError, IntoneError, UsageError

OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2


def main() -> None:
    """Run the command line; what Intone refuses is said in one sentence, never as a traceback.

    The installed command comes here through :mod:`intone_command`, which takes Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show is written as escapes
            stream.reconfigure(errors="backslashreplace")
    try:
        from intone.cli.commands import app
        from intone.cli.console import complain

        app()
    except ByHandError as error:
        complain(error.message, error.steps)
        sys.exit(SOME_FAILED)
    except IntoneError as error:
        complain(str(error))
        sys.exit(WRONG_USAGE if isinstance(error, UsageError) else SOME_FAILED)
