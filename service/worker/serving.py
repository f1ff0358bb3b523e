"""One worker process, from its start until it is asked to stop."""

from __future__ import annotations

import logging
import signal
import threading

from service.backoff import Backoff
from service.bots.support.secrets import Vault
from service.errors import StoreUnavailable
from service.outage import outage
from service.settings import Settings
from service.store.keys import Keys
from service.store.server.connection import connect
from service.store.server.startup_checks import check_at_startup
from service.store.server.translation import translate_errors
from service.worker.leftovers.orphans import Orphans
from service.worker.process import BotWorker

log = logging.getLogger("worker")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds between tries while Redis is away."""


def work(settings: Settings, vault: Vault) -> None:
    """Run one worker process until it is asked to stop or cannot go on; its supervisor then starts another.

    Args:
        settings: the service's.
        vault: the secrets that were in the environment.
    """
    stop = threading.Event()
    orphans = Orphans()
    keys, client = Keys(settings.redis_prefix), connect(settings, "worker")
    backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
    while not stop.is_set():
        # Anew each time: a BotWorker takes the signals while it works, and may have failed since.
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop.set())
        worker: BotWorker | None = None
        try:
            check_at_startup(client, keys, "worker")
            with translate_errors():
                worker = BotWorker(client, keys, settings, vault, orphans)
                if not stop.is_set():
                    worker.work()
            return
        except StoreUnavailable as error:
            if worker is not None and worker.stopping_since is not None:
                return
            outage.tell(log, error, "The worker waits for Redis")
        stop.wait(backoff.next())
