"""Arguments and streams that are not as usual: bytes that are no text, streams that are closed, readers that go."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from service.cli.client import api
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


@pytest.mark.parametrize("line", ["jobs list", "history"])
def test_a_terminal_that_says_that_it_has_no_columns_is_written_to(line: str) -> None:
    """As one that says nothing."""
    assert (
        command_line(CannedService(), *line.split(), width=0).out
        == command_line(CannedService(), *line.split(), width=80).out
    )


def test_json_controls_no_terminal() -> None:
    """Control characters of C1, and those that turn the direction of text, are escaped; not in a pipe."""
    named = [{"name": "a\u009bb\u202ec"}]

    def service(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=named)

    on_terminal, piped = (command_line(service, "jobs", "list", "--json", width=width) for width in (80, None))
    assert on_terminal.json == piped.json == named
    assert "a\\u009bb\\u202ec" in on_terminal.out and "a\u009bb\u202ec" in piped.out


def test_a_text_that_is_too_long_is_not_repeated() -> None:
    """It is wrong usage if no request can contain it; otherwise its beginning is named."""
    long = "x" * 100_000
    said = command_line(CannedService(), "jobs", "list", long)
    assert (said.status, said.err) == (2, "Error: A text is too long for a request; give a shorter one\n")
    said = command_line(CannedService(), "contacts", "show", long)
    assert said.status == 3 and len(said.err) < 400 and "x…”" in said.err


def test_an_answer_in_drops_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for each byte is short, and that for all of them has a limit, too."""
    now = itertools.count(0.0, 0.5)
    monkeypatch.setattr(api, "time", SimpleNamespace(monotonic=lambda: next(now)))
    drops = iter(lambda: b" ", b"")
    said = command_line(lambda _: httpx.Response(200, content=drops), "jobs", "list")
    assert said.status == 6 and "no answer in time" in said.err and next(now) < 70


@pytest.mark.parametrize("line", ["calendars show ../x", "channels show a/b", "keys show ../x", "runs show ../x"])
def test_a_name_with_a_slash_is_nobodys(line: str) -> None:
    """It is not sent as a part of an address."""
    service = CannedService()
    said = command_line(service, *line.split())
    assert said.status in (2, 3) and "at this address" not in said.err and "is not canned" not in said.err


def test_a_key_is_not_sent_if_it_cannot_be_kept(tmp_path: Path) -> None:
    """The file of the profiles is written first."""
    (tmp_path / "file").touch()
    service = CannedService()
    said = command_line(
        service, "login", "http://scheduler.test", given="bsk_1\n", XDG_CONFIG_HOME=str(tmp_path / "file")
    )
    assert said.status == 2 and "cannot be written" in said.err and service.asked == []


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
