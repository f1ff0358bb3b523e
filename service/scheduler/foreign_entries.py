"""Refusal of the methods by which `rq_scheduler.Scheduler` handles entries of its own: nothing here would run them.

Jobs of this service are made through the API. `service.scheduler.scheduler.Scheduler` alone reads their due index, and
knows no other entries. Even rq-scheduler's listing writes: it removes entries that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


class EntryRefused(TypeError):
    """Somebody called one of rq-scheduler's own methods."""


def _refusing(method: str) -> Callable[..., NoReturn]:
    def refuse(self: object, *args: Any, **options: Any) -> NoReturn:
        raise EntryRefused(
            f"Scheduler.{method}() is for rq-scheduler's own entries, which nothing here would run; "
            "make and change jobs through the API, /scheduler/jobs"
        )

    refuse.__name__ = method
    return refuse


class ForeignEntriesRefused:
    """Mixin that stands before `rq_scheduler.Scheduler` in a class' bases.

    Each of these methods raises EntryRefused for any arguments, and neither reads nor writes.
    """

    acquire_lock = _refusing("acquire_lock")
    cancel = _refusing("cancel")
    change_execution_time = _refusing("change_execution_time")
    cron = _refusing("cron")
    enqueue_at = _refusing("enqueue_at")
    enqueue_in = _refusing("enqueue_in")
    enqueue_job = _refusing("enqueue_job")
    get_jobs = _refusing("get_jobs")
    get_jobs_to_queue = _refusing("get_jobs_to_queue")
    get_queue_for_job = _refusing("get_queue_for_job")
    register_birth = _refusing("register_birth")
    register_death = _refusing("register_death")
    remove_lock = _refusing("remove_lock")
    schedule = _refusing("schedule")
