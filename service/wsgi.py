"""The web process' application, built from the environment."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from functools import partial

from service import gunicorn_config
from service.bots.registry import configs, load_bots
from service.errors import SettingsError
from service.messages import Messenger
from service.secrecy.key_strength import ADVICE, weak_keys
from service.settings import Settings, load_settings
from service.store.counters import add_refused_keys, read
from service.store.jobs.job_hashes import JobStore
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.store.server.connection import connect
from service.store.server.data_memory import DataMemory
from service.store.server.redis_clock import RedisClock
from service.store.server.startup_checks import StartupChecks
from service.usecases.contacts import ContactBook
from service.usecases.definitions import Transfer
from service.usecases.health import Health
from service.usecases.jobs import Jobs
from service.usecases.message_test import Samples
from service.usecases.run_following import Following
from service.usecases.runs import Runs
from service.web.api.app import App, create_app
from service.web.console.mount import Parts, add_console
from service.web.console.page import SIGN_IN
from service.web.http.access import Undeclared
from service.web.http.auth import ApiKeys
from service.web.http.refusals import Refusals
from service.web.metrics import Metrics
from service.web.rq_dashboard.dashboard import create_dashboard

log = logging.getLogger(__name__)


def build() -> App:
    """Build the application. It connects when the first request needs it, so that it starts with or without Redis.

    Raises:
        SystemExit: a setting is missing or malformed, or a route declares not who may ask it; its message is one line
            for standard error.
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
    keys = Keys(settings.redis_prefix)
    client = connect(settings, "web")
    bots = load_bots()
    limits = Limits.of(settings)
    # Not now but before its first use of Redis: this process starts with or without it.
    gate = StartupChecks(client, keys)
    scripts = replace(
        make_scripts(client, keys, limits), gate=gate, went_back=gate.start_over, data=DataMemory(looks=True)
    )
    clock, bot_configs = RedisClock(client), configs(bots)
    jobs, runs = Jobs(scripts, clock, bot_configs), Runs(scripts, bot_configs)
    contacts = ContactBook(client, keys, gate)
    following = Following(scripts)
    transfer = Transfer(jobs, JobStore(scripts), clock, bot_configs)
    api_keys, refusals = ApiKeys.of(settings), Refusals(partial(add_refused_keys, scripts))
    app = create_app(
        jobs,
        runs,
        Health(scripts),
        contacts,
        settings,
        following=following,
        transfer=transfer,
        samples=Samples(partial(Messenger.of, settings), contacts),
        metrics=Metrics(scripts),
        bots=bots,
        rq_dashboard=create_dashboard(client, keys.prefix, keys.queue_name, console=True),
        sign_in=SIGN_IN,
        waiters=gunicorn_config.THREADS // 2,
        refusals=refusals,
    )
    reading, limit_mb = partial(read, scripts), settings.import_limit_mb
    weak = [f"{sentence}." for sentence in weak_keys(settings)]
    parts = Parts(api_keys, jobs, runs, contacts, transfer, following, bots, reading, limit_mb, weak, refusals)
    add_console(app, parts)
    return app


def _warn_of_weak_keys(settings: Settings) -> None:
    if weak := weak_keys(settings):
        log.warning("%s. %s", "; ".join(weak), ADVICE)


def _require_key(settings: Settings) -> None:
    if settings.api_key is None or not settings.api_key.get_secret_value().strip():
        raise SettingsError("API_KEY is not set: the API answers nobody without one; set it to a long random text")
