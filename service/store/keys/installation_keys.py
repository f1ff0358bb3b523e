"""Keys of the installation itself: schema, heartbeats, clock, alerts."""

from __future__ import annotations


class InstallationKeys:
    """Keys of which there is one each; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def schema_version(self) -> str:
        """String: the version of the schema, see `service.store.schema`."""
        return f"{self.prefix}:schema_version"

    @property
    def schema_lock(self) -> str:
        """String: the token of the process that migrates, leased."""
        return f"{self.prefix}:schema_lock"

    @property
    def wake(self) -> str:
        """Channel on which schedulers hear that the due index has changed."""
        return f"{self.prefix}:wake"

    @property
    def leader(self) -> str:
        """String: the name of the scheduler that acts, leased."""
        return f"{self.prefix}:leader"

    @property
    def schedulers(self) -> str:
        """Sorted set: scheduler name -> its last heartbeat, ms."""
        return f"{self.prefix}:schedulers"

    @property
    def scheduler_versions(self) -> str:
        """Hash: scheduler name -> the schema version that it knows; older releases are missing."""
        return f"{self.prefix}:scheduler_versions"

    @property
    def workers(self) -> str:
        """Sorted set: worker name -> its last heartbeat, ms."""
        return f"{self.prefix}:workers"

    @property
    def metrics(self) -> str:
        """Hash of counters, see `service.store.counters`."""
        return f"{self.prefix}:metrics"

    def metrics_values(self, label: str) -> str:
        """Set: the values of a label that metrics tell apart."""
        return f"{self.prefix}:metrics:values:{label}"

    def guesses(self, window: str) -> str:
        """Sorted set: who sent wrong API keys within a minute or a day -> how many; `total` counts all."""
        return f"{self.prefix}:guesses:{window}"

    def guess_report(self, process: str) -> str:
        """Name the string with the number of a web process' last report of wrong API keys."""
        return f"{self.prefix}:guesses:report:{process}"

    def rate(self, actor: str) -> str:
        """Name the string with the instant at which the token bucket of an API key is full again, µs."""
        return f"{self.prefix}:rate:{actor}"

    @property
    def memory_level(self) -> str:
        """String: `high` or `full` while Redis' memory is, see `service.domain.status`."""
        return f"{self.prefix}:memory_level"

    @property
    def clock(self) -> str:
        """Hash: the last readings of Redis' clock, and its last steps."""
        return f"{self.prefix}:clock"

    @property
    def data(self) -> str:
        """Hash: the data set's id, and a number that the leader's heartbeats raise."""
        return f"{self.prefix}:data"

    @property
    def planning(self) -> str:
        """Hash: since when the accounts of occurrences are complete, see `service.store.jobs.epochs`."""
        return f"{self.prefix}:planning"

    @property
    def audit(self) -> str:
        """Capped stream of the changes that people have made."""
        return f"{self.prefix}:audit"

    @property
    def refusals(self) -> str:
        """Capped stream of requests that lacked a scope."""
        return f"{self.prefix}:audit:refusals"

    @property
    def alerts(self) -> str:
        """Capped list of alerts of jobs, newest first."""
        return f"{self.prefix}:alerts"

    @property
    def alerts_sending(self) -> str:
        """List of alerts that are being sent; the next scheduler sends again what a dead one left here."""
        return f"{self.prefix}:alerts:sending"

    @property
    def alerts_service(self) -> str:
        """Capped list of alerts of the service itself, newest first."""
        return f"{self.prefix}:alerts:service"

    @property
    def alerts_bots(self) -> str:
        """Capped list of alerts that bots raise about their work, newest first."""
        return f"{self.prefix}:alerts:bots"
