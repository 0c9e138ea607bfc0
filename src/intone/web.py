"""Requests over HTTP and HTTPS, and over nothing else: no file, and no FTP, whatever an address or a redirect says."""

import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from intone.errors import UsageError

SCHEMES = ("http", "https")
_HANDLERS = (
    urllib.request.ProxyHandler, urllib.request.UnknownHandler, urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler, urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPErrorProcessor,
)  # fmt: skip


def is_address(url: str) -> bool:
    """Say whether this names a server of the web.

    Examples
    --------
    >>> [is_address(url) for url in ("https://example.org/a", "http:///a", "ftp://example.org", "http://[", "a b")]
    [True, False, False, False, False]
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, or a port that is no number
        return False


def request(
    url: str, content: bytes | None = None, headers: Mapping[str, str] | None = None, *, method: str = ""
) -> Any:
    """Make a request: a POST where there is content, else a GET, unless ``method`` says otherwise.

    Raises
    ------
    UsageError
        The address is none of the web.
    """
    if not is_address(url):
        raise UsageError(f"{url}: no address of the web; accepted are http://… and https://….")
    heads, how = dict(headers or {}), method or None
    return urllib.request.Request(url, content, heads, method=how)  # noqa: S310 - refused above unless HTTP or HTTPS


def opener(*, follow: bool) -> urllib.request.OpenerDirector:
    """Give what opens requests; ``follow`` says whether redirects are followed, which carry all headers along."""
    made = urllib.request.OpenerDirector()
    for handler in (*_HANDLERS, *((urllib.request.HTTPRedirectHandler,) if follow else ())):
        made.add_handler(handler())
    return made
