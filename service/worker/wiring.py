"""The parts of the service that a run needs, put together for one process."""

from __future__ import annotations

from collections.abc import Mapping

from redis import Redis

from bot_scheduler import Bot
from service.bots.registry import load_bots
from service.bots.support.secrets import Vault
from service.settings import Settings
from service.store.keys import Keys
from service.store.ledger import RedisLedger
from service.store.memory import RedisMemory
from service.store.scripts import Limits
from service.usecases.contacts import ContactBook
from service.worker.runner import Surroundings


def surroundings(
    client: Redis, keys: Keys, settings: Settings, vault: Vault, bots: Mapping[str, type[Bot]] | None = None
) -> Surroundings:
    """Return everything that `service.worker.runner.carry_out` hands to a bot.

    Args:
        client: the connection that all of it uses.
        keys: the installation's key names.
        settings: the service's.
        vault: the secrets that were in the environment.
        bots: those that are loaded already; None loads them.
    """
    return Surroundings(
        bots=load_bots() if bots is None else bots,
        contacts=ContactBook(client, keys, limits=Limits.of(settings)),
        ledger=lambda bot, run_id: RedisLedger(client, keys, bot, run_id),
        memory=lambda bot: RedisMemory(client, keys, bot),
        settings=settings,
        vault=vault,
    )
