"""Arguments and streams that are not as usual: bytes that are no text, streams that are closed, readers that go."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.cli.canned import CannedService
from tests.support.cli_in_process import command_line
from tests.support.installation import ROOT


@pytest.mark.parametrize(
    "line",
    ["jobs show", "jobs list", "history", "logs", "runs show", "calendars show", "jobs create", "pauses --job",
     "audit --actor", "batch enable --label"],
)  # fmt: skip
def test_an_argument_that_is_not_utf_8_is_named(line: str) -> None:
    """In one sentence, as wrong usage."""
    said = command_line(CannedService(), *line.split(), os.fsdecode(b"k=\xff\xfe"))
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err == "Error: The argument “k=\\xff\\xfe” is not valid UTF-8\n"


@contextmanager
def serving(service: CannedService) -> Iterator[str]:
    """Serves canned answers over HTTP, and yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = service(httpx.Request("GET", f"http://scheduler.test{self.path}"))
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(line: str, folder: Path) -> tuple[int, str]:
    """Runs a line of bash in which `cli` is the command, at a service of canned answers. Returns status and errors."""
    with serving(CannedService()) as url:
        ours = {"BOT_SCHEDULER_URL": url, "API_KEY": "k", "HOME": str(folder), "PYTHONPATH": str(ROOT)}
        script = f'set -o pipefail; cli() {{ {sys.executable} -P -m service.cli "$@"; }}; {line}'
        ended = subprocess.run(
            ["bash", "-c", script], env=os.environ | ours, cwd=folder, capture_output=True, text=True, timeout=60
        )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("line", "status"),
    [("cli health >&-", 0), ("cli runs show nope 2>&-", 3), ("cli health <&- >&- 2>&-", 0), ("cli jobs list <&-", 0)],
)
def test_a_closed_stream_takes_nothing_and_changes_nothing(line: str, status: int, tmp_path: Path) -> None:
    """Neither the exit code nor the other streams."""
    ended, err = run(line, tmp_path)
    assert ended == status and "Traceback" not in err


@pytest.mark.parametrize(
    "line",
    [
        "jobs list",
        "history",
        "bots",
        "--help",
        "audit",
        "export --json",
        "jobs list --json",
        "jobs list --watch",
        "health",
    ],
)
def test_a_reader_that_goes_ends_the_command_as_sigpipe_does(line: str, tmp_path: Path) -> None:
    """Whatever writes, and also while `--watch` waits. It is not the answer no."""
    assert run(f"cli {line} | :", tmp_path) == (141, "")
