"""The name of every Redis key of ours, in one place.

All start with the installation's prefix (`REDIS_PREFIX`), so that two installations can share a database. RQ's own
keys carry RQ's names, but our queue's and workers' names inside them start with the prefix too. What each key holds,
how it grows and when it goes is told in `docs/redis-keys.md`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Every key of one installation.

    Args:
        prefix: `REDIS_PREFIX`: letters, digits, `_`, `-`.
    """

    prefix: str = "bot-scheduler"

    # the installation

    @property
    def schema_version(self) -> str:
        return f"{self.prefix}:schema_version"

    @property
    def schema_lock(self) -> str:
        return f"{self.prefix}:schema_lock"

    @property
    def wake(self) -> str:
        """The channel on which schedulers hear that the due index changed."""
        return f"{self.prefix}:wake"

    @property
    def leader(self) -> str:
        """The name of the scheduler that acts, leased."""
        return f"{self.prefix}:leader"

    @property
    def schedulers(self) -> str:
        """Sorted set: scheduler name -> its last heartbeat, ms."""
        return f"{self.prefix}:schedulers"

    @property
    def workers(self) -> str:
        """Sorted set: worker name -> its last heartbeat, ms."""
        return f"{self.prefix}:workers"

    @property
    def metrics(self) -> str:
        """Hash of counters, see `service/store/counters.py`."""
        return f"{self.prefix}:metrics"

    @property
    def clock(self) -> str:
        """Hash: what was seen of Redis' clock, and its last steps."""
        return f"{self.prefix}:clock"

    @property
    def data(self) -> str:
        """Hash: the data set's id, and a number that the leader's heartbeats raise."""
        return f"{self.prefix}:data"

    # jobs

    @property
    def jobs(self) -> str:
        """Sorted set: job id -> when it was created, µs."""
        return f"{self.prefix}:jobs"

    @property
    def enabled(self) -> str:
        """Set of the enabled jobs' ids."""
        return f"{self.prefix}:enabled"

    @property
    def due(self) -> str:
        """The due index, a sorted set: job id -> when its next occurrence is due, ms."""
        return f"{self.prefix}:due"

    def job(self, job_id: str) -> str:
        """Hash: the job's definition, its plan, and how its last run went."""
        return f"{self.prefix}:job:{job_id}"

    def history(self, job_id: str) -> str:
        """Capped list of run ids, newest first."""
        return f"{self.prefix}:job:{job_id}:history"

    def open(self, job_id: str) -> str:
        """Set of the ids of the runs that have not ended."""
        return f"{self.prefix}:job:{job_id}:open"

    def slots(self, job_id: str) -> str:
        """Set of the ids of the runs that hold one of the job's `max_concurrent_runs` slots."""
        return f"{self.prefix}:job:{job_id}:slots"

    def waiting(self, job_id: str) -> str:
        """List of the ids of the runs that wait for a slot, oldest first."""
        return f"{self.prefix}:job:{job_id}:waiting"

    def logs(self, job_id: str) -> str:
        """Capped list of the ids of the ended runs whose logs are kept, the one that ended last first."""
        return f"{self.prefix}:job:{job_id}:logs"

    def idempotency(self, digest: str) -> str:
        """Hash: what a request with an `Idempotency-Key` was answered; `digest` stands for route, job and key."""
        return f"{self.prefix}:idempotency:{digest}"

    # alerts

    @property
    def alerts(self) -> str:
        """Capped list of what people are to be told, newest first."""
        return f"{self.prefix}:alerts"

    @property
    def alerts_sending(self) -> str:
        """List of alerts being sent; what a dead scheduler left here is sent again."""
        return f"{self.prefix}:alerts:sending"

    @property
    def alerts_service(self) -> str:
        """Capped list of what people are to be told of the service itself, newest first."""
        return f"{self.prefix}:alerts:service"

    @property
    def alerts_bots(self) -> str:
        """Capped list of what people are to be told by bots of their work, newest first."""
        return f"{self.prefix}:alerts:bots"

    def told(self, entry: str) -> str:
        """String: the run that has told people of something that is told once; `entry` is its bot and a digest."""
        return f"{self.prefix}:told:{entry}"

    # runs

    @property
    def runs(self) -> str:
        """Capped list of all jobs' run ids, newest first."""
        return f"{self.prefix}:runs"

    @property
    def queued(self) -> str:
        """Sorted set: id of a run handed to RQ and not started yet -> since when, ms."""
        return f"{self.prefix}:queued"

    @property
    def leases(self) -> str:
        """Sorted set: id of a run under way -> when its worker's lease ends, ms."""
        return f"{self.prefix}:leases"

    @property
    def retries(self) -> str:
        """Sorted set: id of a retry that awaits its delay -> when that is over, ms."""
        return f"{self.prefix}:retries"

    def run(self, run_id: str) -> str:
        """Hash: everything known about one run."""
        return f"{self.prefix}:run:{run_id}"

    def run_log(self, run_id: str) -> str:
        """List: the run's log lines, oldest first; of a long log the first ones."""
        return f"{self.prefix}:run:{run_id}:log"

    def run_log_tail(self, run_id: str) -> str:
        """Sorted set: number and text of the newest lines of a long log -> the number."""
        return f"{self.prefix}:run:{run_id}:log:tail"

    def origin(self, run_id: str) -> str:
        """String: the id of the first of the runs that this one repeats."""
        return f"{self.prefix}:origin:{run_id}"

    # contacts

    @property
    def contacts(self) -> str:
        """Sorted set: every contact's id, all with score 0, so that they page in the order of their ids."""
        return f"{self.prefix}:contacts"

    def contact(self, contact_id: str) -> str:
        """Hash: one contact."""
        return f"{self.prefix}:contact:{contact_id}"

    @property
    def identities_start(self) -> str:
        """What the names of all identities start with."""
        return f"{self.prefix}:identity:"

    def identity(self, digest: str) -> str:
        """String: the ids of the contacts with that identity, and of deleted ones."""
        return f"{self.identities_start}{digest}"

    def contact_gone(self, contact_id: str) -> str:
        """Hash: by what a deleted contact was known, and the ids of those that were merged into it."""
        return f"{self.prefix}:gone:{contact_id}"

    @property
    def contacts_before(self) -> str:
        """Set: ids of contacts that were deleted before there were identities, and what the ledger knew of them."""
        return f"{self.prefix}:contacts:before"

    @property
    def birthdays_start(self) -> str:
        """What the names of all birthday sets start with; `MM-DD` follows."""
        return f"{self.prefix}:birthdays:"

    def birthdays(self, month: int, day: int) -> str:
        """Set of the ids of the contacts born on that day of the year."""
        return f"{self.birthdays_start}{month:02d}-{day:02d}"

    @property
    def visits(self) -> str:
        """Sorted set: id of a contact with a profile page -> when it was last visited, ms; 0 for never."""
        return f"{self.prefix}:visits"

    def ledger_start(self, bot: str) -> str:
        """What the names of a bot's ledger start with."""
        return f"{self.prefix}:ledger:{bot}:"

    def ledger(self, bot: str, entry: str) -> str:
        """String: what became of something that is done once."""
        return f"{self.ledger_start(bot)}{entry}"

    def memory(self, bot: str, key: str) -> str:
        """String: what a bot remembers for a while."""
        return f"{self.prefix}:memory:{bot}:{key}"

    @property
    def cards_start(self) -> str:
        """What the names of all synced address books start with."""
        return f"{self.prefix}:cards:"

    def cards(self, book: str) -> str:
        """Hash: a card of a synced address book -> the contact that it is, and the version that was seen."""
        return f"{self.cards_start}{book}"

    def cards_skipped(self, book: str) -> str:
        """Hash: a card that could not be taken -> why."""
        return f"{self.prefix}:cards:{book}:skipped"

    def cards_given(self, book: str) -> str:
        """Hash: a card of a synced address book -> the values that its contact has from it, as JSON."""
        return f"{self.prefix}:cards:{book}:given"

    def cards_token(self, book: str) -> str:
        """String: up to which change the address book was read."""
        return f"{self.prefix}:cards:{book}:token"

    @property
    def card_owners(self) -> str:
        """Sorted set: contact, book and card in one text, all with score 0, to find a contact's cards."""
        return f"{self.prefix}:card_owners"

    def turn(self, bot: str, key: str) -> str:
        """Hash: which of a bot's runs has its turn at something, or when the last turn ended."""
        return f"{self.prefix}:turn:{bot}:{key}"

    # RQ's

    @property
    def queue_name(self) -> str:
        """The one RQ queue that runs go through."""
        return f"{self.prefix}-runs"

    @property
    def rq_queue(self) -> str:
        return f"rq:queue:{self.queue_name}"

    @property
    def rq_intermediate(self) -> str:
        return f"rq:queue:{self.queue_name}:intermediate"

    @property
    def rq_started(self) -> str:
        return f"rq:wip:{self.queue_name}"

    @property
    def rq_finished(self) -> str:
        return f"rq:finished:{self.queue_name}"

    @property
    def rq_failed(self) -> str:
        return f"rq:failed:{self.queue_name}"

    @property
    def rq_canceled(self) -> str:
        return f"rq:canceled:{self.queue_name}"

    @property
    def rq_suspended(self) -> str:
        """Set by `rq suspend`: workers take nothing then."""
        return "rq:suspended"

    @property
    def rq_queues(self) -> str:
        return "rq:queues"

    def rq_job(self, run_id: str) -> str:
        return f"rq:job:{run_id}"

    def rq_results(self, run_id: str) -> str:
        return f"rq:results:{run_id}"

    def rq_execution(self, execution: str) -> str:
        """One execution, named by RQ as `<job id>:<execution id>`; ours by run id and claim token."""
        return f"rq:execution:{execution}"

    def rq_executions(self, run_id: str) -> str:
        return f"rq:executions:{run_id}"

    def rq_worker(self, worker: str) -> str:
        return f"rq:worker:{worker}"

    def rq_worker_executions(self, worker: str) -> str:
        return f"rq:worker:{worker}:executions"
