"""The message of `bot-scheduler up` once everything is healthy: where everything is, and how to sign in."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TextIO

START_SECONDS = 30


def greet(base: str, key_file: Path | None, stopped: threading.Event, screen: TextIO) -> None:
    """Wait until the service is healthy, and print where it is; after `START_SECONDS` say that it is not.

    Args:
        base: the service's URL.
        key_file: where its own API key is; None if the setting API_KEY has it.
        stopped: ends the wait without a word.
        screen: where to print.
    """
    if _becomes_healthy(f"{base}/scheduler/health", stopped):
        print(_greeting(base, _key_line(key_file, screen.isatty())), file=screen, flush=True)
    elif not stopped.is_set():
        print(f"Not healthy after {START_SECONDS} s; see the lines above, and {base}/scheduler/health", file=screen)


def _becomes_healthy(url: str, stopped: threading.Event) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while not stopped.wait(0.2) and time.monotonic() < end:
        try:
            with direct.open(url, timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            continue
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
