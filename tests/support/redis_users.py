"""The users of deploy/redis/users.acl, on a server that is started with them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis import Redis

from tests.support.installation import ROOT, Installation
from tests.support.servers.valkey import ValkeyServer

FILE = ROOT / "deploy" / "redis" / "users.acl"
ADMIN = "admin"


def password_of(user: str) -> str:
    """A password of its own."""
    return f"the password of {user}".replace(" ", "-")


def url_of(server: ValkeyServer, user: str, database: int = 0) -> str:
    """Its REDIS_URL."""
    return f"redis://{user}:{password_of(user)}@127.0.0.1:{server.port}/{database}"


def rules_of(user: str) -> list[str]:
    """The rights that the file grants to a user."""
    (line,) = [line for line in FILE.read_text().splitlines() if line.startswith(f"user {user} ")]
    return [word for word in line.split()[2:] if word[0] in "~%&+"]


class GuardedServer(ValkeyServer):
    """A server whose clients are those of the file, and an administrator, who is the test."""

    def client(self) -> Redis:
        """A client of the administrator."""
        return redis.Redis(port=self.port, username=ADMIN, password=password_of(ADMIN))


@contextmanager
def guarded_server(folder: Path) -> Iterator[GuardedServer]:
    """Start one, with the file as an operator fills it in."""
    filled = re.sub(
        r"user (\S+) on #\S+", lambda found: f"user {found[1]} on #{_sha256(password_of(found[1]))}", FILE.read_text()
    )
    users = folder / "users.acl"
    users.write_text(f"{filled}user {ADMIN} on #{_sha256(password_of(ADMIN))} ~* &* +@all\n")
    server = GuardedServer(folder, "--appendonly", "no", "--aclfile", str(users))
    with server:
        yield server


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class GuardedInstallation(Installation):
    """An installation in which each process has its own user.

    Args:
        folder: for logs.
        server: the Redis that it uses.
        database: its number there.
        settings: more of the environment.
    """

    def __init__(self, folder: Path, server: GuardedServer, database: int = 0, **settings: str) -> None:
        super().__init__(folder, server, **settings)
        self._database = database
        self.client.connection_pool.connection_kwargs["db"] = database

    def environment(self, kind: str) -> dict[str, str]:
        """With the REDIS_URL of its process."""
        url = url_of(self.server, f"bot-scheduler-{kind}", self._database)
        return {**super().environment(kind), "REDIS_URL": url}
