"""What can happen to a script: something comes before it, it never arrives, or its answer is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from redis import Redis
from redis.exceptions import ConnectionError, ResponseError

from service.store.server.exchange import exchange

RUNNER = "service.store.scripts.scripts"
ONCE = ("save_job", "delete_job", "cancel_run")
"""Who asks for one of these is a person, who is told if it was done already. All others are the engine's."""


class Interference:
    """Stands between the scripts of this process and Redis.

    Args:
        verbs: script name by its SHA.
    """

    def __init__(self, verbs: Mapping[str, str]) -> None:
        self.loses_answers = False
        """Whether each script is carried out, and its first answer is lost, so that it is sent again."""
        self.commits: list[bytes] = []
        """The commits of schedulers, as they were sent, the newest last."""
        self.lost = 0
        """So many of the next commits do not arrive."""
        self._verbs = {sha.encode(): verb for sha, verb in verbs.items()}
        self._answer_is_lost = False
        self._before: Callable[[], None] | None = None
        self._skip = 0

    def before_commit(self, act: Callable[[], None], skip: int) -> None:
        """Does something before a commit arrives, once `skip` others have."""
        self._before, self._skip = act, skip

    def forget(self) -> None:
        """What has not happened by now does not happen."""
        self._before = None
        self.lost = 0

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """While it lasts, the scripts of this process go through here."""
        with mock.patch(f"{RUNNER}.exchange", self.exchange), mock.patch(f"{RUNNER}.send", self.send):
            yield

    def exchange(self, client: Redis, commands: Sequence[bytes]) -> list[Any]:
        """In place of `exchange`."""
        verbs = [self.verb(command) for command in commands]
        for verb, command in zip(verbs, commands, strict=True):
            if verb in ("decide", "decide_edit"):
                self._commit(command)
        answers = exchange(client, commands)
        refused = any(isinstance(answer, ResponseError) for answer in answers)
        if self.loses_answers and not refused and not {"", *ONCE} & set(verbs):
            self._answer_is_lost = not self._answer_is_lost
            if self._answer_is_lost:
                raise ConnectionError("the answer got lost")
        return answers

    def send(self, client: Redis, commands: Sequence[bytes]) -> Callable[[], list[Any]]:
        """In place of `send`; the answers are there at once, or lost."""
        try:
            answers = self.exchange(client, commands)
        except ConnectionError as error:
            lost = error

            def fail() -> list[Any]:
                raise lost

            return fail
        return lambda: answers

    def deliver(self, client: Redis, commit: bytes) -> None:
        """Lets a commit arrive now, however old it is."""
        exchange(client, [commit])

    def _commit(self, command: bytes) -> None:
        self.commits.append(command)
        act = self._before
        if act is not None and self._skip == 0:
            self._before = None
            act()
        self._skip -= 1
        if self.lost:
            self.lost -= 1
            raise ConnectionError("the commit is on its way")

    def verb(self, command: bytes) -> str:
        """The script that a packed command runs; empty if it runs none."""
        _, _, word, size, rest = command.split(b"\r\n", 4)
        if word == b"EVALSHA":
            return self._verbs.get(rest[:40], "")
        if word == b"EVAL":
            text = rest[: int(size[1:])]
            return self._verbs.get(hashlib.sha1(text).hexdigest().encode(), "")
        return ""
