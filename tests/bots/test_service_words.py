"""The words by which outcomes of Apprise's plugins are told apart: this fails where its release uses others.

Apprise answers only yes or no. Each sentence that `service_words` knows is brought about here, through its own plugins
and a real web server, and must lead to its verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import apprise
import pytest
from apprise import Apprise

from service.domain.people.contact import Contact
from service.messages import ChannelUnavailable, DeliveryFailed, DeliveryUncertain, Messenger, announce, why_unusable
from service.messages.apprise_log import ASSET, captured
from service.messages.service_words import verdict
from tests.support.processes import find_free_port
from tests.support.servers.tls import TlsProxy

KIM = Contact(id="1", name="Kim")
PLUGINS = Path(apprise.__file__).parent / "plugins"


@contextmanager
def answering(status: int | None) -> Iterator[int]:
    """A web server that answers with a status, or hangs up without one; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def outcome(url: str) -> type[DeliveryFailed]:
    """What becomes of a message to a URL that does not take it."""
    with pytest.raises(DeliveryFailed) as failure:
        Messenger(url).deliver(KIM, "s", "b")
    assert "t0k3n" not in str(failure.value)
    return type(failure.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, ChannelUnavailable) for status in (401, 403, 429, 502, 503)),
        *((status, DeliveryFailed) for status in (400, 404, 410, 422)),
        *((status, DeliveryUncertain) for status in (500, 504, None)),
    ],
)
@pytest.mark.parametrize("schema", ["json", "form", "xml", "ntfy"])
def test_a_status_is_read_from_what_apprise_logs(schema: str, status: int | None, kind: type[DeliveryFailed]) -> None:
    """`Failed to send …, error=404`: refused, refused altogether, or not to be known."""
    with answering(status) as port:
        assert outcome(f"{schema}://127.0.0.1:{port}/t0k3n-of-mine") is kind


def test_no_connection_is_read_from_what_apprise_logs(tmp_path: Path) -> None:
    """Nobody listens, there is no such host, the certificate is unknown: nothing was sent."""
    assert outcome(f"json://127.0.0.1:{find_free_port()}/t0k3n-of-mine") is ChannelUnavailable
    assert outcome("json://nowhere.invalid/t0k3n-of-mine") is ChannelUnavailable
    with answering(200) as port, TlsProxy(tmp_path, port) as proxy:
        assert outcome(f"jsons://127.0.0.1:{proxy.port}/t0k3n-of-mine") is ChannelUnavailable
        announce(f"jsons://127.0.0.1:{proxy.port}/t0k3n-of-mine?verify=no", "s", "b")


def test_a_silent_server_leaves_it_uncertain() -> None:
    """A read that times out comes after the message went."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert outcome(f"json://127.0.0.1:{port}/t0k3n-of-mine?rto=0.2") is DeliveryUncertain


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("There are no targets to notify", DeliveryFailed),
        ("Failed to send JSON POST notification: Bad Request, error=404.", DeliveryFailed),
        ("Failed to send JSON POST notification: , error=401.", ChannelUnavailable),
        ("A Connection error occurred sending JSON notification to host.", DeliveryUncertain),
        ("something that nobody knows", DeliveryUncertain),
    ],
)
def test_each_sentence_has_its_verdict(line: str, kind: type[DeliveryFailed]) -> None:
    """What is not known may have been sent."""
    assert verdict([line])[0] is kind


def test_an_address_that_is_dropped_is_told_by_apprises_log() -> None:
    """`Dropped invalid …`: the URL is refused, though the plugin was made."""
    with captured() as lines:
        assert Apprise.instantiate("signal://localhost/15551231234/nonsense", asset=ASSET) is not None
    assert any(line.startswith("Dropped invalid") for line in lines)
    assert "invalid" in (why_unusable("signal://localhost/15551231234/nonsense", "signal://x") or "")
    sources = [path.read_text() for path in PLUGINS.rglob("*.py")]
    assert sum("Dropped invalid" in source for source in sources) >= 40


def test_the_plugins_use_these_sentences() -> None:
    """`error=` behind a failure, and an exception's text behind `Socket Exception: `, in nearly all of them."""
    sources = [path.read_text() for path in sorted(PLUGINS.rglob("*.py")) if path.parent.name != "email"]
    posting = [source for source in sources if "requests.RequestException" in source]
    failing = [source for source in posting if "error={" in source or "error=%" in source]
    excepting = [source for source in posting if "Socket Exception: " in source]
    assert len(posting) >= 100
    assert len(failing) >= 0.95 * len(posting) and len(excepting) >= 0.95 * len(posting)
    assert sum("There are no " in source or "There were no " in source for source in sources) >= 20
