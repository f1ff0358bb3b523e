"""Libraries' own variables of the environment that would break what this service promises: refused, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from service.environment import refuse_foreign
from service.errors import SettingsError
from service.settings import Settings
from service.web.rq_dashboard.dashboard import create_dashboard
from tests.support.command import Command
from tests.support.installation import Installation
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]

SETTINGS = Settings.model_validate({"api_key": "a key for this test"})


@pytest.mark.parametrize("value", ["mine", "not a prefix"])
@pytest.mark.parametrize("name", ["web", "scheduler", "worker"])
def test_another_prefix_for_rqs_keys_stops_the_start(
    tmp_path: Path, valkey_server: ValkeyServer, name: str, value: str
) -> None:
    """Every process says so in one line and ends: otherwise nothing would run, and all would seem well."""
    with Installation(tmp_path, valkey_server, RQ_KEY_PREFIX=value) as installed:
        process = installed.start(name).processes[name]
        assert process.wait(30) != 0
        (line,) = installed.log(name).splitlines()
        assert "RQ_KEY_PREFIX" in line and "REDIS_PREFIX" in line


def test_the_doctor_names_the_variable(tmp_path: Path) -> None:
    """As a problem of the settings."""
    ended = Command(tmp_path, {"RQ_KEY_PREFIX": "not a prefix", "BOT_SCHEDULER_URL": "http://127.0.0.1:9"})(
        "doctor", "--json"
    )
    (finding,) = ended.json["findings"]
    assert (ended.status, finding["check"], finding["state"]) == (1, "settings", "problem")
    assert "RQ_KEY_PREFIX" in finding["found"]


def test_rqs_own_default_is_let_in() -> None:
    """It changes nothing."""
    refuse_foreign({"RQ_KEY_PREFIX": "rq", "GUNICORN_CMD_ARGS": ""})


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("-k sync", "--worker-class"),
        ("-ksync", "--worker-class"),
        ("--worker-class=gthread", "--worker-class"),
        ("--worker-c gevent", "--worker-class"),
        ("--access-logfile - --threads 1", "--threads"),
        ("--limit-request-line 0", "--limit-request-line"),
        ("--limit-request-field_size=0", "--limit-request-field_size"),
    ],
)
def test_what_the_api_counts_on_is_not_changed_from_outside(arguments: str, named: str) -> None:
    """The option is named."""
    with pytest.raises(SettingsError, match=named):
        refuse_foreign({"GUNICORN_CMD_ARGS": arguments})


@pytest.mark.parametrize("arguments", ["--access-logfile -", "--timeout 600 --bind=0.0.0.0:8000", "-w 4", "it's"])
def test_what_platforms_set_is_let_in(arguments: str) -> None:
    """Heroku's build pack and Azure's App Service have some of their own; malformed ones are gunicorn's to refuse."""
    refuse_foreign({"GUNICORN_CMD_ARGS": arguments})


def test_the_web_process_ends_in_one_line_over_them(tmp_path: Path, valkey_server: ValkeyServer) -> None:
    """Before it listens."""
    with Installation(tmp_path, valkey_server, GUNICORN_CMD_ARGS="--worker-class sync") as installed:
        process = installed.start("web").processes["web"]
        status = process.wait(30)
        (line,) = installed.log("web").splitlines()
        assert status != 0 and "GUNICORN_CMD_ARGS" in line and "--worker-class" in line


def test_flask_debug_changes_nothing(redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dashboard never tells its inside."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = create_dashboard(redis_client, "bot-scheduler", "bot-scheduler-queue")
    assert app.debug is False and not app.jinja_env.auto_reload
