"""Rights of the user in REDIS_URL.

They are checked before the first write: a refused command in the middle of a script would leave half of it done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from redis import Redis

from service.store.keys import Keys
from service.store.scripts import script_of
from service.store.server import answers
from service.store.server.translation import translate_errors

OF_SCRIPTS = ("EVAL", "EVALSHA")
"""Commands that run scripts."""
BEST_EFFORT = ("PUBLISH",)
"""Commands whose refusal stops no script."""


@dataclass(frozen=True, slots=True)
class Rights:
    """The user's rights.

    Args:
        wakes: whether scripts can wake schedulers.
        refused: necessary commands that the user may not use, each with a key on which it is refused. Empty where
            Redis does not say (before 7.0).
    """

    wakes: bool
    refused: tuple[tuple[str, str], ...] = ()


def rights(client: Redis, keys: Keys) -> Rights:
    """Ask Redis for the user's rights, without any write.

    Raises:
        StoreUnavailable: Redis is away, or the user may not run scripts.
    """
    with translate_errors():
        wakes, *refused = script_of(client, "check_rights")(
            keys=[], args=[keys.jobs, keys.rq_queue, keys.wake, *OF_SCRIPTS, *commands()]
        )
    pairs = [text.decode().partition(" ") for text in refused]
    return Rights(bool(wakes), tuple((command, key) for command, _, key in pairs))


def refuse_half_rights(found: Rights) -> None:
    """Refuse a user for whom a script would stop half way. Raises StoreUnavailable."""
    if found.refused:
        command, key = found.refused[0]
        raise answers.may_not(f"{command} on {key}" if command not in OF_SCRIPTS else command)


def deafness(found: Rights, keys: Keys) -> str | None:
    """Say that scripts cannot wake schedulers; None if they can."""
    if found.wakes:
        return None
    return (
        "Runs may start up to 5 s late, since the user in REDIS_URL may not publish and subscribe on "
        f"{keys.wake}; add &{keys.prefix}:* (docs/deploy.md)"
    )


@cache
def commands() -> tuple[str, ...]:
    """List every command that the scripts need."""
    scripts = resources.files("service.store") / "lua"
    texts = [
        file.read_text(encoding="utf-8")
        for folder in (scripts, scripts / "shared")
        for file in folder.iterdir()
        if file.name.endswith(".lua")
    ]
    found = {command for text in texts for command in re.findall(r"call\('([A-Z]+)'", text)}
    return tuple(sorted(found - set(BEST_EFFORT)))
