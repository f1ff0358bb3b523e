"""The scheduler process. Any number may run: one acts, the others stand by."""

from __future__ import annotations

import os

from service.startup import start_process


def main() -> None:
    """Run a scheduler until SIGTERM or SIGINT.

    Raises:
        SystemExit: a setting is malformed.
    """
    settings = start_process("scheduler")
    # Imported only now: RQ reads the environment when it is imported, and start_process has just checked it.
    from service.alerting.courier import Courier
    from service.alerting.touch import Touch
    from service.bots.registry import about_persons, load_bots
    from service.scheduler.scheduler import Scheduler
    from service.store.keys import Keys
    from service.store.rq_records import make_scripts
    from service.store.scripts import Limits
    from service.store.server.connection import connect
    from service.store.server.startup_checks import SchemaGate

    limits = Limits.of(settings)
    keys = Keys(settings.redis_prefix)
    bots, traces = load_bots(), None
    if settings.traced:
        from service.tracing.exporter import Exporter

        traces = Exporter(connect(settings, "watch"), keys, about_persons(bots), os.environ)
    traced = None if traces is None else traces.ended
    scheduler = Scheduler(connect(settings, "scheduler"), keys, limits, traced=traced)
    scheduler.install_signal_handlers()
    # A connection of its own: alerts are sent by a thread, so that no mail server delays a tick.
    beside = connect(settings, "watch")
    scripts = make_scripts(beside, keys, limits)
    scripts.gate = SchemaGate(beside, keys)
    touch = Touch(scripts, ("courier",), lambda: scheduler.has_arrived)
    courier = Courier(scripts, touch, settings, about_persons(bots))
    courier.start()
    if traces is not None:
        traces.start()
    scheduler.run()
    courier.stop()
    if traces is not None:
        traces.close()


if __name__ == "__main__":
    main()
