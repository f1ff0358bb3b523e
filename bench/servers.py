"""Which worker class gunicorn should have: `python -m bench.servers --help`.

`GET /jobs/{id}` by 16 connections, alone and beside twelve clients that follow a run's log as server-sent events; two
processes each. `ours` is the class that the Procfile's configuration names, with its threads.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench import ours
from bench.api import Served, served
from bench.contenders import OURS
from bench.load import Ask, ask
from bench.ours import API_KEY
from bench.rig import AREA
from bench.suite import Chosen, Suite

CLASSES = {
    "ours, 8 threads": (),
    "sync": ("--worker-class", "sync", "--threads", "1"),
    "gthread, 4 threads": ("--worker-class", "gthread", "--threads", "4"),
    "gthread, 16 threads": ("--worker-class", "gthread", "--threads", "16"),
    "gevent": ("--worker-class", "gevent", "--threads", "1"),
}
STREAMS = 12
SECONDS = 4


@contextmanager
def following(port: int, path: str) -> Iterator[bool]:
    """Follows a run's log. Gives whether the stream has begun within two seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\nAccept: text/event-stream\r\n\r\n"
        connection.sendall(head.encode())
        try:
            yield connection.recv(4096).startswith(b"HTTP/1.1 200")
        except TimeoutError:
            yield False


def measure(up: Served, seconds: int) -> dict[str, Any]:
    """Alone, then beside the streams."""
    what = Ask([f"/scheduler/jobs/{job_id}" for job_id in up.ids])
    ask(up.port, what, 1, up.place.folder)
    alone = ask(up.port, what, seconds, up.place.folder)
    # No worker is up, so that the run stays queued and the streams stay open.
    run_id = ours.runs(up.place).run_now(up.ids[0])
    path = f"/scheduler/jobs/{up.ids[0]}/runs/{run_id}/log"
    with ExitStack() as streams:
        answered = sum(streams.enter_context(following(up.port, path)) for _ in range(STREAMS))
        time.sleep(0.2)
        beside = ask(up.port, what, seconds, up.place.folder)
    return {
        **alone, "rate_beside": beside["rate"], "p99_beside_ms": beside["p99_ms"], "streams": answered,
        "broken_beside": beside["broken"], "memory_mib": up.place.pss("web"),
    }  # fmt: skip


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds of all classes."""
    suite = Suite("servers", chosen, OURS[:1])
    seconds = 1 if chosen.tiny else SECONDS
    for contender in suite.rounds():
        for name, options in CLASSES.items():
            if name == "gevent" and not (AREA / "gevent").exists():
                continue
            with served(*options, path=str(AREA / "gevent") if name == "gevent" else "") as up:
                suite.note(contender, name, lambda: measure(up, seconds))
    return suite.results()


if __name__ == "__main__":
    Chosen.ask(__doc__).run("servers", measured)
