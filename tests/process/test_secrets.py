"""Secrets that bots, receivers and channels do their best to tell: nothing that is kept, sent or printed has one."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from redis import Redis

from tests.support.installation import Installation
from tests.support.processes import find_free_port, until
from tests.support.servers.mail import post_office
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]


class Echo(ThreadingHTTPServer):
    """Repeats what it is asked in every form, and keeps the bodies of what it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        self.bodies: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Echo

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path.startswith("/alerts"):
            self.server.bodies.append(body)
        asked = f"{self.path} {self.headers['X-Token']} {self.headers['Authorization']}"
        said = " ".join(
            [asked, base64.b64encode(asked.encode()).decode(), quote(asked), quote_plus(asked), json.dumps(asked)]
        )
        padding = "x" * (int(self.headers.get("X-Padding", 0)))
        self.send_response(500 if "fail" in self.path else 200)
        data = (padding + said).encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A running one."""
    server = Echo()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def distinctive() -> str:
    """A secret that stands nowhere by chance."""
    return secrets.token_hex(20)


def encoded(text: str) -> str:
    """Its base64."""
    return base64.b64encode(text.encode()).decode()


def traces(secret: str) -> set[str]:
    """What would be left of it: the whole, either end, and the core of its base64 at each alignment."""
    found = {secret, secret[:10], secret[-10:], quote(secret, safe="")}
    for before in range(3):
        found.add(base64.b64encode(b"x" * before + secret.encode()).decode().rstrip("=")[4:-2])
    return found


def log_of(installation: Installation, run: dict[str, Any]) -> Any:
    """A run's log, as the API answers it."""
    return installation.call("GET", f"/jobs/{run['job_id']}/runs/{run['id']}/log")


def everything_in(client: Redis, leave_out: str) -> str:
    """Every key and value, but one job's hash and its entries in the audit log, which repeat its definition."""
    found = []
    for key in client.scan_iter():
        if str(key).endswith(f"{leave_out}'"):
            continue
        kind = str(client.type(key))[2:-1]
        read: Any = {
            "string": client.get,
            "hash": client.hgetall,
            "list": lambda name: client.lrange(name, 0, -1),
            "set": client.smembers,
            "zset": lambda name: client.zrange(name, 0, -1, withscores=True),
            "stream": lambda name: [entry for entry in client.xrange(name) or () if leave_out not in repr(entry)],
        }[kind]
        found.append(f"{key!r} {read(key)!r}")
    return "\n".join(found)


def test_no_secret_is_kept_sent_or_printed(tmp_path: Path, light_server: ValkeyServer, echo: Echo) -> None:
    """Each setting has one; bots raise, log, return and encode it, a receiver echoes it, channels fail over it. Then
    Redis, every line of every process, every alert and every answer of the API are read: it stands in the one
    definition that somebody wrote it into, and nowhere else."""
    names = "REDIS PREVIOUS MESSAGE ALERT CONTACTS TOKEN BASIC SIGN ADDRESS LINE OWN DECLARED"
    planted = {name: distinctive() for name in names.split()}
    at = f"127.0.0.1:{echo.server_address[1]}"
    token = f"to/k+n {planted['TOKEN']}=&?"
    with post_office() as (post, mail):
        settings = {
            "REDIS_URL": light_server.url.replace("redis://", f"redis://default:{planted['REDIS']}@"),
            "API_KEY_PREVIOUS": planted["PREVIOUS"],
            "MESSAGE_URL": f"mailto://me:{planted['MESSAGE']}@127.0.0.1:{find_free_port()}?from=me@example.org&to={{email}}",
            "ALERT_URL": f"json://{at}/alerts/{planted['ALERT']} {mail.replace('{email}', 'me@example.org')}",
            "CONTACTS_URL": f"http://ada:{planted['CONTACTS']}@127.0.0.1:{find_free_port()}/",
            "BOT_SECRET_TOKEN": token,
            "BOT_SECRET_BASIC": f"Basic {encoded('ada:' + planted['BASIC'])}",
            "BOT_SECRET_SIGN": f"whsec_{encoded(planted['SIGN'])}",
            "BOT_SECRET_EMPTY_KEY": "whsec_",
            "BOT_SECRET_ADDRESS": f"http://{at}/fail/{planted['ADDRESS']}?q={planted['ADDRESS']}",
            "BOT_SECRET_AWAY": f"http://127.0.0.1:{find_free_port()}/{planted['ADDRESS']}",
            "BOT_SECRET_LINE": f"{planted['LINE']}\n",
            "BOT_SECRET_OWN": f"json://{at}/alerts/{planted['OWN']}",
            "BOT_SECRET_DECLARED": planted["DECLARED"],
            "LOG_LEVEL": "DEBUG",
        }  # fmt: skip
        with Installation(tmp_path, light_server, **settings) as installation:
            installation.start("web", "scheduler", "worker").until_healthy()
            installation.call("POST", "/contacts", {"name": "Ada", "birthday": "--02-29", "emails": ["a@example.org"]})
            options = {"alert_urls": ["env:BOT_SECRET_OWN"], "max_concurrent_runs": 100}

            def run(bot_type: str, **config: Any) -> dict[str, Any]:
                job_id = installation.make_job(name="It tells", bot_type=bot_type, bot_config=config, options=options)
                return installation.until_status(job_id, installation.run_now(job_id), "failed", "success")

            ended = [
                run("leaky", way=way, form=form)
                for way in ("return", "raise", "chain", "partial", "log", "format", "thread", "warn", "exit")
                for form in (
                    ("plain", "base64", "percent", "json", "long") if way in ("return", "raise", "log") else ("plain",)
                )
            ]
            headers = {"X-Token": "env:BOT_SECRET_TOKEN", "Authorization": "env:BOT_SECRET_BASIC"}
            hook = {"headers": headers, "secret": "env:BOT_SECRET_SIGN"}
            ended += [
                run("webhook", url=url, **hook)
                for url in (f"http://{at}/ok", f"http://{at}/fail", "env:BOT_SECRET_ADDRESS")
            ]
            ended += [
                run("webhook", url=f"http://{at}/ok", headers=headers | {"X-Padding": str(size)})
                for size in (1975, 1990, 2000)
            ]
            ended += [run("webhook", url="env:BOT_SECRET_AWAY", **hook), run("contacts_sync")]
            refused = [
                run("webhook", url=f"http://{at}/ok", headers={"X-Token": "env:BOT_SECRET_LINE"}),
                run("webhook", url=f"http://{at}/ok", secret="env:BOT_SECRET_EMPTY_KEY"),
            ]
            ended += [*refused, run("birthday", process_late=True, max_days_late=365)]
            assert "BOT_SECRET_LINE ends with a line break" in refused[0]["error"]
            assert "BOT_SECRET_EMPTY_KEY is not a signing secret" in refused[1]["error"]

            literal = {"url": f"http://{at}/fail", "body": f"{planted['TOKEN']}"}
            literal_id = installation.make_job(name="As given", bot_type="webhook", bot_config=literal)
            installation.until_status(literal_id, installation.run_now(literal_id), "failed")
            assert installation.call("GET", f"/jobs/{literal_id}")[1]["bot_config"]["body"] == planted["TOKEN"]

            answers = [installation.call("POST", "/messages/test", {"email": "a@example.org"})]
            for odd in ({"schedule_type": token}, {"name": "x" * 50 + token * 9}, {"bot_config": {"url": token}}):
                answers.append(installation.call("POST", "/jobs", {"name": "x", "bot_type": "webhook", **odd}))
            assert [status for status, _ in answers] == [502, 400, 400, 400]
            failures = sum(run["status"] == "failed" for run in ended)
            until(
                lambda: len(echo.bodies) >= 2 * failures,
                60,
                lambda: f"{len(echo.bodies)} {installation.log('scheduler')}",
            )
            until(lambda: len(post.messages) >= failures, 60, lambda: installation.log("scheduler"))
            told = {
                "runs": json.dumps(ended),
                "answers": json.dumps(answers),
                "Redis": everything_in(installation.client, literal_id),
                "alerts": "".join(echo.bodies) + "".join(str(message) for message in post.messages),
                "logs": "".join(str(log_of(installation, run)) for run in ended),
                **{name: installation.log(name) for name in installation.processes},
            }
    left = [
        (name, place, trace)
        for name, secret in planted.items()
        for place, text in told.items()
        for trace in traces(secret)
        if trace in text
    ]
    assert left == []
    assert all("[BOT_SECRET_TOKEN]" in told[place] for place in ("runs", "Redis", "alerts", "logs", "worker"))


@pytest.mark.parametrize("isolation", ["warm", "fork"])
def test_a_bot_finds_only_what_is_its_own(tmp_path: Path, light_server: ValkeyServer, isolation: str) -> None:
    """Neither when it is imported nor in its runs, and no program that it starts, whatever process it has; what it
    declares it reads from the context, in the first run of a process and in the next."""
    secret = {
        "MESSAGE_URL": "json://127.0.0.1:1/message", "ALERT_URL": "json://127.0.0.1:1/alert",
        "CONTACTS_URL": "http://ada:sesame@127.0.0.1:1/", "API_KEY_PREVIOUS": "the key before",
        "BOT_SECRET_TOKEN": "sesame-token", "BOT_SECRET_OTHER": "sesame-other", "BOT_SECRET_DECLARED": "sesame-own",
        "BOT_SECRET_TOKEN_HOSTS": "hooks.example.org", "REPEATED_URL": "json://127.0.0.1:1/message",
    }  # fmt: skip
    public = {"REDIS_PREFIX": "bot-scheduler", "SOMETHING": "else", "OTHER_URL": "http://127.0.0.1:1/"}
    settings = {**secret, **public, "WORKER_ISOLATION": isolation, "WORKER_CONCURRENCY": "1"}
    with Installation(tmp_path, light_server, **settings) as installation:
        installation.start("web", "scheduler", "worker").until_healthy()

        def run(way: str) -> dict[str, Any]:
            job_id = installation.make_job(bot_type="leaky", bot_config={"way": way})
            return installation.until_status(job_id, installation.run_now(job_id), "success", "failed")

        for looked in (run("look")["result"], run("look")["result"]):
            for found in (looked["environment"], looked["imported_with"], looked["child"]):
                assert not {*secret, "API_KEY", "REDIS_URL"} & set(found)
                assert public.keys() <= set(found)
            assert looked["settings"] == ["message_url", "visitor_contact"]
        assert "The bot leaky must list API_KEY in its uses_settings" in run("undeclared")["error"]
        assert "BOT_SECRET_OTHER is named neither in the job's bot_config" in run("foreign")["error"]
        bound = run("return")
        assert bound["status"] == "failed" and "BOT_SECRET_TOKEN_HOSTS does not list it" in bound["error"]


def test_an_alert_goes_to_no_host_that_its_secret_is_not_bound_to(
    tmp_path: Path, light_server: ValkeyServer, echo: Echo
) -> None:
    """Told in the log by name; the others are told of the failure, and a service without a host counts as elsewhere."""
    port = echo.server_address[1]
    settings = {
        "BOT_SECRET_HERE": f"json://127.0.0.1:{port}/alerts", "BOT_SECRET_HERE_HOSTS": f"127.0.0.1:{port}",
        "BOT_SECRET_ELSEWHERE": f"json://127.0.0.1:{port}/alerts/2", "BOT_SECRET_ELSEWHERE_HOSTS": "alerts.example.org",
        "BOT_SECRET_CHAT": "tgram://123456789:abcdefg_hijklmnop/12315544/", "BOT_SECRET_CHAT_HOSTS": "123456789",
    }  # fmt: skip
    with Installation(tmp_path, light_server, **settings) as installation:
        installation.start("web", "scheduler", "worker").until_healthy()
        urls = [f"env:{name}" for name in settings if not name.endswith("_HOSTS")]
        job_id = installation.make_job(bot_config={"mode": "raise"}, options={"alert_urls": urls})
        installation.until_status(job_id, installation.run_now(job_id), "failed")
        until(lambda: len(echo.bodies) == 1, 20, lambda: installation.log("scheduler"))
        said = ("BOT_SECRET_ELSEWHERE_HOSTS does not list", "BOT_SECRET_CHAT_HOSTS does not list")
        senders = ("web", "scheduler")  # either may be the one that sends alerts
        until(lambda: all(any(one in installation.log(name) for name in senders) for one in said), 20)
        assert len(echo.bodies) == 1


@pytest.mark.parametrize("setting", ["API_KEY", "API_KEY_PREVIOUS"])
def test_a_weak_key_is_told_at_the_start_and_stops_nothing(
    tmp_path: Path, light_server: ValkeyServer, setting: str
) -> None:
    """In one line, without the key; a strong one is not told."""
    strong = secrets.token_urlsafe(24)
    keys = {"API_KEY": strong, "API_KEY_PREVIOUS": strong + "-", setting: "changeme"}
    with Installation(tmp_path, light_server, WEB_CONCURRENCY="2", **keys) as installation:
        installation.start("web", "scheduler").until_healthy()
        warned = [line for line in installation.log("web").splitlines() if "known example" in line]
        assert len(warned) == 1 and json.loads(warned[0])["level"] == "warning"
        assert json.loads(warned[0])["message"].startswith(f"{setting} is a known example")
        assert "changeme" not in warned[0]
