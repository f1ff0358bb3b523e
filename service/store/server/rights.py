"""Rights of the user in REDIS_URL.

They are checked before the first write: a refused command in the middle of a script would leave half of it done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from redis import Redis

from service.store.keys import Keys
from service.store.scripts import script_of
from service.store.server import answers
from service.store.server.needs import Need, Process, needs, needs_of_all
from service.store.server.translation import translate_errors


@dataclass(frozen=True, slots=True)
class Rights:
    """The user's rights.

    Args:
        wakes: whether scripts can wake schedulers.
        missing: needs that the user's rights do not meet. Empty where Redis does not say (before 7.0).
    """

    wakes: bool
    missing: tuple[Need, ...] = ()

    @property
    def refused(self) -> tuple[Need, ...]:
        """Those without which nothing works."""
        return tuple(need for need in self.missing if need.without is None)


def rights(client: Redis, keys: Keys, process: Process | None) -> Rights:
    """Ask Redis for the user's rights, without any write.

    Args:
        client: the connection whose user is meant.
        keys: the installation's key names.
        process: the kind of process whose needs count; None for all kinds.

    Raises:
        StoreUnavailable: Redis is away, or the user may not run scripts.
    """
    wanted = needs_of_all(keys) if process is None else needs(process, keys)
    waking = (("PUBLISH", keys.wake, ""), ("SUBSCRIBE", keys.wake))
    calls = [*waking, *(call for need in wanted for call in need.calls)]
    with translate_errors():
        told = script_of(client, "check_rights")(keys=[], args=[json.dumps(calls)])
    allowed = dict(zip(calls, told, strict=True))
    return Rights(
        wakes=all(allowed[call] for call in waking),
        missing=tuple(need for need in wanted if not any(allowed[call] for call in need.calls)),
    )


def refuse_half_rights(found: Rights) -> None:
    """Refuse a user for whom a script would stop half way. Raises StoreUnavailable."""
    if found.refused:
        raise answers.may_not(str(found.refused[0]))


def deafness(found: Rights, keys: Keys) -> str | None:
    """Say that scripts cannot wake schedulers; None if they can."""
    if found.wakes:
        return None
    return (
        "Runs may start up to 5 s late, since the user in REDIS_URL may not publish and subscribe on "
        f"{keys.wake}; add &{keys.wake} (docs/deploy.md)"
    )
