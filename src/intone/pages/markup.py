"""HTML that cannot be broken out of: text is escaped on its way in, and only what was built here is taken as it is."""

import base64
from collections.abc import Iterable
from html import escape
from typing import Any

VOID = frozenset({"meta", "img"})


class Html(str):
    """Markup that is safe to stand in a page, because :func:`tag` made it or its author is this package."""

    __slots__ = ()


def text(content: Any) -> Html:
    """Escape whatever it is, unless it is markup already.

    Control characters, which HTML forbids, are shown as what they are not.

    Examples
    --------
    >>> text("<script>")
    '&lt;script&gt;'
    """
    if isinstance(content, Html):
        return content
    shown = "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in str(content)
    )
    return Html(escape(shown.encode("utf-8", "replace").decode()))


def tag(element: str, /, *children: Any, **attributes: Any) -> Html:
    """Make an element; ``class_`` is the attribute ``class``, ``_`` in others is ``-``, and None leaves one out.

    Examples
    --------
    >>> tag("p", "5 < 6", class_="note")
    '<p class="note">5 &lt; 6</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "" if element in VOID else "".join(text(child) for child in children) + f"</{element}>"
    return Html(f"<{element}{written}>{inner}")


def joined(*parts: Any) -> Html:
    """Put parts behind one another."""
    return Html("".join(text(part) for part in parts))


def table(headings: list[str], rows: list[list[Any]], *, numbers: int = 1, caption: str = "") -> Html:
    """Make a table that scrolls inside itself where the page is narrow.

    Parameters
    ----------
    headings : list of str
        One for each column.
    rows : list of lists
        The first cell of each row is its heading.
    numbers : int, default 1
        From which column on cells are numbers, and aligned so.
    caption : str, optional
        Stands above.
    """
    kinds = ["number" if place >= numbers else None for place in range(len(headings))]
    head = [tag("th", heading, scope="col", class_=kind) for heading, kind in zip(headings, kinds, strict=True)]
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(tag("td", cell, class_=kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in rows
    ]
    title = [tag("caption", caption)] if caption else []
    whole = tag("table", *title, tag("thead", tag("tr", *head)), tag("tbody", *body))
    return tag("div", whole, class_="wide", tabindex=0)  # so that it can be scrolled without a mouse


def pairs(rows: Iterable[tuple[str, str]]) -> Html:
    """Make a table of names and what they are."""
    body = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in rows]
    return tag("div", tag("table", tag("tbody", *body), class_="pairs"), class_="wide")


def picture(png: bytes, *, alt: str) -> Html:
    """Put a PNG into the page itself."""
    return tag("img", src="data:image/png;base64," + base64.b64encode(png).decode(), alt=alt)
