"""Services of the web process: the use cases and limits that the API and the console share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from service.bots.protocol import Bot
from service.store.counters import Reading
from service.store.jobs.numbers import JobNumbers
from service.usecases.access.audit import Audit
from service.usecases.access.keys import StoredKeys
from service.usecases.access.sessions import ConsoleSessions
from service.usecases.alerting.channels import Channels
from service.usecases.alerting.links import AlertLinks
from service.usecases.alerting.rules import Rules
from service.usecases.alerting.snoozes import Snoozes
from service.usecases.alerting.told import ToldAlerts
from service.usecases.backfilling.backfills import Backfills
from service.usecases.badges.standings import Standings
from service.usecases.batches.batches import Batches
from service.usecases.calendars import Calendars
from service.usecases.contacts import ContactBook
from service.usecases.definitions import Definitions
from service.usecases.deleted_jobs import Deleted
from service.usecases.edits.occurrence_edits import OccurrenceEdits
from service.usecases.erasure import Erasure
from service.usecases.fates.explaining import Explanations
from service.usecases.fates.occurrences import Occurrences
from service.usecases.foresight.calendar_dry_runs import CalendarDryRuns
from service.usecases.foresight.clock_changes import ClockChanges
from service.usecases.foresight.dry_runs import DryRuns
from service.usecases.foresight.feeds import Feeds
from service.usecases.foresight.timelines import Timelines
from service.usecases.health import Health
from service.usecases.heartbeats.pings import Pings
from service.usecases.jobs import Jobs
from service.usecases.lists.listed_contacts import ListedContacts
from service.usecases.message_test import MessageTester
from service.usecases.pauses import Pauses
from service.usecases.revisions import Revisions
from service.usecases.runs import Runs
from service.web.beside import Beside
from service.web.callers.lookups import Lookups
from service.web.callers.recognition import Callers
from service.web.http.pools import Pool
from service.web.http.throttling.guesses import Guesses
from service.web.http.throttling.rates import Rates
from service.web.live.hub import NewsHub
from service.web.loop_lag import LoopLag
from service.web.refused_scopes import RefusalNotes

Bots = Mapping[str, type[Bot]]
"""Bot type -> bot class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that resources are built from. `service.asgi` makes it once a process.

    Args:
        jobs: the use cases of jobs.
        runs: the use cases of runs.
        batches: does the same for many jobs.
        backfills: the use cases of backfills.
        contacts: the address book.
        listed_contacts: the list of its contacts.
        erasure: erases persons.
        definitions: export and apply.
        calendars: the use cases of calendars.
        occurrence_edits: changes single occurrences.
        dry_runs: tells what a change of a job would do.
        calendar_dry_runs: tells what a change of a calendar would do to its jobs.
        pauses: the use cases of pauses.
        channels: the use cases of channels.
        rules: the use cases of rules.
        told_alerts: tells who was told what.
        snoozes: the snoozes of alerts.
        clock_changes: tells which jobs meet a change of clocks.
        feeds: writes calendar feeds.
        pings: notes the pings of heartbeat jobs.
        standings: tells how jobs stand, for badges and status pages.
        timelines: reads upcoming occurrences for drawings.
        occurrences: tells what became of each occurrence.
        explanations: tells why a job ran, or did not.
        hub: the clients that follow logs or wait for runs.
        audit: reads who changed what.
        revisions: the former definitions of jobs.
        deleted: the jobs that can be restored.
        health: tells whether the service works.
        message_tester: sends test messages.
        reading: reads the current measurements; raises StoreUnavailable while Redis is away.
        job_numbers: reads those of single jobs, and how many it left out; None if they are not wanted.
        bots: bot type -> bot class.
        callers: tells who sent a request.
        lookups: what this process has looked up of stored keys and sessions.
        stored_keys: the use cases of stored keys.
        console_sessions: the use cases of the console's sessions.
        pages: the threads for short work: pages, contacts, previews.
        long: the threads for imports, exports, documents, batches and test messages.
        import_limit_mb: the longest import or document, MiB.
        links: what the links in alerts do; None if they are switched off.
        public_url: where people reach the service; None if nobody has said so.
        guesses: counts wrong API keys.
        rates: limits the requests of each key; None for no limit.
        refusal_notes: notes requests that lacked a scope, for the audit log; None for nowhere.
        loop_lag: measures how late the event loop comes.
        beside: what the process does beside its requests.
        weak_keys: a sentence for each API key that could be guessed.
    """

    jobs: Jobs
    runs: Runs
    batches: Batches
    backfills: Backfills
    contacts: ContactBook
    listed_contacts: ListedContacts
    erasure: Erasure
    definitions: Definitions
    calendars: Calendars
    pauses: Pauses
    occurrence_edits: OccurrenceEdits
    channels: Channels
    rules: Rules
    told_alerts: ToldAlerts
    snoozes: Snoozes
    dry_runs: DryRuns
    calendar_dry_runs: CalendarDryRuns
    clock_changes: ClockChanges
    feeds: Feeds
    pings: Pings
    standings: Standings
    timelines: Timelines
    occurrences: Occurrences
    explanations: Explanations
    hub: NewsHub
    audit: Audit
    revisions: Revisions
    deleted: Deleted
    health: Health
    message_tester: MessageTester
    reading: Callable[[], Reading]
    job_numbers: Callable[[], tuple[list[JobNumbers], int]] | None
    bots: Bots
    callers: Callers
    lookups: Lookups
    stored_keys: StoredKeys
    console_sessions: ConsoleSessions
    pages: Pool
    long: Pool
    import_limit_mb: int
    links: AlertLinks | None = None
    public_url: str | None = None
    guesses: Guesses = field(default_factory=Guesses)
    rates: Rates | None = None
    refusal_notes: RefusalNotes | None = None
    loop_lag: LoopLag = field(default_factory=LoopLag)
    beside: Beside = field(default_factory=Beside)
    weak_keys: Sequence[str] = ()

    @property
    def import_limit(self) -> int:
        """The longest import or document, in bytes."""
        return self.import_limit_mb * 2**20
