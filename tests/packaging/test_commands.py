"""The wheel's commands, run where only it and its requirements are installed, with an empty home and no checkout."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.packaging.installing import Installed
from tests.support.api import Api
from tests.support.installation import Installation
from tests.support.processes import descendants, find_free_port, until
from tests.support.servers.receivers import listening
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="installs the wheel and starts its processes"),
    pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="finds processes through /proc"),
]

SMALL = {"WEB_CONCURRENCY": "1", "WORKER_CONCURRENCY": "1", "VISITOR_ALLOW_PRIVATE": "true"}


class WheelInstallation(Installation):
    """An installation whose processes are the wheel's commands.

    Args:
        installed: the wheel.
        folder: for logs.
        server: the Redis that it uses.
    """

    def __init__(self, installed: Installed, folder: Path, server: ValkeyServer) -> None:
        self._installed = installed
        self.cwd = installed.empty
        super().__init__(folder, server, **SMALL)

    def surroundings(self) -> dict[str, str]:
        """Nothing."""
        return self._installed.surroundings

    def command(self, kind: str) -> list[str]:
        """As its user types it."""
        return [self._installed.program("bot-scheduler"), kind]


def carry_out_a_run(api: Api) -> None:
    """Has a job call a web server, once."""
    with listening() as receiver:
        job = api.make_job(bot_type="webhook", bot_config={"url": receiver.address})
        run = api.run_now(job)
        until(lambda: api.run(job, run)["status"] == "success", 30, lambda: str(api.run(job, run)))
        assert len(receiver.got) == 1


def test_the_three_processes_carry_out_a_run_and_stop(plain: Installed, tmp_path: Path) -> None:
    """Each ends with status 0 after SIGTERM, and leaves nothing in the home or where it was started."""
    with ValkeyServer(tmp_path, "--appendonly", "no") as server, WheelInstallation(plain, tmp_path, server) as service:
        service.start("web", "scheduler", "worker").until_healthy()
        carry_out_a_run(service)
        running = dict(service.processes)
        below = [pid for process in running.values() for pid in descendants(process.pid)]
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        ended = {name: process.wait(28) for name, process in running.items()}
        assert ended == {"web": 0, "scheduler": 0, "worker": 0}, [service.log(name) for name in running]
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), 10)
    assert list(plain.empty.iterdir()) == []


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder to start in, where a package of the same name must not be imported."""
    (tmp_path / "elsewhere" / "service").mkdir(parents=True)
    (tmp_path / "elsewhere" / "service" / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    return tmp_path / "elsewhere"


@contextmanager
def up(installed: Installed, folder: Path, output: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Starts everything with one command; leaves none of it behind.

    Args:
        installed: the wheel with its extra.
        folder: where to start it.
        output: a file for its output.
        variables: more of the environment.
    """
    with output.open("wb") as log:
        process = subprocess.Popen(
            [installed.program("bot-scheduler"), "up"], cwd=folder, env=installed.surroundings | SMALL | variables,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        for pid in (*descendants(process.pid), process.pid):
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    ("stop", "variable", "below"),
    [(signal.SIGINT, "HOME", ".local/share/bot-scheduler"), (signal.SIGTERM, "XDG_DATA_HOME", "bot-scheduler")],
    ids=["HOME", "XDG_DATA_HOME"],
)
def test_up_starts_everything_and_keeps_it_in_the_users_data_folder(
    whole: Installed, elsewhere: Path, stop: int, variable: str, below: str
) -> None:
    """It says where everything is. A `.env` in that folder counts, and the other commands find the key there.

    Ctrl-C and SIGTERM end all of it.
    """
    home, log = elsewhere.parent / "home", elsewhere.parent / "up.log"
    data, port = home / below, find_free_port()
    data.mkdir(parents=True, mode=0o700)
    (data / ".env").write_text(f"PORT={port}\n")
    with up(whole, elsewhere, log, **{variable: str(home)}) as process:
        until(lambda: "is up" in log.read_text() or process.poll() is not None, 60, log.read_text)
        url = f"http://127.0.0.1:{port}"
        assert f"Console    {url}/" in log.read_text() and f"kept in {data / 'api_key'}" in log.read_text()
        api = Api(port, (data / "api_key").read_text())
        until(api.is_healthy, 30, log.read_text)
        with urllib.request.urlopen(f"{url}/") as page:
            assert page.status == 200 and b"<html" in page.read()
        carry_out_a_run(api)
        listed = whole.run("bot-scheduler", "jobs", "list", **{variable: str(home)})
        assert (listed.returncode, "a job" in listed.stdout) == (0, True), listed.stderr
        started = [process.pid, *descendants(process.pid)]
        assert len(started) > 4
        process.send_signal(stop)
        assert process.wait(28) == 0, log.read_text()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), 10)
    assert stat.S_IMODE((data / "api_key").stat().st_mode) == 0o600
    assert {path.name for path in data.iterdir()} == {".env", "api_key", "lock", "valkey"}
    assert [path.name for path in elsewhere.iterdir()] == ["service"]


def test_without_its_extra_up_names_it_in_one_line(plain: Installed) -> None:
    """And starts nothing."""
    done = plain.run("bot-scheduler", "up", PORT=str(find_free_port()))
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "pip install 'bot-scheduler[local]'" in done.stderr
    assert list(plain.empty.iterdir()) == []
