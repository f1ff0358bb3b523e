"""Private parts of uvicorn, gunicorn, httptools and asyncio that the server touches, as these versions have them."""

from __future__ import annotations

import asyncio
import inspect
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import httptools
import pytest
from gunicorn.workers import base
from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server, ServerState
from uvicorn_worker import UvicornWorker

from service.web.server.connection import Connection
from service.web.server.cycle import Cycle
from service.web.server.file_limit import FEWEST, OTHER_FILES
from service.web.server.parsing import Parsing
from service.web.server.worker import Heartbeat, WebServer, Worker
from tests.support.installation import ROOT


def test_these_are_the_versions() -> None:
    """Whoever raises one looks at the other tests here, and runs tests/server and tests/api."""
    found = [version(name).rpartition(".")[0] for name in ("gunicorn", "uvicorn", "uvicorn-worker", "httptools")]
    assert found == ["27.0", "0.54", "0.4", "0.9"]


def own(kind: type) -> set[str]:
    """The methods that a class defines itself."""
    return {name for name, value in vars(kind).items() if inspect.isfunction(value) and not name.startswith("__")}


def overridden(*kinds: type, of: type) -> set[str]:
    """Which methods of a library's class ours replace."""
    return {name for kind in kinds for name in own(kind)} & set(dir(of))


def test_these_methods_are_replaced_and_no_others() -> None:
    """A method of a later version that happens to have one of our names would be replaced, too."""
    assert overridden(Parsing, Connection, of=HttpToolsProtocol) == {
        "connection_lost", "connection_made", "data_received", "eof_received", "on_body", "on_header",
        "on_headers_complete", "on_message_begin", "on_message_complete", "on_response_complete", "shutdown",
    }  # fmt: skip
    assert overridden(Cycle, of=RequestResponseCycle) == {"receive", "send", "send_500_response"}
    assert overridden(WebServer, of=Server) == {"handle_exit", "startup"}
    assert overridden(Worker, of=UvicornWorker) == {"_serve", "init_signals"}
    assert not hasattr(UvicornWorker, "check_config")


def test_what_ours_rely_on_is_there() -> None:
    """Attributes and signatures that no documentation promises."""
    connection = vars(HttpToolsProtocol(_config(), ServerState(), {}, asyncio.new_event_loop()))
    assert connection.keys() >= {
        "app", "client", "connections", "cycle", "flow", "headers", "logger", "loop", "parser", "pipeline", "scope",
        "server_state", "timeout_keep_alive", "transport",
    }  # fmt: skip
    assert connection["pipeline"].maxlen is None
    arguments = set(inspect.signature(RequestResponseCycle.__init__).parameters)
    assert arguments == {
        "self", "scope", "transport", "flow", "logger", "access_logger", "access_log", "default_headers",
        "message_event", "expect_100_continue", "keep_alive", "on_response",
    }  # fmt: skip
    assert {name for name in ("pause_reading", "resume_reading", "drain") if hasattr(FlowControl, name)} == {
        "pause_reading", "resume_reading", "drain",
    }  # fmt: skip
    assert STATUS_LINE[431] == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    assert [*inspect.signature(HttpToolsProtocol._start_asgi_task).parameters] == ["self", "cycle", "app"]
    assert inspect.iscoroutinefunction(Server.startup) and "sockets" in inspect.signature(Server.startup).parameters
    assert {"force_exit", "should_exit"} <= vars(Server(_config())).keys()
    assert hasattr(base, "WorkerTmp")
    assert issubclass(Heartbeat, base.WorkerTmp)


def _config() -> Any:
    config = Config(app=lambda: None, http=Connection, lifespan="off", ws="none", log_config=None, interface="asgi3")
    config.load()
    return config


def test_a_transport_reads_as_much_at_once_as_it_is_told() -> None:
    """asyncio's `max_size`, which the connection lowers."""
    sizes: list[int] = []

    class Reader(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            transport.max_size = 1000

        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Reader, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"x" * 5000)
        while sum(sizes) < 5000:
            await asyncio.sleep(0.001)
        writer.close()
        server.close()

    asyncio.run(scenario())
    assert max(sizes) == 1000


class Events:
    """What the parser calls."""

    def __init__(self, complain: Callable[[], None] = lambda: None) -> None:
        self.seen: list[str] = []
        self._complain = complain

    def on_message_begin(self) -> None:
        self.seen.append("begin")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.seen.append(name.decode())

    def on_headers_complete(self) -> None:
        self.seen.append("head")
        self._complain()

    def on_message_complete(self) -> None:
        self.seen.append("complete")


def test_the_parser_hands_trailers_over_as_headers() -> None:
    """Before the request is complete, so that none becomes a header of the next request; we leave them out."""
    events = Events()
    parser = httptools.HttpRequestParser(events)
    parser.feed_data(
        b"POST / HTTP/1.1\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nC: d\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    )
    assert events.seen == [
        "begin", "A", "Transfer-Encoding", "head", "C", "complete", "begin", "head", "complete",
    ]  # fmt: skip


def test_the_parser_tells_which_error_a_callback_has_raised() -> None:
    """As the context of its own."""

    def complain() -> None:
        raise KeyError("ours")

    with pytest.raises(httptools.HttpParserCallbackError) as error:
        httptools.HttpRequestParser(Events(complain)).feed_data(b"GET / HTTP/1.1\r\n\r\n")
    assert isinstance(error.value.__context__, KeyError)


def test_the_parser_ends_a_request_that_asks_for_an_upgrade_with_its_head() -> None:
    """It tells where the rest begins; we parse the head again without the wish."""
    raw = b"POST / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n"
    events = Events()
    with pytest.raises(httptools.HttpParserUpgrade) as upgrade:
        httptools.HttpRequestParser(events).feed_data(raw + b"{}")
    assert upgrade.value.args == (len(raw),)
    assert events.seen[-2:] == ["head", "complete"]


ROOM = """
import logging, resource, sys
from service.web.server.file_limit import make_room
logging.basicConfig(format="%(message)s", stream=sys.stdout)
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(make_room(wanted), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "room"),
    [(256, 1024, 100, 100), (256, 1024, 4096, 1024 - OTHER_FILES), (64, 64, 4096, FEWEST), (1024, 1024, 512, 512)],
)
def test_the_limit_of_open_files_is_raised_and_one_that_is_too_low_is_told(
    soft: int, hard: int, wanted: int, room: int
) -> None:
    """In one line that says what to do; fewer clients are served then."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip("the limit of open files is lower here")
    ended = subprocess.run(
        [sys.executable, "-c", ROOM, str(soft), str(hard), str(wanted)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    *warning, last = ended.stdout.splitlines()
    assert last == f"{room} {hard} {hard}"
    assert [f"LIMIT_CONNECTIONS={wanted}" in line for line in warning] == ([] if room == wanted else [True])
