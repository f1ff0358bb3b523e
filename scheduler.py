"""The scheduler process: `python scheduler.py`. Any number may run; one acts, the others stand by."""

from __future__ import annotations

from service.startup import start_process


def main() -> None:
    settings = start_process("scheduler")
    # Only now: RQ reads the environment as it is imported, and that was looked at just now.
    from service.scheduler.alerts import Alerts
    from service.scheduler.scheduler import Scheduler
    from service.store.jobs.job_hashes import JobStore
    from service.store.keys import Keys
    from service.store.outbox import Outbox
    from service.store.rq_records import make_scripts
    from service.store.scripts import Limits
    from service.store.server.connection import connect

    limits = Limits.of(settings)
    keys = Keys(settings.redis_prefix)
    scheduler = Scheduler(connect(settings, "scheduler"), keys, limits)
    scheduler.install_signal_handlers()
    # On a connection of its own: it works in a thread, and a mail server must delay no tick.
    scripts = make_scripts(connect(settings, "scheduler"), keys, limits)
    alert_url = settings.alert_url.get_secret_value() if settings.alert_url else None
    alerts = Alerts(Outbox(scripts, scheduler.name), JobStore(scripts), alert_url, lambda: scheduler.leads)
    alerts.start()
    scheduler.run()
    alerts.stop()


if __name__ == "__main__":
    main()
