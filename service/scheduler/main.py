"""The scheduler process. Any number may run: one acts, the others stand by."""

from __future__ import annotations

from service.startup import start_process


def main() -> None:
    """Run a scheduler until SIGTERM or SIGINT.

    Raises:
        SystemExit: a setting is malformed.
    """
    settings = start_process("scheduler")
    # Imported only now: RQ reads the environment when it is imported, and start_process has just checked it.
    from service.alerting.alerts import Alerts
    from service.bots.registry import about_persons, load_bots
    from service.scheduler.scheduler import Scheduler
    from service.store.keys import Keys
    from service.store.rq_records import make_scripts
    from service.store.scripts import Limits
    from service.store.server.connection import connect

    limits = Limits.of(settings)
    keys = Keys(settings.redis_prefix)
    scheduler = Scheduler(connect(settings, "scheduler"), keys, limits)
    scheduler.install_signal_handlers()
    # A connection of its own: alerts are sent by a thread, so that no mail server delays a tick.
    scripts = make_scripts(connect(settings, "scheduler"), keys, limits)
    alert_url = settings.alert_url.get_secret_value() if settings.alert_url else None
    alerts = Alerts(
        scripts, alert_url, lambda: scheduler.leads, public_url=settings.public_url,
        persons=about_persons(load_bots()),
    )  # fmt: skip
    alerts.start()
    scheduler.run()
    alerts.stop()


if __name__ == "__main__":
    main()
