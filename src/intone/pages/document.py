"""A whole page that needs nothing beside it."""

from collections.abc import Sequence

from intone.pages.markup import Html, tag
from intone.pages.style import CSS

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Forbids the browser to fetch or run anything, should a name ever get past the escaping."""


def document(title: str, header: Html, sections: Sequence[tuple[str, str, Html]]) -> str:
    """Write a page.

    Parameters
    ----------
    title : str
        Of the window.
    header : Html
        Stands above all.
    sections : sequence of (str, str, Html)
        Name for links, title and body of each; one without a body is left out.
    """
    present = [(name, heading, body) for name, heading, body in sections if body]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Html(CSS)),
    )
    body = tag(
        "body",
        tag("header", header),
        tag("nav", *(tag("a", heading, href=f"#{name}") for name, heading, _ in present)),
        tag("main", *(tag("section", tag("h2", heading), body, id=name) for name, heading, body in present)),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en") + "\n"
