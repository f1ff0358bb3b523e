"""deploy/redis/users.acl: its users are enough for all that the processes do, and for nothing beyond that."""

from __future__ import annotations

import re
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import redis
from redis import Redis

from service.cli.doctor.rights_check import rights_finding
from service.store.keys import Keys
from service.store.schema import newest
from service.store.scripts import whole_text
from service.store.server.needs import DIRECT, PROCESSES, SCRIPTS, Process
from tests.support import dumps, main_paths
from tests.support.command import Command
from tests.support.installation import API_KEY, ROOT
from tests.support.monitor import Monitor
from tests.support.processes import find_free_port, until
from tests.support.redis_users import (
    GuardedInstallation,
    GuardedServer,
    guarded_server,
    rules_of,
    url_of,
)
from tests.support.servers.address_books import radicale
from tests.support.servers.alerts import receiving_alerts
from tests.support.servers.mail import post_office
from tests.support.servers.sites import web_site

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation goes through all its main paths"),
]

MIGRATION = {"RENAMENX", "SCAN", "UNLINK"}
"""Commands that one process sends, whichever migrates."""
COURIER = {"LINDEX"}
"""Commands that one process sends, whichever is the courier."""


def test_the_main_paths_meet_no_denial(tmp_path: Path) -> None:
    """An older data set is migrated; jobs, bots, logs, keys, pages, alerts and the clock's repair work; none denied."""
    with (
        guarded_server(tmp_path) as server, post_office() as (_, mail), receiving_alerts() as alerts,
        radicale(tmp_path) as book, web_site() as site, Monitor(server) as monitor,
    ):  # fmt: skip
        settings = {
            "MESSAGE_URL": mail, "CONTACTS_URL": book.url(), "ALERT_URL": f"json://127.0.0.1:{alerts.server_port}/x",
            "HISTORY_LIMIT": "3", "LOG_RUNS": "2",
        }  # fmt: skip
        with server.client() as admin:
            dumps.load(admin, (ROOT / "tests" / "store" / "fixtures" / "version_1.jsonl").read_text().splitlines())
        with GuardedInstallation(tmp_path, server, 0, **settings) as service:
            service.start("web", "scheduler", "worker").until_healthy()
            job = main_paths.schedule_and_run(service)
            main_paths.follow_a_log(service)
            main_paths.write_the_address_book(service)
            main_paths.run_bots(service, site, book)
            main_paths.read_everything(service, job)
            main_paths.manage_access(service)
            main_paths.keep_calendars(service)
            main_paths.pause_jobs(service)
            main_paths.plan_every_type(service)
            main_paths.show_rq_dashboard(service)
            main_paths.repair_the_clock(service)
            until(lambda: bool(alerts.received), 30)
            for process in PROCESSES:
                assert doctor(tmp_path, service.port, url_of(server, f"bot-scheduler-{process}"))["state"] == "ok"
            names = list(service.processes)
            service.terminate_all()
            for ending in service.processes.values():
                ending.wait(40)
            logs = "".join(service.log(name) for name in names)
        monitor.stop()
        assert_nothing_denied(server, logs)
    for process in PROCESSES:
        of_scripts = {command for text in map(whole_text, SCRIPTS[process]) for command in called(text)}
        unseen = set(DIRECT[process]) - of_scripts - monitor.sent[f"bot-scheduler-{process}"]
        unseen -= MIGRATION | COURIER
        assert not unseen, f"a {process} process may send these, but has no need to: {unseen}"
    assert set().union(*(monitor.sent[f"bot-scheduler-{process}"] for process in PROCESSES)) >= COURIER


def test_each_process_can_migrate_an_older_data_set(tmp_path: Path) -> None:
    """Alone, each in a database of its own."""
    services: list[GuardedInstallation] = []
    with guarded_server(tmp_path) as server, ExitStack() as closing:
        for number, process in enumerate(PROCESSES, start=1):
            folder = tmp_path / process
            folder.mkdir()
            service = GuardedInstallation(folder, server, number)
            closing.enter_context(service)
            services.append(service)
            dumps.load(service.client, (ROOT / "tests/store/fixtures/version_1.jsonl").read_text().splitlines())
            service.start(process)
            if process == "web":
                service.until_web_answers()
                service.call("GET", "/jobs", timeout=60)
        for process, service in zip(PROCESSES, services, strict=True):
            until(partial(has_migrated, service), 60, partial(service.log, process))
        assert_nothing_denied(server, "".join(map(GuardedInstallation.log, services, PROCESSES)))


@pytest.mark.parametrize("process", PROCESSES)
def test_the_doctor_names_each_right_that_is_taken_away(tmp_path: Path, process: Process) -> None:
    """So the file grants nothing that no process needs, and whoever lacks something hears what."""
    user, keys = f"bot-scheduler-{process}", Keys()
    with guarded_server(tmp_path) as server, server.client() as admin:
        granted = rules_of(user)
        assert len(granted) > 70
        unnoticed = []
        for rule in granted:
            left = [one for one in granted if one != rule]
            admin.execute_command("ACL", "SETUSER", user, "resetkeys", "resetchannels", "-@all", *left)
            with redis.Redis.from_url(url_of(server, user)) as client:
                unnoticed += [] if rule in named(client, keys, process) else [rule]
        assert unnoticed == []
        admin.execute_command("ACL", "SETUSER", user, *granted)
        with redis.Redis.from_url(url_of(server, user)) as client:
            assert named(client, keys, process) == set()


def named(client: Redis, keys: Keys, process: Process) -> set[str]:
    """The rules that the doctor would have added."""
    finding = rights_finding(client, keys, f"redis://bot-scheduler-{process}@localhost")
    line = re.match(rf"ACL SETUSER bot-scheduler-{process} (.*) \(", finding.advice or "")
    return set(line[1].split()) if line else set()


@pytest.mark.parametrize("rule", ["-zrange", "resetkeys"])
def test_the_doctor_gives_the_line_that_helps(tmp_path: Path, rule: str) -> None:
    """As it stands, and all is well."""
    with guarded_server(tmp_path) as server, server.client() as admin:
        user = "bot-scheduler-worker"
        admin.execute_command("ACL", "SETUSER", user, rule)
        found = doctor(tmp_path, find_free_port(), url_of(server, user))
        assert found["state"] == "problem"
        admin.execute_command(*found["advice"].partition(" (")[0].split())
        assert doctor(tmp_path, find_free_port(), url_of(server, user))["state"] == "ok"


def test_the_dashboard_user_reads_counts_and_no_person(tmp_path: Path) -> None:
    """Neither contacts nor results, logs, alerts or what keys are made of; it writes nothing."""
    with guarded_server(tmp_path) as server, redis.Redis.from_url(url_of(server, "bot-scheduler-dashboard")) as client:
        keys = Keys()
        assert (client.zcard(keys.jobs), client.hgetall(keys.metrics), client.lrange(keys.rq_queue, 0, -1)) == (
            0,
            {},
            [],
        )
        assert client.hgetall(keys.rq_job("x")) == {}
        for key in (keys.contact("x"), keys.run("x"), keys.run_log("x"), keys.alerts, keys.audit, keys.identity("x")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.type(key)
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.set(keys.metrics, "")


def has_migrated(service: GuardedInstallation) -> bool:
    """Whether its data is of today's schema."""
    return service.client.get(service.keys.schema_version) == str(newest()).encode()


def called(text: str) -> list[str]:
    """The commands that a script's text names."""
    return re.findall(r"call\('([A-Z]+)'", text)


def assert_nothing_denied(server: GuardedServer, logs: str) -> None:
    """Neither the server nor a process tells of a denial."""
    with server.client() as admin:
        denied = [
            {name: entry[name] for name in ("reason", "context", "object", "username")} for entry in admin.acl_log()
        ]
    assert denied == []
    assert "NOPERM" not in logs and "lacks rights" not in logs


def doctor(folder: Path, port: int, url: str) -> dict[str, str]:
    """What the doctor finds about the rights of a user."""
    command = Command(folder, {"BOT_SCHEDULER_URL": f"http://127.0.0.1:{port}", "API_KEY": API_KEY})
    findings = command("doctor", "--json", REDIS_URL=url).json["findings"]
    (found,) = [finding for finding in findings if finding["check"] == "rights"]
    return dict(found)
