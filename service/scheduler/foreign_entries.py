"""What `rq_scheduler.Scheduler` offers for entries of its own, refused: nothing here would ever run them.

A job of this service is made through the API. Its due index is read by `service.scheduler.scheduler.Scheduler` alone,
which knows no other entries. Even rq-scheduler's listing writes: it takes out what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


class EntryRefused(TypeError):
    """Somebody used one of rq-scheduler's own methods."""


def _refusing(method: str) -> Callable[..., NoReturn]:
    def refuse(self: object, *args: Any, **options: Any) -> NoReturn:
        raise EntryRefused(
            f"Scheduler.{method}() is for entries of rq-scheduler's own, which nothing here would run; "
            "make and change jobs through the API, /scheduler/jobs"
        )

    refuse.__name__ = method
    return refuse


class ForeignEntriesRefused:
    """Stands before `rq_scheduler.Scheduler` in a class' bases.

    Each of these raises EntryRefused, whatever it is called with; nothing is read or written.
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
