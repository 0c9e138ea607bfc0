"""The corpora that Intone knows, by name."""

from intone.corpora import ased, crema_d, emodb, emovo, nemo, ravdess, savee, tess
from intone.corpora.corpus import Corpus
from intone.errors import unknown

CORPORA: dict[str, Corpus] = {
    module.CORPUS.name: module.CORPUS for module in (ased, crema_d, emodb, emovo, nemo, ravdess, savee, tess)
}
"""Every corpus by its short name, in alphabetical order."""


def describe(name: str) -> Corpus:
    """Give a corpus by its short name, in any case.

    Raises
    ------
    UsageError
        There is no such corpus; the nearest name is suggested.

    Examples
    --------
    >>> describe("emodb").language
    'de'
    >>> describe("crema")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    intone.errors.UsageError: There is no corpus 'crema'. Did you mean 'crema-d'? Accepted: ased, crema-d, emodb, ...
    """
    try:
        return CORPORA[name.lower()]
    except KeyError:
        raise unknown("corpus", name, CORPORA) from None
