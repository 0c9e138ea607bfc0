"""Requests go to the web alone, and a key goes to nobody but the service that it is for."""

import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import Request

import pytest

from intone import web
from intone.client import Client, ServiceError
from intone.errors import UsageError


@contextmanager
def server(redirect: str = "") -> Iterator[tuple[str, list[str]]]:
    """Serve an empty object, or send elsewhere; give the address and the keys that came."""
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers.get("Authorization", ""))
            self.send_response(302 if redirect else 200)
            self.send_header("Location", redirect)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}", keys
        served.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://example.org/a", "data:,a", "http://a b", "http://a:port"]
)
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no address of the web"):
        web.request(url)


def test_no_file_is_opened_whatever_asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(urllib.error.URLError, match="unknown url type"):
        web.opener(follow=True).open(Request((tmp_path / "secret").as_uri()))


def test_a_redirect_is_followed_where_that_is_wanted_and_to_the_web_alone() -> None:
    with server() as (there, _):
        with server(redirect=there) as (here, _):
            with web.opener(follow=True).open(web.request(here)) as answer:
                assert answer.geturl().rstrip("/") == there
            with pytest.raises(urllib.error.HTTPError, match="302"):
                web.opener(follow=False).open(web.request(here))
        with (
            server(redirect="file:///etc/hostname") as (here, _),
            pytest.raises(urllib.error.HTTPError, match="not allowed"),
        ):
            web.opener(follow=True).open(web.request(here))


def test_a_service_that_sends_its_client_elsewhere_gives_no_key_away() -> None:
    with server() as (there, elsewhere), server(redirect=there) as (here, keys):
        with pytest.raises(ServiceError):
            Client(here, key="secret").models()
        assert (keys, elsewhere) == (["Bearer secret"], [])
