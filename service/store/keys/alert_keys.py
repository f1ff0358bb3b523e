"""Keys of channels, rules, and the deliveries of alerts. The outboxes of alerts are in `installation_keys`."""

from __future__ import annotations


class AlertKeys:
    """Keys of whom alerts are told to; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def channels(self) -> str:
        """Hash: name of a channel -> JSON."""
        return f"{self.prefix}:channels"

    @property
    def rules(self) -> str:
        """Hash: id of a rule -> JSON."""
        return f"{self.prefix}:rules"

    @property
    def rules_wanted(self) -> str:
        """Hash: `success`, `skipped`, `after` -> JSON: the jobs of which rules want such notes; absent if none does."""
        return f"{self.prefix}:rules:wanted"

    @property
    def alerts_rules(self) -> str:
        """Capped list of alerts that only rules ask for, newest first."""
        return f"{self.prefix}:alerts:rules"

    def alert(self, alert_id: str) -> str:
        """Name the hash of an alert that was sorted: what it says, and how each of its deliveries is doing."""
        return f"{self.prefix}:alert:{alert_id}"

    @property
    def delivery_record(self) -> str:
        """Sorted set: id of an alert that was sorted -> when, ms."""
        return f"{self.prefix}:deliveries:record"

    @property
    def delivery_due(self) -> str:
        """Sorted set: an address for which alerts wait -> when it is to be looked at, ms."""
        return f"{self.prefix}:deliveries:due"

    @property
    def delivery_progress(self) -> str:
        """Hash: an address -> JSON: when it took its last messages, and how often in a row it has failed."""
        return f"{self.prefix}:deliveries:progress"

    def delivery_queue(self, address: str) -> str:
        """Name the list of the alerts that wait for an address, each `since when (ms)/alert id`, the oldest first."""
        return f"{self.prefix}:deliveries:to:{address}"

    @property
    def link_secret(self) -> str:
        """Hash: `secret`, with which links in alerts are signed, `made_at` (ms), and `before`: the one before it."""
        return f"{self.prefix}:links:secret"

    def link(self, alert_id: str) -> str:
        """Name the hash of the links of an alert that were used: action -> JSON: when, through whom, what it made."""
        return f"{self.prefix}:link:{alert_id}"

    @property
    def snoozes(self) -> str:
        """Hash: `job id/channel or setting` -> JSON: a snooze."""
        return f"{self.prefix}:snoozes"
