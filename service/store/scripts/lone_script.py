"""Scripts that stand alone and are handed their keys."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError, ResponseError

from service.store.keys import Keys
from service.store.scripts.assembly import lua_keys, source, with_conf
from service.store.scripts.limits import Limits
from service.store.server.exchange import exchange, packed
from service.store.server.patience import PatientRedis, is_refusal

Argument = str | int | float | bytes


class Script:
    """A script's text, and the name by which Redis knows it (SCRIPT LOAD): the SHA-1 of the text.

    Args:
        text: the script.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class LoneScript:
    """A script that stands alone and is handed its keys.

    Args:
        client: the connection to run it on.
        text: the script.
    """

    def __init__(self, client: Redis, text: str) -> None:
        self._client = client
        self._script = Script(text)

    def __call__(self, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Run the script once."""
        return self.many([(keys, args)])[0]

    def many(self, calls: Sequence[tuple[Sequence[str], Sequence[Argument]]]) -> list[Any]:
        """Run the script once for each pair of keys and arguments, in one round trip.

        A call that failed because Redis did not know the script is sent again with the text, which no flush in between
        can undo.
        """
        answers = exchange(self._client, [self._call("EVALSHA", self._script.sha, *call) for call in calls])
        while again := self._not_run(answers):
            texts = [self._call("EVAL", self._script.text, *calls[index]) for index in again]
            for index, answer in zip(again, exchange(self._client, texts), strict=True):
                answers[index] = answer
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    def _not_run(self, answers: Sequence[Any]) -> list[int]:
        """List the calls to make again: Redis did not know the script, or refuses writes and the client waits."""
        patient = isinstance(self._client, PatientRedis) and self._client.has_waited_for(*answers)
        return [
            index for index, answer in enumerate(answers)
            if isinstance(answer, NoScriptError) or (patient and is_refusal(answer))
        ]  # fmt: skip

    def _call(self, command: str, script: str, keys: Sequence[str], args: Sequence[Argument]) -> bytes:
        return packed(command, script, len(keys), *keys, *args)


def script_of(client: Redis, name: str, keys: Keys | None = None, limits: Limits | None = None) -> LoneScript:
    """Make a script that stands alone, from its file and the parts of `service/store/lua/shared` that it uses.

    Args:
        client: the connection to run it on.
        name: of its file.
        keys: the installation's key names, for a script that makes keys itself; None for one that only uses KEYS.
        limits: of the installation, for a script that writes the audit log.
    """
    return LoneScript(client, _text(name, keys, limits or Limits()))


@cache
def _text(name: str, keys: Keys | None, limits: Limits) -> str:
    body = source(name)
    if "audit." in body:
        body = with_conf(f"{source('shared/base')}\n{source('shared/audit')}\n{body}", limits, {})
    if "people." in body:
        body = f"{source('shared/people')}\n{body}"
    if "now_ms(" in body:
        body = f"{source('shared/now')}\n{body}"
    return body if keys is None else f"{lua_keys(keys, body)}\n{body}"
