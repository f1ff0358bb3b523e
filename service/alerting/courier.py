"""The courier of a process: it sends the installation's alerts while it holds the courier's lease.

Every scheduler and every web process has one, and one of them sends. So alerts go out as long as any process of either
kind lives. A courier that is killed or frozen while it sends leaves that to the next one, within about `LEASE_MS`,
which sends again what is not noted as sent.
"""

from __future__ import annotations

from collections.abc import Collection

from service.alerting.alerts import Alerts
from service.alerting.touch import Touch
from service.settings import Settings
from service.store.scripts import Scripts

END_SECONDS = 1.0
"""How long a stop waits for an alert that is being sent."""


class Courier:
    """Sends alerts beside the work of a process.

    Args:
        scripts: the scripts of this installation, on a connection that the process' own work does not use.
        touch: keeps the lease.
        settings: where the service's alerts go.
        persons: the bots whose logs are about persons.
    """

    def __init__(self, scripts: Scripts, touch: Touch, settings: Settings, persons: Collection[str]) -> None:
        alert_url = settings.alert_url.get_secret_value() if settings.alert_url else None
        self._touch = touch
        self._alerts = Alerts(
            scripts, alert_url, lambda: touch.holds("courier"), public_url=settings.public_url, persons=persons,
            token=lambda: touch.token, run_links=settings.run_links,
        )  # fmt: skip

    def start(self) -> None:
        """Begin to send, as soon as the lease is free."""
        self._touch.start()
        self._alerts.start()

    def stop(self) -> None:
        """End. If nothing is being sent, another process may go on at once."""
        self._touch.stop()
        if self._alerts.stop(END_SECONDS):
            self._touch.give_back()
