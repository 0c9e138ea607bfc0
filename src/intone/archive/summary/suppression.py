"""Which groups are too small for figures, and which others must go with them."""

from collections.abc import Mapping

SMALL, BESIDE = "small", "beside"


def suppressed(sizes: Mapping[str, int], smallest: int) -> dict[str, str]:
    """Name the groups whose figures must not be shown, and why.

    The figures of the whole are shown, and from them, less those of all other groups, one hidden group could be worked
    out, or several that together are still small. So the smallest of the others are hidden too, until all hidden
    ones have at least ``smallest`` recordings together (secondary suppression: Willenborg and de Waal 2001, "Elements
    of statistical disclosure control").

    Parameters
    ----------
    sizes : mapping of str to int
        Recordings of each group.
    smallest : int
        Recordings that a group must have to be shown.

    Returns
    -------
    dict
        ``"small"`` or ``"beside"`` for each group that is hidden.

    Examples
    --------
    >>> suppressed({"Ada": 40, "Ben": 3, "Cleo": 25, "Dan": 30}, 10)
    {'Ben': 'small', 'Cleo': 'beside'}
    """
    hidden = {name: SMALL for name, size in sizes.items() if size < smallest}
    if not hidden:
        return {}
    others = sorted((size, name) for name, size in sizes.items() if name not in hidden)
    for _, name in others:
        if sum(sizes[other] for other in hidden) >= smallest:
            break
        hidden[name] = BESIDE
    return hidden
