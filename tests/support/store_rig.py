"""An installation on a test's Redis, with the bots that tests need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from redis import Redis

from service.scheduler.scheduler import Scheduler
from service.store.jobs.job_hashes import JobStore
from service.store.keys import Keys
from service.store.outbox import Outbox, facts
from service.store.rq_records import make_scripts
from service.store.runs.run_hashes import RunStore
from service.store.runs.run_views import History
from service.store.schema import newest
from service.store.scripts import Limits, Scripts
from service.store.server.redis_clock import RedisClock
from service.usecases.calendars import Calendars
from service.usecases.edits.occurrence_edits import OccurrenceEdits
from service.usecases.health import Health
from service.usecases.jobs import Jobs
from service.usecases.runs import Runs
from tests.support.processes import until


class EchoConfig(BaseModel):
    """The config of a bot that does nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dry_run: bool = False


@dataclass
class Rig:
    """The parts of an installation, without processes: a test says when the scheduler ticks."""

    client: Redis
    keys: Keys
    scripts: Scripts
    jobs: Jobs
    use: Runs
    health: Health
    job_store: JobStore
    runs: RunStore
    limits: Limits
    calendars: Calendars
    edits: OccurrenceEdits

    @classmethod
    def on(cls, client: Redis, limits: Limits | None = None, prefix: str = "bot-scheduler") -> Rig:
        """An installation of this release on `client`, with nothing to migrate."""
        keys, limits = Keys(prefix), limits or Limits()
        client.set(keys.schema_version, newest(), nx=True)
        scripts = make_scripts(client, keys, limits)
        configs = {"birthday": EchoConfig, "echo": EchoConfig}
        jobs, use = Jobs(scripts, RedisClock(client), configs), Runs(scripts, configs)
        return cls(client, keys, scripts, jobs, use, Health(scripts), JobStore(scripts), RunStore(scripts), limits,
                   Calendars(scripts, RedisClock(client)),
                   OccurrenceEdits(scripts, RedisClock(client), configs))  # fmt: skip

    def scheduler(self) -> Scheduler:
        """A scheduler that ticks when the test says so."""
        return Scheduler(self.client, self.keys, self.limits)

    def make_job(self, **fields: Any) -> str:
        """Creates a job, each minute unless `fields` say otherwise. Returns its id."""
        body = {
            "name": "a job", "bot_type": "echo", "schedule_type": "interval", "schedule_config": {"minutes": 1},
            **fields,
        }  # fmt: skip
        return self.jobs.create(body).id

    def pretend_due(self, job_id: str, seconds_ago: int) -> int:
        """Moves a job's next occurrence (and an interval's anchor) to `seconds_ago`. Returns the occurrence."""
        occurrence = RedisClock(self.client).now_ms() // 1000 - seconds_ago
        job = self.keys.job(job_id)
        self.client.hset(job, mapping={
            "next_occurrence": occurrence, "next_due": occurrence * 1000, "anchor": occurrence - 60,
        })  # fmt: skip
        self.client.zadd(self.keys.due, {job_id: occurrence * 1000})
        return occurrence

    def run_due(self, job_id: str) -> str:
        """Lets an occurrence of a job come due now. Returns its run, which is queued."""
        self.pretend_due(job_id, 1)
        self.scheduler().enqueue_jobs()
        return str(next(run["id"] for run in self.history(job_id) if run["status"] == "queued"))

    def counts(self, job_id: str) -> tuple[int, int]:
        """Return how many of a job's runs have not ended, and how many hold a slot, as its hash counts them."""
        counted = self.client.hmget(self.keys.job(job_id), "open", "held")
        return int(counted[0] or 0), int(counted[1] or 0)

    def queue(self) -> list[str]:
        """The run ids in RQ's queue, the next one first."""
        ids: list[bytes] = list(self.client.lrange(self.keys.rq_queue, 0, -1))  # type: ignore[arg-type]
        return [run_id.decode() for run_id in ids]

    def history(self, job_id: str) -> list[dict[str, Any]]:
        """A job's newest 200 runs."""
        return self.use.history(job_id, limit=200).data

    def pass_ms(self, ms: int) -> None:
        """Wait until more than `ms` have passed by Redis' clock."""
        clock = RedisClock(self.client)
        end = clock.now_ms() + ms
        until(lambda: clock.now_ms() > end, 30)

    def told(self) -> list[dict[str, Any]]:
        """Take the alerts out of the outbox."""
        outbox, found = Outbox(self.scripts), []
        while (taken := outbox.take_up()) is not None:
            found.append(facts(taken))
            outbox.done(taken)
        return found

    def log(self, run_id: str) -> list[dict[str, Any]]:
        """A run's log lines."""
        return History(self.scripts).log(run_id).parsed()

    def start(self, run_id: str, lease_ms: int = 30_000) -> str:
        """Claims a run as a worker would. Returns the token."""
        claim = self.runs.claim(run_id, f"token-{run_id}", "worker-1", lease_ms)
        assert claim is not None
        self.client.lrem(self.keys.rq_queue, 0, run_id)
        return claim.token
