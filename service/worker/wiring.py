"""The parts of the service that a run needs, put together for one process."""

from __future__ import annotations

from collections.abc import Mapping

from redis import Redis

from bot_scheduler import Bot
from service.bots.registry import load_bots
from service.bots.support.secrets import Vault
from service.settings import Settings
from service.store.calendars.calendar_store import CalendarStore
from service.store.ledger import RedisLedger
from service.store.memory import RedisMemory
from service.store.runs.past_runs import PastRuns
from service.store.scripts import Limits, Scripts
from service.usecases.contacts import ContactBook
from service.worker.runner import Surroundings


def surroundings(
    client: Redis, scripts: Scripts, settings: Settings, vault: Vault, bots: Mapping[str, type[Bot]] | None = None
) -> Surroundings:
    """Return everything that `service.worker.runner.carry_out` hands to a bot.

    Args:
        client: the connection that all of it uses.
        scripts: the installation's, on the same connection.
        settings: the service's.
        vault: the secrets that were in the environment.
        bots: those that are loaded already; None loads them.
    """
    keys = scripts.keys
    return Surroundings(
        bots=load_bots() if bots is None else bots,
        contacts=ContactBook(client, keys, limits=Limits.of(settings)),
        ledger=lambda bot, run_id: RedisLedger(client, keys, bot, run_id),
        memory=lambda bot: RedisMemory(client, keys, bot),
        past=PastRuns(scripts),
        calendars=CalendarStore(scripts),
        settings=settings,
        vault=vault,
    )
