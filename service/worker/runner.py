"""Executes one run: finds its bot, gives it its context, and makes its outcome.

It runs in the work horse, and knows neither RQ nor signals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot_scheduler import Bot, Ledger, Memory, Skip
from service.bots.support.bot_settings import BotSettings
from service.bots.support.secrets import Secrets, Vault, names_in
from service.domain.error_texts import said, traced
from service.domain.plain_json import plain, plain_text
from service.domain.records import JobRecord, UnreadableJob
from service.domain.run_records import Claim, Outcome
from service.domain.schedules.run_members import overlay_of
from service.errors import ServiceError, ValidationFailed
from service.settings import Settings
from service.store.calendars.calendar_store import CalendarStore
from service.store.runs.past_runs import PastRuns
from service.worker.bot_configs import BotConfigs
from service.worker.facts.run_facts import RunFacts
from service.worker.failures import outcome_of_failure, partial_result
from service.worker.notes import Notes, RunLog
from service.worker.run_context import News, RunContext, RunTime, StopFlag

WORKER_STOPPED = "worker stopped"
"""The error of a run that its stopping worker cut short; if its bot is safe to rerun, it is run again."""


def run() -> None:
    """Refuse: RQ's records name this function, but our workers never call it.

    Raises:
        RuntimeError: always; only a plain RQ worker on our queue calls this.
    """
    raise RuntimeError("Runs of this queue are carried out by `bot-scheduler worker`, not by a plain RQ worker.")


class RunInterrupted(BaseException):
    """Raised inside a bot whose time is up. Not an `Exception`, so that a bot's `except Exception` lets it pass."""


@dataclass(slots=True)
class Surroundings:
    """The parts of the service that a run needs, and the state of the run under way.

    Args:
        bots: every bot there is, by name.
        contacts: the address book.
        ledger: makes the ledger of one bot (its name) for one run (its id).
        memory: makes the memory of one bot.
        past: the histories of jobs.
        calendars: the installation's.
        settings: the service's.
        vault: its secrets.
        configs: checks the runs' configs.
        shown: the settings as each bot sees them.
        stop: the run's stop flag; `begin` sets this and the following anew.
        secrets: the secrets that the run may use.
        time: how long the run may take.
        news: what the run tells people.
        traceparent: refers to the run's bot in its trace; None if nobody traces it.
    """

    bots: Mapping[str, type[Bot]]
    contacts: Any
    ledger: Callable[[str, str], Ledger]
    memory: Callable[[str], Memory]
    past: PastRuns
    calendars: CalendarStore
    settings: Settings
    vault: Vault = field(default_factory=lambda: Vault({}))
    configs: BotConfigs = field(default_factory=BotConfigs)
    shown: dict[tuple[str, tuple[str, ...]], BotSettings] = field(default_factory=dict)
    stop: StopFlag = field(default_factory=StopFlag)
    secrets: Secrets = field(init=False)
    time: RunTime = field(init=False)
    news: News = field(init=False)
    traceparent: str | None = None

    def __post_init__(self) -> None:
        self.begin()

    def begin(self, time: RunTime | None = None) -> StopFlag:
        """Prepare for a run that may take `time`. Return its stop flag."""
        self.stop, self.secrets, self.news = StopFlag(), self.vault.opened(), News()
        self.time = time or RunTime()
        return self.stop

    def settings_of(self, bot: str, declared: tuple[str, ...]) -> BotSettings:
        """Return the settings for one run of a bot, which declares that it reads some secret ones."""
        shown = self.shown.get((bot, declared))
        if shown is None:
            shown = self.shown[bot, declared] = BotSettings(self.settings, bot, declared)
        return shown.copy()

    def redacted(self, outcome: Outcome) -> Outcome:
        """Return the run's outcome with its news, without secrets and as plain text, as it may be stored and sent."""
        if outcome.error is None and outcome.reason is None and not outcome.result and not self.news.items:
            return outcome
        result = self.secrets.redacted_result(outcome.result)
        return replace(
            outcome, error=self._redacted(outcome.error), result=result, news=self.news.items,
            reason=self._redacted(outcome.reason),
        )  # fmt: skip

    def _redacted(self, text: str | None) -> str | None:
        return None if text is None else plain_text(self.secrets.redacted(text))


def carry_out(claim: Claim, around: Surroundings, notes: Notes) -> Outcome:
    """Run the bot of a claimed run.

    Args:
        claim: the run.
        around: the parts of the service that it needs.
        notes: where its log and progress go.

    Returns:
        How it ended. A bot's exception makes a failed run, with a message for people. The log has the message too, and
        a traceback unless the exception is a `ServiceError`, which somebody foresaw.

    Raises:
        RunInterrupted: its time is up.
    """
    run_log = RunLog(claim.run_id, notes)
    try:
        record = claim.record
        bot_class = around.bots.get(record.definition.bot_type)
        if bot_class is None:
            return Outcome(
                "failed", f"This worker has no bot named {record.definition.bot_type!r}; install its package"
            )
        context = _context(claim, record, bot_class, around, run_log, notes)
        result = bot_class().run(context)
        return _ended(result, around.stop)
    except (ValidationFailed, UnreadableJob) as error:
        return Outcome("failed", f"The job's bot_config is not valid for this run: {error}")
    except Skip as skip:
        run_log.logger.info("Skipped: %s", said(skip))
        return _skipped(skip, around.stop)
    except Exception as error:  # noqa: BLE001 - whatever a bot raises is its run's failure
        run_log.logger.error("%s", said(error) if isinstance(error, ServiceError) else traced(error))
        return outcome_of_failure(error)


def _context(
    claim: Claim, record: JobRecord, bot_class: type[Bot], around: Surroundings, run_log: RunLog, notes: Notes
) -> RunContext:
    validated = around.configs.checked(record, _laid_over(claim.run), bot_class)
    named = names_in(validated)
    if claim.run.get("bound"):
        around.secrets.require_bound(named)
    zone = _zone(claim.job.kept, record)
    declared = tuple(getattr(bot_class, "uses_settings", ()))
    ledger = around.ledger(bot_class.name, claim.run_id)
    return RunContext(
        config=bot_class.Config.model_validate(validated),
        job_id=record.id,
        run_id=claim.run_id,
        run=RunFacts(
            claim, record, zone, around.past, around.calendars, lambda: ledger.first_run(), around.traceparent
        ),
        now=datetime.fromtimestamp(claim.started_at / 1000, zone),
        timezone=zone,
        ledger=ledger,
        memory=around.memory(bot_class.name),
        contacts=around.contacts,
        settings=around.settings_of(bot_class.name, declared),
        secrets=around.secrets.allow(named, declared),
        stop=around.stop,
        time=around.time,
        news=around.news,
        notes=notes,
        run_log=run_log,
    )


def _laid_over(run: Mapping[str, str]) -> str | None:
    """Return what a run lays over its job's `bot_config`: by hand, or by the schedules that made its occurrence."""
    return run.get("overlay") or overlay_of(run.get("members"))


def _zone(kept: dict[str, Any], record: JobRecord) -> ZoneInfo:
    """Return a job's time zone. To read it from the schedule takes longer than to make the config."""
    if "zone" not in kept:
        kept["zone"] = ZoneInfo(getattr(record.definition.schedule, "timezone", "UTC"))
    zone: ZoneInfo = kept["zone"]
    return zone


def _skipped(skip: Skip, stop: StopFlag) -> Outcome:
    """Return the outcome of a run that its bot skipped; if it was asked to stop before, it has only broken off."""
    if stop.noticed:
        return Outcome("failed", WORKER_STOPPED, partial_result(skip))
    return Outcome("skipped", None, partial_result(skip), reason=said(skip))


def _ended(result: object, stop: StopFlag) -> Outcome:
    if not isinstance(result, dict):
        return Outcome("failed", f"The bot returned {type(result).__name__}, not a dict")
    try:
        kept = dict(plain(result)) if result else {}
    except (TypeError, ValueError, RecursionError) as error:
        return Outcome("failed", f"The bot's result cannot be stored as JSON: {said(error)}")
    if stop.noticed:
        return Outcome("failed", WORKER_STOPPED, kept)
    return Outcome("success", None, kept)
