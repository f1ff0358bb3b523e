"""The message of `bot-scheduler up` once everything is healthy: where everything is, and how to sign in."""

from __future__ import annotations

import http.client
import json
import math
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

START_SECONDS = 30


def greet(
    base: str, key_file: Path | None, stopped: threading.Event, screen: TextIO, when_up: Callable[[], None]
) -> None:
    """Wait until the service is healthy and has a worker, and print where it is; say once if that takes long.

    Args:
        base: the service's URL.
        key_file: where its own API key is; None if the setting API_KEY has it.
        stopped: ends the wait without a word.
        screen: where to print.
        when_up: called when all parts are up, before anything is printed.
    """
    url = f"{base}/scheduler/health"
    late = time.monotonic() + START_SECONDS
    while not stopped.wait(0.2):
        if _is_up(url):
            when_up()
            print(_greeting(base, _key_line(key_file, screen.isatty())), file=screen, flush=True)
            return
        if time.monotonic() > late:
            late = math.inf
            print(f"Not healthy after {START_SECONDS} s; see the lines above, and {url}", file=screen, flush=True)


def _is_up(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2) as answer:
            return bool(answer.status == 200 and json.load(answer)["workers"] > 0)
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _key_line(key_file: Path | None, on_terminal: bool) -> str:
    """Return the key's line. Only a terminal gets the key itself, since others may be able to read a file."""
    if key_file is None:
        return "as in API_KEY"
    kept = f"kept in {key_file}"
    return f"{key_file.read_text().strip()}   ({kept})" if on_terminal else kept


def _greeting(base: str, key: str) -> str:
    return (
        f"\n  Bot Scheduler is up. Ctrl-C stops it.\n\n"
        f"    Console    {base}/   (sign in with the key)\n"
        f"    API        {base}/scheduler\n"
        f"    Dashboard  {base}/rq   (after signing in to the console)\n"
        f"    API key    {key}\n"
    )
