"""The scheduler process: `python scheduler.py`. Any number may run; one acts, the others stand by."""

from __future__ import annotations

from service.dispatch import Scheduler
from service.keys import Keys
from service.startup import start_process
from service.store.connection import connect
from service.store.scripts import Limits


def main() -> None:
    settings = start_process()
    limits = Limits(history=settings.history_limit, logs=settings.log_runs)
    scheduler = Scheduler(connect(settings, "scheduler"), Keys(settings.redis_prefix), limits)
    scheduler.install_signal_handlers()
    scheduler.run()


if __name__ == "__main__":
    main()
