"""Names of all Redis keys, in one place: a class in parts, one module for each subject.

Every key of ours starts with the installation's prefix (`REDIS_PREFIX`), so that two installations can share a
database. RQ's keys carry RQ's names, but the names of our queue and our workers in them start with the prefix, too.
`docs/redis-keys.md` tells what each key holds, how it grows, and when it goes. The scripts get these names as the Lua
table `key` (`service.store.scripts.assembly`).
"""

from __future__ import annotations

from dataclasses import dataclass

from service.store.keys.access_keys import AccessKeys
from service.store.keys.alert_keys import AlertKeys
from service.store.keys.backfill_keys import BackfillKeys
from service.store.keys.bot_keys import BotKeys
from service.store.keys.calendar_keys import CalendarKeys
from service.store.keys.contact_keys import ContactKeys
from service.store.keys.installation_keys import InstallationKeys
from service.store.keys.job_keys import JobKeys
from service.store.keys.older_keys import OlderKeys
from service.store.keys.pause_keys import PauseKeys
from service.store.keys.rq_keys import RqKeys
from service.store.keys.run_keys import RunKeys
from service.store.keys.watch_keys import WatchKeys


@dataclass(frozen=True, slots=True)
class Keys(
    InstallationKeys, JobKeys, RunKeys, PauseKeys, BackfillKeys, ContactKeys, BotKeys, RqKeys, AccessKeys, AlertKeys,
    CalendarKeys, WatchKeys, OlderKeys,
):  # fmt: skip
    """Every key of one installation.

    Args:
        prefix: `REDIS_PREFIX`: letters, digits, `_`, `-`.
    """

    prefix: str = "bot-scheduler"
