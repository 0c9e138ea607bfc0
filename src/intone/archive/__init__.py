"""Archives of recordings as tables: heard once, whatever ends the program meanwhile; see ``docs/archive.md``."""

from intone.archive.options import Options
from intone.archive.run import Progress, run

__all__ = ["Options", "Progress", "run"]
