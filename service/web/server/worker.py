"""The web process: gunicorn's worker with uvicorn's server, started, watched and stopped as we need it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from gunicorn.workers import base
from gunicorn.workers.workertmp import WorkerTmp
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from service.seldom import tell_all
from service.web.server.connection import UNSENT_BYTES, Connection
from service.web.server.file_limit import make_room
from service.web.stopping import STOPPING

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.001
"""How long a thread that computes may keep Python's lock while the event loop waits for it. With Python's own 5 ms, two
such threads made a GET of a job take 20 to 50 ms (p99); with this, 8 to 10."""
LOOK_SECONDS = 0.5
"""How often deadlines, and the arbiter, are checked."""
NOTIFY_SECONDS = 1
"""How often gunicorn hears that the process lives. Its time-out counts from the last time."""
ACCEPTED_AT_ONCE = 64
"""How many connections are accepted in one turn of the loop, with others served in between."""
ENDED_AT_ONCE = 64
"""How many connections are checked, and ended if overdue, before the loop serves others."""
QUEUED = 2048
"""How many new connections the kernel queues meanwhile."""


class Heartbeat(WorkerTmp):  # type: ignore[misc]
    """The file whose time shows the arbiter that a worker is alive; in memory, so that it needs no folder."""

    def __init__(self, cfg: Any) -> None:
        self._tmp = os.fdopen(os.memfd_create("gunicorn-heartbeat"), "w+b", 0)


class WebServer(Server):
    """uvicorn's server, which tells streams to end and whose process ends by itself after a signal."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop; uvicorn calls this at SIGTERM and SIGINT. It would raise the signal again after all is done."""
        self.should_exit = True
        STOPPING.begin()

    def leave_at_once(self) -> None:
        """Stop without waiting for requests."""
        self.force_exit = True
        self.handle_exit(signal.SIGQUIT, None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections."""
        for listener in sockets or ():
            _limit_unsent(listener)
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUED)  # asyncio has told the kernel to queue as many as it accepts at once

    async def look(self, arbiter: int) -> None:
        """End what is overdue, again and again, and stop if gunicorn's arbiter was killed: nobody else would stop us.

        Args:
            arbiter: its process id.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if os.getppid() != arbiter and not self.should_exit:
                log.warning("The parent process has ended; this web process stops")
                self.handle_exit(signal.SIGTERM, None)
            tell_all()
            for number, connection in enumerate(list(self.server_state.connections)):
                if number % ENDED_AT_ONCE == 0:
                    await asyncio.sleep(0)
                if connection in self.server_state.connections:
                    connection.look(loop.time())  # type: ignore[union-attr]


def _limit_unsent(listener: socket.socket) -> None:
    """Have the kernel buffer little of an answer, or it would be hidden for long whether the client reads."""
    with contextlib.suppress(OSError, AttributeError):  # only some systems have it, and only for TCP
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


class Worker(UvicornWorker):  # type: ignore[misc]
    """A web process."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "interface": "asgi3",
        "loop": "asyncio",
        "http": Connection,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_notify": NOTIFY_SECONDS,
        "backlog": ACCEPTED_AT_ONCE,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if hasattr(os, "memfd_create"):  # Linux; elsewhere it is a temporary file
            base.WorkerTmp = Heartbeat
        super().__init__(*arguments, **options)
        Connection.limit = self.cfg.worker_connections
        sys.setswitchinterval(SWITCH_SECONDS)
        _log_as_we_do()

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Make room for the connections; gunicorn calls this once, before it forks the workers."""
        cfg.set("worker_connections", make_room(cfg.worker_connections))

    def init_signals(self) -> None:
        """Heed signals, also one that came since the fork; see `service.gunicorn_config.on_starting`."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = WebServer(self.config)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGQUIT, server.leave_at_once)
        with _meanwhile(server.look(self.ppid)):
            await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


@contextlib.contextmanager
def _meanwhile(coroutine: Any) -> Iterator[None]:
    task = asyncio.ensure_future(coroutine)
    try:
        yield
    finally:
        task.cancel()


def _log_as_we_do() -> None:
    """Undo what uvicorn's worker does to uvicorn's loggers. gunicorn already tells when processes begin and end."""
    logger = logging.getLogger("uvicorn.error")
    logger.handlers, logger.propagate = [], True
    logger.setLevel(logging.WARNING)
