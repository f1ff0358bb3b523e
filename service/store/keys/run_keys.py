"""Keys of runs."""

from __future__ import annotations


class RunKeys:
    """Keys of runs and of their indices; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def runs(self) -> str:
        """Capped list of the ids of all jobs' runs, newest first."""
        return f"{self.prefix}:runs"

    @property
    def queued(self) -> str:
        """Sorted set: id of a run that RQ has and that has not started -> since when, ms."""
        return f"{self.prefix}:queued"

    @property
    def leases(self) -> str:
        """Sorted set: id of a run under way -> end of its worker's lease, ms."""
        return f"{self.prefix}:leases"

    @property
    def retries(self) -> str:
        """Sorted set: id of a retry that awaits its delay -> end of the delay, ms."""
        return f"{self.prefix}:retries"

    @property
    def later(self) -> str:
        """Sorted set: id of a run by hand that awaits its time -> that time, ms."""
        return f"{self.prefix}:later"

    def job_later(self, job_id: str) -> str:
        """Name the sorted set of a job's runs by hand that await their time: id -> that time, ms."""
        return f"{self.prefix}:job:{job_id}:later"

    def run(self, run_id: str) -> str:
        """Name the hash of one run."""
        return f"{self.prefix}:run:{run_id}"

    def run_log(self, run_id: str) -> str:
        """Name the list of a run's log lines, oldest first; of a long log the first ones."""
        return f"{self.prefix}:run:{run_id}:log"

    def run_log_tail(self, run_id: str) -> str:
        """Name the sorted set of the newest lines of a long log: number and text -> number."""
        return f"{self.prefix}:run:{run_id}:log:tail"

    def run_news(self, run_id: str) -> str:
        """Name the channel on which web processes hear that a run has changed: it started, logged, ended or went."""
        return f"{self.prefix}:news:{run_id}"

    def pings(self, job_id: str) -> str:
        """Name the hash of a heartbeat job's runs under way: `r` and the id that their pings have -> run id."""
        return f"{self.prefix}:job:{job_id}:pings"

    def ping(self, ping: str) -> str:
        """Name the string that remembers a heartbeat job's run by `job id:id`: see `lua/shared/pings.lua`."""
        return f"{self.prefix}:ping:{ping}"

    def ping_count(self, job_id: str) -> str:
        """Name the string that counts the pings of a heartbeat job within a minute."""
        return f"{self.prefix}:job:{job_id}:ping_count"
