"""`make up`'s launcher, in a copy of this repository."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from tests.support.processes import find_free_port, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="each test starts all processes with one command"),
    pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="finds processes through /proc"),
]

ROOT = Path(__file__).parents[2]
UNSET = {"REDIS_URL", "API_KEY", "API_KEY_PREVIOUS", "DATA_DIR", "REDIS_PREFIX", "MESSAGE_URL", "PORT", "BIND_HOST"}
LEFT_OUT = {".git", ".venv", "var", ".env", "tests", "__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache"}


class Launcher:
    """Runs `python -m service.local.up` in a folder, and finds every process that came of it.

    Args:
        folder: a copy of this repository.
        log: where its output goes.
        output: where its output goes instead.
        settings: more of its environment.
    """

    def __init__(self, folder: Path, log: Path, output: int | None = None, **settings: str) -> None:
        self.port = int(settings.get("PORT") or find_free_port())
        self._log = log
        self._folder = folder
        self.data = folder / settings.get("DATA_DIR", "var")
        environment = {name: value for name, value in os.environ.items() if name not in UNSET}
        environment |= {"PORT": str(self.port), "WEB_CONCURRENCY": "1", "WORKER_CONCURRENCY": "1", **settings}
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.local.up"], cwd=folder, env=environment,
                stdout=output or file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._log.read_text()

    def wait_for(self, text: str, seconds: float = 40) -> None:
        """Returns once it has printed this."""
        until(lambda: text in self.output or self.process.poll() is not None, seconds, lambda: self.output)
        assert text in self.output, self.output

    def signal_group(self, signum: int) -> None:
        """As a terminal does it."""
        os.killpg(self.process.pid, signum)

    def pids(self) -> dict[int, str]:
        """Its processes that are alive, told by where they work: process id -> command line.

        Their environment would not do: Valkey writes its title over it.
        """
        found = {}
        for process in Path("/proc").iterdir():
            try:
                cwd = (process / "cwd").readlink() if process.name.isdigit() else Path("/")
                if cwd.is_relative_to(self._folder) or cwd.is_relative_to(self.data):
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def wait_until_gone(self, seconds: float) -> None:
        """Returns once none of its processes is left."""

        def is_gone() -> bool:
            self.process.poll()
            return not self.pids()

        until(is_gone, seconds, lambda: f"left: {self.pids()}\n{self.output}")

    def clean(self) -> None:
        """Leaves nothing behind, whatever the test found."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()


class Folder:
    """A copy of the repository in which launchers are started."""

    def __init__(self, path: Path, logs: Path) -> None:
        self.path = path
        self._logs = logs
        self._launchers: list[Launcher] = []

    def up(self, output: int | None = None, **settings: str) -> Launcher:
        """Starts it all."""
        launcher = Launcher(self.path, self._logs / f"up-{len(self._launchers)}.log", output, **settings)
        self._launchers.append(launcher)
        return launcher

    def clean(self) -> None:
        """Ends what is left."""
        for launcher in self._launchers:
            launcher.clean()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """A copy of the repository, without what does not belong to it."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=lambda _, names: LEFT_OUT & set(names))
    made = Folder(copy, tmp_path)
    yield made
    made.clean()


def _valkey_of(launcher: Launcher) -> Redis:
    return Redis.from_url((launcher.data / "redis_url").read_text())


def _git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def test_it_says_that_a_key_can_be_guessed_and_starts(folder: Folder) -> None:
    """In one line, which does not show it."""
    launcher = folder.up(API_KEY="changeme")
    launcher.wait_for("Bot Scheduler is up")
    assert launcher.output.count("API_KEY is a known example, which anybody can guess") == 1
    assert "changeme" not in launcher.output


def test_it_leaves_no_untracked_file(folder: Folder) -> None:
    """What it writes is either in DATA_DIR or a cache, and git is told to pass over both."""
    _git(folder.path, "init", "--quiet")
    _git(folder.path, "add", "--all")
    _git(folder.path, "commit", "--quiet", "--message", "a copy")
    launcher = folder.up()
    launcher.wait_for("Bot Scheduler is up")
    launcher.signal_group(signal.SIGINT)
    launcher.process.wait(28)
    assert (folder.path / "var" / "api_key").exists()
    assert _git(folder.path, "status", "--porcelain") == ""


def test_it_starts_everything_says_where_and_keeps_key_and_data(folder: Folder) -> None:
    """Healthy, with a key of its own that only the owner can read; a second start has key and data again."""
    first = folder.up()
    first.wait_for("Bot Scheduler is up")
    kept = folder.path / "var" / "api_key"
    key = kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert f"http://127.0.0.1:{first.port}/scheduler" in first.output
    assert f"http://127.0.0.1:{first.port}/rq" in first.output
    assert "(kept in" not in first.output and f"kept in {kept}" in first.output
    assert key not in first.output
    noted = folder.path / "var" / "url"
    assert (noted.read_text(), stat.S_IMODE(noted.stat().st_mode)) == (f"http://127.0.0.1:{first.port}", 0o600)
    _valkey_of(first).set("kept", "yes")
    first.signal_group(signal.SIGINT)
    assert first.process.wait(28) == 0
    first.wait_until_gone(0.5)
    assert not noted.exists()

    second = folder.up()
    second.wait_for("Bot Scheduler is up")
    assert key not in second.output
    assert _valkey_of(second).get("kept") == b"yes"
    request = urllib.request.Request(f"http://127.0.0.1:{second.port}/scheduler/jobs", headers={"X-API-Key": key})
    assert urllib.request.urlopen(request, timeout=5).status == 200
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(28) == 0
    second.wait_until_gone(0.5)


def test_the_key_is_shown_on_a_terminal_alone(folder: Folder) -> None:
    """Into a file, which others may read, it does not go."""
    ours, theirs = os.openpty()
    launcher = folder.up(output=theirs)
    os.close(theirs)
    shown = b""
    while b"API key" not in shown.rpartition(b"\n")[0]:
        shown += os.read(ours, 4096)
    key = (folder.path / "var" / "api_key").read_text()
    assert f"API key    {key}   (kept in {folder.path / 'var' / 'api_key'})" in shown.decode()
    launcher.signal_group(signal.SIGINT)
    launcher.process.wait(28)
    os.close(ours)


def _listening(launcher: Launcher) -> set[tuple[str, int]]:
    """The addresses on which its processes take TCP connections, as /proc words them."""
    inodes = set()
    for pid in launcher.pids():
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
            except OSError:
                continue
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else []:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                host, port = words[1].split(":")
                found.add((host, int(port, 16)))
    return found


@pytest.fixture
def near() -> Iterator[Path]:
    """A folder with a short path, that others may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        Path(path).chmod(0o755)
        yield Path(path)


def _knock_as_another(path: Path) -> int:
    """The error with which another user's attempt to connect ends; 0 if it is let in."""
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        os._exit(socket.socket(socket.AF_UNIX).connect_ex(str(path)))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


HERE, HERE_V6 = "0100007F", "0" * 24 + "01000000"


def test_its_valkey_is_a_file_that_its_owner_alone_can_open(folder: Folder, near: Path) -> None:
    """No TCP port but the API's is open, and another user of this machine is kept out; at the end the file is gone."""
    launcher = folder.up(DATA_DIR=str(near / "a b%?#"))
    launcher.wait_for("Bot Scheduler is up")
    assert _listening(launcher) == {(HERE, launcher.port)}
    path = launcher.data / "valkey" / "socket"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent, launcher.data)] == [0o700] * 3
    client = _valkey_of(launcher)
    assert client.get_connection_kwargs()["path"] == str(path)
    assert client.exists("bot-scheduler:leader")
    if os.getuid() == 0:
        launcher.data.chmod(0o755)
        assert _knock_as_another(path) == errno.EACCES
    launcher.signal_group(signal.SIGINT)
    assert launcher.process.wait(28) == 0
    launcher.wait_until_gone(3)
    assert not path.exists()
    assert not (launcher.data / "redis_url").exists()


def test_where_the_path_is_too_long_its_valkey_asks_for_a_password(folder: Folder, near: Path) -> None:
    """On a port of this machine; the password is new each time, in one file of its owner, in no command and no log."""
    data = near / ("x" * 100)
    passwords = []
    for _ in range(2):
        launcher = folder.up(DATA_DIR=str(data))
        launcher.wait_for("Bot Scheduler is up")
        client = _valkey_of(launcher)
        options = client.get_connection_kwargs()
        passwords.append(options["password"])
        assert _listening(launcher) == {(HERE, launcher.port), (HERE, options["port"])}
        assert client.exists("bot-scheduler:leader")
        with pytest.raises(AuthenticationError):
            Redis(port=options["port"]).ping()
        assert stat.S_IMODE((data / "redis_url").stat().st_mode) == 0o600
        commands = "".join(launcher.pids().values())
        assert "valkey-server" in commands
        launcher.signal_group(signal.SIGINT)
        assert launcher.process.wait(28) == 0
        launcher.wait_until_gone(3)
        written = "".join(path.read_text() for path in data.rglob("*.log"))
        assert "eady to accept connections" in written
        assert options["password"] not in commands + launcher.output + written
        assert not (data / "redis_url").exists()
    assert len(set(passwords)) == 2
    assert len(passwords[0]) > 40


def test_after_a_kill_the_next_start_finds_its_way(folder: Folder, near: Path) -> None:
    """A socket and an address that were left behind are in nobody's way."""
    first = folder.up(DATA_DIR=str(near))
    first.wait_for("Bot Scheduler is up")
    valkey = next(pid for pid, command in first.pids().items() if "valkey-server" in command)
    os.kill(valkey, signal.SIGKILL)
    first.process.kill()
    first.process.wait()
    first.wait_until_gone(28)
    assert (near / "valkey" / "socket").exists()
    second = folder.up(DATA_DIR=str(near))
    second.wait_for("Bot Scheduler is up")
    assert _valkey_of(second).ping()


@pytest.mark.parametrize(
    ("url", "state"),
    [
        (None, "ok"), ("http://127.0.0.1:{port}", "ok"), ("http://localhost:{port}/scheduler/", "ok"),
        ("http://127.0.0.1:1", None), ("https://127.0.0.1:{port}", None),
    ],
)  # fmt: skip
def test_doctor_looks_at_its_valkey(folder: Folder, near: Path, url: str | None, state: str | None) -> None:
    """Without being told where either is, and by whichever name the service is called; not beside another service."""
    launcher = folder.up(DATA_DIR=str(near))
    launcher.wait_for("Bot Scheduler is up")
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    environment |= {"DATA_DIR": str(near)}
    if url is not None:
        environment["BOT_SCHEDULER_URL"] = url.format(port=launcher.port)
    ended = subprocess.run(
        [sys.executable, "-m", "service.cli", "doctor", "--json"], cwd=folder.path, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {finding["check"]: finding["state"] for finding in json.loads(ended.stdout)["findings"]}
    assert [found.get(check) for check in ("redis_version", "persistence", "schema")] == [state] * 3


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_it_listens_on_the_loopback_address_that_is_set(folder: Folder, host: str) -> None:
    """In brackets or not; what it prints leads there, and a port that is taken there is named."""
    if not socket.has_ipv6 or "00000000000000000000000000000001" not in _text(Path("/proc/net/if_inet6")):
        pytest.skip("this machine has no ::1")
    launcher = folder.up(BIND_HOST=host)
    launcher.wait_for("Bot Scheduler is up")
    assert f"http://[::1]:{launcher.port}/rq" in launcher.output
    assert (HERE_V6, launcher.port) in _listening(launcher)
    assert (HERE, launcher.port) not in _listening(launcher)
    second = folder.up(BIND_HOST=host, PORT=str(launcher.port), DATA_DIR="another")
    assert second.process.wait(20) == 1
    assert f"Port {launcher.port} cannot be used" in second.output


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost", "192.0.2.1", "no-such-host.invalid"])
def test_it_listens_on_this_machine_alone(folder: Folder, host: str) -> None:
    """Neither the API nor the embedded Valkey is open to the network, whatever is set for other ways to start."""
    launcher = folder.up(BIND_HOST=host)
    launcher.wait_for("Bot Scheduler is up")
    assert {address for address, _ in _listening(launcher)} == {HERE}
    assert f"http://127.0.0.1:{launcher.port}/" in launcher.output


def test_a_second_start_in_the_same_folder_refuses_and_disturbs_nothing(folder: Folder) -> None:
    """Two servers on one append-only file would ruin it: the second says that the first is running."""
    first = folder.up()
    first.wait_for("Bot Scheduler is up")
    second = folder.up()
    assert second.process.wait(20) == 1
    assert "already running" in second.output
    assert len(second.output.strip().splitlines()) == 1
    assert _valkey_of(first).ping()
    assert first.process.poll() is None


def test_a_port_that_is_taken_is_named_in_one_line(folder: Folder) -> None:
    """Nothing is started then."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        launcher = folder.up(PORT=str(port))
        assert launcher.process.wait(20) == 1
    assert launcher.output.strip().splitlines() == [
        f"Port {port} cannot be used (Address already in use); set PORT to a free one"
    ]
    launcher.wait_until_gone(0.5)


def test_a_setting_that_is_wrong_is_named_in_one_line(folder: Folder) -> None:
    """Nothing is started then either."""
    launcher = folder.up(WORKER_CONCURRENCY="many")
    assert launcher.process.wait(20) == 1
    assert "WORKER_CONCURRENCY" in launcher.output
    assert len(launcher.output.strip().splitlines()) == 1


def test_dotenv_is_read_and_the_environment_wins(folder: Folder, tmp_path: Path) -> None:
    """Values are taken as they stand (`$` too); with REDIS_URL and API_KEY set, neither Valkey nor key is made."""
    with ValkeyServer(tmp_path, "--appendonly", "no") as server:
        key = "a $" + "{HOME} key"
        (folder.path / ".env").write_text(f"REDIS_URL={server.url}\nAPI_KEY='{key}'\nREDIS_PREFIX=from-file\n")
        launcher = folder.up(REDIS_PREFIX="from-environment")
        launcher.wait_for("Bot Scheduler is up")
        assert "as in API_KEY" in launcher.output
        assert key not in launcher.output
        assert not (folder.path / "var" / "api_key").exists()
        assert not any("valkey-server" in command for command in launcher.pids().values())
        client = server.client()
        assert client.exists("from-environment:leader")
        assert not client.exists("from-file:leader")
        request = urllib.request.Request(f"http://127.0.0.1:{launcher.port}/scheduler/jobs", headers={"X-API-Key": key})
        assert urllib.request.urlopen(request, timeout=5).status == 200
        launcher.signal_group(signal.SIGINT)
        assert launcher.process.wait(28) == 0


def test_a_process_that_ends_at_its_start_stops_the_others_with_its_status(folder: Folder) -> None:
    """Half an installation is not left running as if all were well."""
    scheduler = folder.path / "service" / "scheduler" / "main.py"
    scheduler.write_text("import sys\n\nopen('gate').readline()\nsys.exit(7)\n")
    gate = folder.path / "gate"
    os.mkfifo(gate)
    launcher = folder.up()
    launcher.wait_for("Listening at")
    gate.write_text("go\n")
    assert launcher.process.wait(28) == 7
    launcher.wait_until_gone(0.5)


def _pid_of(launcher: Launcher, name: str) -> int:
    return int(re.findall(rf"\b{name} started \(pid=(\d+)\)", launcher.output)[-1])


def _is_healthy(launcher: Launcher) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{launcher.port}/scheduler/health", timeout=2) as answer:
            return bool(json.load(answer)["workers"])
    except OSError:
        return False


def test_killed_parts_are_started_again_and_its_valkey_with_its_data(folder: Folder) -> None:
    """Nobody may look at the terminal. The processes that the store left alone find it again."""
    launcher = folder.up()
    launcher.wait_for("Bot Scheduler is up")
    killed = {name: _pid_of(launcher, name) for name in ("web", "scheduler", "worker")}
    wrapper = int(Path(f"/proc/{killed['worker']}/status").read_text().split("PPid:")[1].split()[0])
    for pid in (killed["scheduler"], killed["web"], wrapper):
        os.kill(pid, signal.SIGKILL)
    until(lambda: launcher.output.count("started (pid=") == 6, 28, lambda: launcher.output)
    assert {name: _pid_of(launcher, name) for name in killed}.items().isdisjoint(killed.items())
    assert launcher.output.count("ended by itself and is started again in 1 s") == 3
    until(lambda: _is_healthy(launcher), 28, lambda: launcher.output)
    _valkey_of(launcher).set("kept", "yes")
    for number in (1, 2):
        pid = next(pid for pid, command in launcher.pids().items() if "valkey-server" in command)
        os.kill(pid, signal.SIGKILL)
        pause = f"the embedded Valkey ended by itself and is started again in {number} s"
        until(partial(_says, launcher, pause), 28, lambda: launcher.output)
        until(lambda: _has_kept(launcher), 28, lambda: launcher.output)
    until(lambda: _is_healthy(launcher), 28, lambda: launcher.output)
    assert launcher.output.count("started (pid=") == 6
    launcher.process.terminate()
    assert launcher.process.wait(28) == 0
    launcher.wait_until_gone(3)


def _says(launcher: Launcher, text: str) -> bool:
    return text in launcher.output


def _has_kept(launcher: Launcher) -> bool:
    try:
        return bool(_valkey_of(launcher).get("kept") == b"yes")
    except RedisError:
        return False


def test_without_its_valkey_nothing_is_started(folder: Folder) -> None:
    """Until all are up, its end is that of a start that failed."""
    scheduler = folder.path / "service" / "scheduler" / "main.py"
    scheduler.write_text("import time\n\ntime.sleep(60)\n")
    launcher = folder.up()
    launcher.wait_for("Listening at")
    pid = next(pid for pid, command in launcher.pids().items() if "valkey-server" in command)
    os.kill(pid, signal.SIGKILL)
    assert launcher.process.wait(28) == 1
    assert "the embedded Valkey stopped (rc=-9)" in launcher.output
    launcher.wait_until_gone(3)


def test_a_data_folder_that_cannot_be_written_is_named_in_one_line(folder: Folder) -> None:
    """Nothing is started then."""
    (folder.path / "file").touch()
    launcher = folder.up(DATA_DIR="file/below")
    assert launcher.process.wait(20) == 1
    assert "DATA_DIR" in launcher.output
    assert len(launcher.output.strip().splitlines()) == 1


def test_a_valkey_folder_that_cannot_be_had_is_named_in_one_line(folder: Folder) -> None:
    """Nothing is started then."""
    (folder.path / "var").mkdir()
    (folder.path / "var" / "valkey").touch()
    launcher = folder.up()
    assert launcher.process.wait(20) == 1
    assert "DATA_DIR" in launcher.output
    assert len(launcher.output.strip().splitlines()) == 1


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_moment_of_the_start_leaves_no_process(folder: Folder, signum: int) -> None:
    """While Valkey starts, while the processes do, and after: nothing stays behind (SIGHUP: a closed terminal)."""
    moments: dict[str, Callable[[Launcher], bool]] = {
        "Valkey starts": lambda launcher: any("valkey-server" in command for command in launcher.pids().values()),
        "the first process starts": lambda launcher: "started (pid=" in launcher.output,
        "all have started": lambda launcher: launcher.output.count("started (pid=") == 3,
    }
    for moment, reached in moments.items():
        launcher = folder.up()
        while not reached(launcher):
            assert launcher.process.poll() is None, launcher.output
        launcher.signal_group(signum)
        assert launcher.process.wait(28) == 0, f"when {moment}: {launcher.output}"
        launcher.wait_until_gone(3)
        assert "Traceback" not in launcher.output, f"when {moment}: {launcher.output}"


@pytest.mark.skipif(
    subprocess.run(["env", "--block-signal=INT", "true"], capture_output=True, check=False).returncode != 0,
    reason="env holds no signals back",
)
def test_ctrl_c_while_python_starts_shows_no_traceback(folder: Folder) -> None:
    """By make and by the command line: it is held back until it can be obeyed."""
    own = folder.path / ".venv"
    own.mkdir()
    (own / ".ready").touch()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (own / part).symlink_to(Path(sys.executable).parents[1] / part)
    for command in (["make", "--silent", "up"], ["./bot-scheduler", "up"]):
        environment = {name: value for name, value in os.environ.items() if name not in UNSET}
        started = subprocess.Popen(
            command, cwd=folder.path, env={**environment, "PORT": str(find_free_port())}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        until(lambda: "python" in _programs_of(started.pid), 10)
        os.killpg(started.pid, signal.SIGINT)
        output, _ = started.communicate(timeout=28)
        assert "Traceback" not in output and "KeyboardInterrupt" not in output, output


def _programs_of(group: int) -> str:
    """The names of the programs of a process group."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.getpgid(int(process.name)) == group:
                found.append((process / "comm").read_text())
        except OSError:
            continue
    return "".join(found)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children of a parent's death on Linux alone")
def test_killed_it_takes_everything_along(folder: Folder) -> None:
    """SIGKILL of the launcher: its processes end by themselves, and the next start finds the data."""
    launcher = folder.up()
    launcher.wait_for("Bot Scheduler is up")
    _valkey_of(launcher).set("kept", "yes")
    launcher.process.kill()
    launcher.process.wait()
    launcher.wait_until_gone(28)
    again = folder.up()
    again.wait_for("Bot Scheduler is up")
    assert _valkey_of(again).get("kept") == b"yes"


def test_output_that_nobody_reads_any_more_does_not_stop_the_stop(folder: Folder) -> None:
    """`make up | head`: when the reader is gone, everything still stops in order."""
    reading, writing = os.pipe()
    launcher = folder.up(output=writing)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    launcher.signal_group(signal.SIGTERM)
    launcher.process.wait(28)
    launcher.wait_until_gone(3)
