"""Options that several commands take, read from words."""

from intone.errors import UsageError


def shares(prior: str) -> dict[str, float]:
    """Read the ``neutral=0.8,anger=0.1`` of ``--prior``; what it means is the recogniser's to say.

    Raises
    ------
    UsageError
        A part of it is no name and number.

    Examples
    --------
    >>> shares("neutral=0.8,anger=0.1")
    {'neutral': 0.8, 'anger': 0.1}
    """
    found = {}
    for part in filter(None, prior.split(",")):
        name, _, share = part.partition("=")
        try:
            found[name.strip()] = float(share)
        except ValueError as error:
            raise UsageError(
                f"--prior has '{part}'; accepted are emotions and shares, neutral=0.8,anger=0.1."
            ) from error
    return found
