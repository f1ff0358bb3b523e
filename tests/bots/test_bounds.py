"""A server of alerts that drips, or never ends, is left within the bounds, however quickly each byte comes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from service.errors import DeliveryFailed
from service.messages import announce, messenger
from service.messages.bounds import bounded

Speak = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(speak: Speak) -> Iterator[int]:
    """A server that speaks so to each client, until the client hangs up."""

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(client,), daemon=True).start()

    def talk(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            speak(client)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def drips(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        client.sendall(b"x")
        time.sleep(0.05)


def greets_without_end(client: socket.socket) -> None:
    while True:
        client.sendall(b"220-well\r\n")
        time.sleep(0.05)


def floods(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        client.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def sends_on(client: socket.socket) -> None:
    """To itself, in a circle that no client follows for long; each step takes its time."""
    port = client.getsockname()[1]
    client.recv(65_536)
    time.sleep(0.3)
    head = b"HTTP/1.1 307 On\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    client.sendall(head % port)


@pytest.mark.parametrize(
    "speak, url, told",
    [
        (drips, "json://127.0.0.1:{}", "within 1 s"),
        (greets_without_end, "mailto://127.0.0.1:{}?from=a@example.org&to=b@example.org", "within 1 s"),
        (floods, "json://127.0.0.1:{}", "longer than 64 KiB"),
        (sends_on, "json://127.0.0.1:{}", "within 1 s"),
    ],
)
def test_a_server_that_never_ends_its_answer_is_left(
    speak: Speak, url: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messenger, "bounded", partial(bounded, 1.0, 64 * 1024))
    before = threading.active_count()
    with serving(speak) as port:
        began = time.monotonic()
        with pytest.raises(DeliveryFailed, match=told):
            announce(url.format(port), "A subject", "A body")
        assert time.monotonic() - began < 4
    assert threading.active_count() <= before + 3


def test_what_another_thread_connects_meanwhile_stays() -> None:
    """Bounds are those of one thread."""
    with serving(lambda client: client.sendall(client.recv(9))) as port, bounded(0.2) as bounds:
        found: list[bytes] = []

        def talk() -> None:
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                time.sleep(0.5)
                sock.sendall(b"well")
                found.append(sock.recv(9))

        other = threading.Thread(target=talk)
        other.start()
        other.join()
        assert found == [b"well"] and "within 0 s" in bounds.broken
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", port), 5)
