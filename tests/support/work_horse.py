"""A work horse without a process of its own, whose parts a test calls."""

from __future__ import annotations

import os
from typing import Any

from redis import Redis

from service.bots.support.secrets import Vault
from service.settings import Settings
from service.store.calendars.calendar_store import CalendarStore
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.runs.past_runs import PastRuns
from service.store.runs.run_hashes import RunStore
from service.store.scripts import Limits
from service.worker.board import Board
from service.worker.horse import Recycling, WorkHorse
from service.worker.ipc import Orders
from service.worker.runner import Surroundings
from service.worker.waiting import QueueWait


def tame_horse(client: Redis, keys: Keys, bot: Any, vault: Vault | None = None) -> WorkHorse:
    """A horse that knows one bot, named `echo`, to which it gives neither a ledger nor a memory nor contacts."""
    nothing: Any = lambda *_: None  # noqa: E731 - it stands for several types
    scripts = make_scripts(client, keys, Limits())
    past, calendars = PastRuns(scripts), CalendarStore(scripts)
    around = Surroundings({"echo": bot}, None, nothing, nothing, past, calendars, Settings(), vault or Vault({}))
    return horse_with(around, client, keys)


def horse_with(
    around: Any, client: Redis, keys: Keys, orders: Orders | None = None, board: Board | None = None
) -> WorkHorse:
    """A horse with these parts, and otherwise those of its own. It takes no run by itself after one."""
    runs = RunStore(make_scripts(client, keys, Limits()))
    wait, recycling = QueueWait(client, keys), Recycling(1, 10_000)
    orders, board = orders or Orders(_unheard()), board or Board()
    return WorkHorse(orders, board, runs, wait, around, "worker-1", 30_000, recycling)


def _unheard() -> int:
    """The end of a pipe on which nobody says anything, as long as its other end is open: until the tests are over."""
    hears, _ = os.pipe()
    return hears


def carry_out(horse: WorkHorse, run_id: str) -> None:
    """Have a horse claim a run and carry it out to its recorded end."""
    taken = horse._taker._claim(run_id)
    assert taken is not None
    horse._carry_out(*taken)
