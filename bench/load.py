"""Requests as fast as they are answered, by wrk where it is, else by threads of Python, which are slower themselves."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.ours import API_KEY
from bench.rig import ROOT
from bench.store import centile

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for: one of the paths after the other.

    Args:
        paths: asked for in turn.
        method: of every request.
        body: of every request; none if empty.
        headers: beside the API key and the JSON type; an empty one takes the place of one of these, and is not sent.
        connections: how many ask at the same time.
    """

    paths: Sequence[str]
    method: str = "GET"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    connections: int = CONNECTIONS


def tool() -> str:
    """What asks, for the tables."""
    return "wrk" if shutil.which("wrk") else "threads of Python (wrk is not installed), which lower every rate"


def ask(port: int, what: Ask, seconds: float, folder: Path) -> dict[str, float]:
    """Asks for `seconds`; wrk knows whole ones alone. Returns rate, p50 and p99, and how many were refused or broke."""
    answer = (_wrk if shutil.which("wrk") and seconds >= 1 else _threads)(port, what, seconds, folder)
    answer["rate"] = answer["requests"] / answer.pop("seconds")
    return answer


def _headers(what: Ask) -> dict[str, str]:
    sent = {"X-API-Key": API_KEY, "Content-Type": "application/json", **what.headers}
    return {name: value for name, value in sent.items() if value}


def _wrk(port: int, what: Ask, seconds: float, folder: Path) -> dict[str, float]:
    paths = folder / "paths"
    paths.write_text("\n".join(what.paths) + "\n")
    environment = {
        **os.environ, "BENCH_PATHS": str(paths), "BENCH_METHOD": what.method, "BENCH_BODY": what.body,
        "BENCH_HEADERS": "".join(f"{name}: {value}\n" for name, value in _headers(what).items()),
    }  # fmt: skip
    done = subprocess.run(
        ["wrk", "-t1", f"-c{what.connections}", f"-d{round(seconds)}s", "--timeout", "30s", "-s",
         str(ROOT / "bench" / "wrk.lua"), f"http://127.0.0.1:{port}"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, float] = json.loads(done.stdout.partition("JSON ")[2])
    return answer


def _threads(port: int, what: Ask, seconds: float, folder: Path) -> dict[str, float]:
    taken: list[float] = []
    wrong = {"refused": 0, "broken": 0}
    start = time.monotonic()

    def work(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = _headers(what)
        while (began := time.monotonic()) < start + seconds:
            number += 1
            try:
                connection.request(what.method, what.paths[number % len(what.paths)], what.body or None, headers)
                answer = connection.getresponse()
                answer.read()
                wrong["refused"] += answer.status >= 400
            except (OSError, http.client.HTTPException):
                wrong["broken"] += 1
                connection.close()
            taken.append((time.monotonic() - began) * 1000)
        connection.close()

    threads = [threading.Thread(target=work, args=(number * 7,)) for number in range(what.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "requests": len(taken), "seconds": time.monotonic() - start, "p50_ms": centile(taken, 0.5),
        "p99_ms": centile(taken, 0.99), "max_ms": max(taken), **wrong,
    }  # fmt: skip
