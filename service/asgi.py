"""Builder of the web process' application from its settings: `service.asgi:build()`."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from functools import partial

from service.alerting.alert_addresses import of_the_service
from service.alerting.alerts import attempt
from service.alerting.courier import Courier
from service.alerting.touch import Touch
from service.bots.registry import about_persons, configs, load_bots
from service.domain.schedules.zones import load_zones
from service.errors import SettingsError
from service.messages import Messenger
from service.secrecy.key_strength import ADVICE, weak_keys
from service.settings import Settings, load_settings
from service.store import guesses
from service.store.access.key_store import KeyStore
from service.store.access.session_store import SessionStore
from service.store.audit.actions import ActionLog
from service.store.audit.refusals import RefusedScopes
from service.store.counters import add_loop_lag, read
from service.store.jobs.job_hashes import JobStore
from service.store.jobs.numbers import read_job_numbers
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.runs.run_news import RunNews
from service.store.scripts import Limits, Scripts
from service.store.server.connection import Client, WebRedis, connect
from service.store.server.data_memory import DataMemory
from service.store.server.redis_clock import RedisClock
from service.store.server.startup_checks import StartupChecks
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
from service.usecases.run_following import Following
from service.usecases.runs import Runs
from service.watch.outcry import Alone, Outcry
from service.watch.outside import Outside
from service.watch.watch import Watch
from service.web.api.app import App, create_app
from service.web.beside import Beside
from service.web.callers.lookups import Lookups
from service.web.callers.recognition import Callers
from service.web.console.mount import add_console
from service.web.console.page import SIGN_IN
from service.web.http.access import Undeclared
from service.web.http.auth import ApiKeys
from service.web.http.pools import Pool
from service.web.http.throttling.guesses import MOST_DELAYED, Guesses
from service.web.http.throttling.rates import Rates
from service.web.http.throttling.senders import TrustedProxies
from service.web.live.hub import NewsHub
from service.web.loop_lag import LoopLag
from service.web.refused_scopes import RefusalNotes
from service.web.rq_dashboard.dashboard import create_dashboard
from service.web.services import Services
from service.web.stopping import STOPPING

log = logging.getLogger(__name__)

PAGE_THREADS, PAGES_WAITING = 4, 200
"""Threads of a process for short work, and requests that may wait for one: pages, contacts, previews, metrics."""
LONG_THREADS, LONG_WAITING = 4, 12
"""The same for imports, exports, documents, batches and test messages."""


def build() -> App:
    """Build the application. It connects when the first request needs it, so that it starts with or without Redis.

    Raises:
        SystemExit: a setting is missing or malformed, or a route does not declare who may ask it. The message is one
            line for standard error.
    """
    try:
        settings = load_settings()
        _require_key(settings)
        _warn_of_weak_keys(settings)
        return assemble(settings)
    except (SettingsError, Undeclared) as error:
        sys.exit(" ".join(str(error).split()))


def assemble(settings: Settings) -> App:
    """Wire the parts of the web process together.

    Raises:
        SettingsError: the Redis settings are malformed.
    """
    keys, client = Keys(settings.redis_prefix), connect(settings, "web")
    services = make_services(settings, client, keys)
    dashboard = create_dashboard(client, keys.prefix, keys.queue_name, console=True)
    app = create_app(services, rq_dashboard=dashboard, sign_in=SIGN_IN)
    add_console(app, services)
    return app


def make_services(settings: Settings, client: WebRedis, keys: Keys) -> Services:
    """Make what the API and the console are built from.

    Args:
        settings: the process' settings.
        client: its connections to Redis.
        keys: the installation's key names.

    Returns:
        The services. They connect when the first of them is used.
    """
    load_zones()
    # The startup checks run before the first use of Redis, not now: this process starts with or without it.
    gate = StartupChecks(client, keys)
    scripts = _scripts(client, keys, settings, gate)
    clock, bots = RedisClock(client), load_bots()
    bot_configs = configs(bots)
    jobs = Jobs(scripts, clock, bot_configs, about_persons(bots))
    runs = Runs(scripts, bot_configs, about_persons(bots))
    runs.traced = settings.traced
    calendars, occurrences = Calendars(scripts, clock), Occurrences(scripts)
    contacts = ContactBook(client, keys, gate, scripts.limits)
    key_store, sessions, lookups = KeyStore(scripts), SessionStore(scripts), Lookups()
    wrong_keys, actions = _guesses(settings, scripts), ActionLog(client, keys, gate, scripts.limits)
    return Services(
        jobs=jobs,
        runs=runs,
        batches=Batches(scripts, jobs, runs),
        backfills=Backfills(scripts, occurrences, bot_configs),
        contacts=contacts,
        listed_contacts=ListedContacts(scripts),
        erasure=Erasure(scripts, bots),
        definitions=Definitions(jobs, JobStore(scripts), clock, bot_configs),
        calendars=calendars,
        pauses=Pauses(scripts, bot_configs),
        occurrence_edits=OccurrenceEdits(scripts, clock, bot_configs),
        channels=Channels(scripts, clock, actions),
        rules=Rules(scripts, clock, bot_configs),
        told_alerts=ToldAlerts(scripts),
        snoozes=Snoozes(scripts, clock),
        links=AlertLinks(scripts, clock, runs) if settings.run_links else None,
        dry_runs=DryRuns(jobs, clock, bot_configs),
        calendar_dry_runs=CalendarDryRuns(scripts, calendars, clock),
        clock_changes=ClockChanges(scripts, jobs.sorted, clock),
        feeds=Feeds(scripts, runs, clock),
        pings=Pings(scripts, clock),
        standings=Standings(scripts, clock),
        timelines=Timelines(scripts, jobs.sorted),
        occurrences=occurrences,
        explanations=Explanations(occurrences),
        hub=NewsHub(Following(scripts), RunNews(client.subscription, keys, f"{keys.prefix}-web"), STOPPING),
        audit=Audit(scripts),
        revisions=Revisions(scripts, jobs, bot_configs),
        deleted=Deleted(scripts, clock, bot_configs),
        health=Health(scripts),
        message_tester=MessageTester(partial(Messenger.of, settings), contacts, actions),
        reading=partial(read, scripts),
        job_numbers=partial(read_job_numbers, scripts) if settings.metrics_per_job else None,
        bots=bots,
        callers=Callers(ApiKeys.of(settings), key_store, sessions, lookups, wrong_keys.address),
        lookups=lookups,
        stored_keys=StoredKeys(key_store, clock, bot_configs),
        console_sessions=ConsoleSessions(sessions, key_store, clock),
        pages=Pool("page", PAGE_THREADS, PAGES_WAITING),
        long=Pool("long", LONG_THREADS, LONG_WAITING),
        import_limit_mb=settings.import_limit_mb,
        public_url=settings.public_url,
        guesses=wrong_keys,
        rates=Rates(partial(scripts.run, "take_token"), settings.rate_limit) if settings.rate_limit else None,
        refusal_notes=RefusalNotes(RefusedScopes(scripts)),
        loop_lag=LoopLag(partial(add_loop_lag, scripts)),
        beside=_beside(settings, scripts, about_persons(bots)),
        weak_keys=[f"{sentence}." for sentence in weak_keys(settings)],
    )


def _beside(settings: Settings, scripts: Scripts, persons: frozenset[str]) -> Beside:
    """Make what the process does beside its requests: it may be the installation's courier, and its watch."""
    scripts = scripts.on_line(connect(settings, "watch"))
    touch = Touch(scripts, ("courier", "watch"))
    addresses = of_the_service(settings.alert_url.get_secret_value() if settings.alert_url else None)
    outside = Outside(settings.heartbeat_url.get_secret_value() if settings.heartbeat_url else None)
    watch = Watch(scripts, touch, settings.workers_wanted_seconds, Outcry(addresses, attempt, Alone()), outside)
    return Beside([Courier(scripts, touch, settings, persons), watch])


def _guesses(settings: Settings, scripts: Scripts) -> Guesses:
    most_delayed = min(MOST_DELAYED, max(1, settings.limit_connections // 16))  # others need connections, too
    proxies = TrustedProxies(settings.trusted_proxies)
    return Guesses(partial(guesses.count, scripts), proxies, settings.guess_limit, most_delayed)


def _scripts(client: Client, keys: Keys, settings: Settings, gate: StartupChecks) -> Scripts:
    scripts = make_scripts(client, keys, Limits.of(settings))
    return replace(scripts, gate=gate, went_back=gate.start_over, data=DataMemory(looks=True))


def _warn_of_weak_keys(settings: Settings) -> None:
    if weak := weak_keys(settings):
        log.warning("%s. %s", "; ".join(weak), ADVICE)


def _require_key(settings: Settings) -> None:
    if settings.api_key is None or not settings.api_key.get_secret_value().strip():
        raise SettingsError("API_KEY is not set. Set it to a long random text; the API does not start without it.")
