"""`bot-scheduler health` and `doctor`, and a service that is away, is another, or takes no such key."""

from __future__ import annotations

import http.server
import json
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from service import VERSION
from service.store.keys import Keys
from service.store.schema import newest
from tests.support.command import COMMAND, Command
from tests.support.installation import API_KEY, ROOT, Installation
from tests.support.processes import find_free_port, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]


def found(ended_json: dict[str, object]) -> dict[str, dict[str, str]]:
    """A doctor's findings by their checks."""
    findings = ended_json["findings"]
    assert isinstance(findings, list)
    return {finding["check"]: finding for finding in findings}


def test_a_well_service_is_healthy(command: Command, installed: Installation) -> None:
    """Exit code 0, without a key; 1 if it is to have more workers than it has."""
    assert "None" not in command.works("health").out and "data went back" not in command.works("health").out
    assert command.works("health", "--json", API_KEY="").json == installed.call("GET", "/health")[1]
    assert "healthy" in command.works("health", "--workers", "2").out
    assert command("health", "--workers", "3").status == 1


def test_health_and_doctor_tell_of_troubles_while_they_last(command: Command, installed: Installation) -> None:
    """In words, with what to do; the service counts as healthy, because a scheduler is up."""
    assert found(command("doctor", "--json").json)["watch"]["state"] == "ok"
    noted = json.dumps({"since": 1_800_000_000_000, "said": "the oldest has waited"})
    installed.client.hset(installed.keys.troubles, "no_worker", noted)
    try:
        told = "No worker is up, and runs wait, since 2027-01-15T08:00:00 UTC"
        assert told in " ".join(command.works("health").out.split())
        finding = found(command("doctor", "--json").json)["watch"]
        assert (finding["state"], finding["found"]) == ("problem", told) and "bot-scheduler worker" in finding["advice"]
    finally:
        installed.client.delete(installed.keys.troubles)


def test_the_doctor_finds_a_well_service_well(command: Command, installed: Installation) -> None:
    """Every check of Redis included, as REDIS_URL is set; what is left out on purpose is a warning with advice."""
    ended = command.works("doctor", "--json", REDIS_URL=installed.server.url, MESSAGE_URL="json://localhost/{email}")
    findings = found(ended.json)
    well = {
        "api", "key", "settings", "message_url", "redis_version", "memory", "eviction", "persistence", "clock",
        "schema", "scheduler", "workers", "queue",
    }  # fmt: skip
    assert well <= {check for check, finding in findings.items() if finding["state"] == "ok"}, findings
    for name in ("alert_url", "heartbeat_url"):
        assert findings[name]["state"] == "warning" and name.upper() in findings[name]["advice"]
    assert ended.json["problems"] == 0


def test_without_redis_url_the_doctor_asks_the_api(command: Command) -> None:
    """Schedulers, workers and the queue are looked at all the same; Redis itself is said not to be."""
    findings = found(command.works("doctor", "--json").json)
    assert {findings[check]["state"] for check in ("scheduler", "workers", "queue")} == {"ok"}
    assert findings["redis"]["state"] == "unknown" and "REDIS_URL" in findings["redis"]["advice"]
    assert "is active" in command.works("doctor").out


def test_the_doctor_says_what_is_wrong_and_what_to_do(command: Command, tmp_path: Path) -> None:
    """A Redis that evicts, keeps nothing and holds a newer schema, with nobody up: exit code 1."""
    with ValkeyServer(
        tmp_path, "--appendonly", "no", "--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb"
    ) as server:
        with server.client() as client:
            client.set(Keys().schema_version, newest() + 1)
        ended = command("doctor", "--json", REDIS_URL=server.url)
        text = command("doctor", REDIS_URL=server.url).out
    findings = found(ended.json)
    assert ended.status == 1
    problems = {check for check, finding in findings.items() if finding["state"] == "problem"}
    assert {"eviction", "schema", "scheduler", "workers"} <= problems
    assert findings["persistence"]["state"] == "warning"
    assert all(finding["advice"] for finding in findings.values() if finding["state"] in ("problem", "warning"))
    assert "noeviction" in text and "bot-scheduler worker" in text


ODD = {
    "a cluster": (("--cluster-enabled", "yes"), "cluster", "one Redis without cluster mode"),
    "a replica": (("--replicaof", "127.0.0.1 9"), "replica", "Point REDIS_URL at the primary"),
    "one with too few replicas": (("--min-replicas-to-write", "1"), None, None),
    "one with a password": (("--requirepass", "sesame"), "password", "Correct REDIS_URL"),
}


@pytest.mark.parametrize("kind", ODD)
def test_the_doctor_tells_what_redis_is_and_advises_on_that(command: Command, tmp_path: Path, kind: str) -> None:
    """The advice fits the error; the key of the API has nothing to do with it."""
    arguments, word, advice = ODD[kind]
    port = ("--cluster-port", str(find_free_port())) if kind == "a cluster" else ()
    folder = tmp_path / "server"
    folder.mkdir()
    with serving_oddly(folder, *arguments, *port) as server, Installation(tmp_path, server) as installed:
        installed.start("web")
        until(lambda: _answers(installed), 30)
        ended = command(
            "doctor", "--json", REDIS_URL=server.url, BOT_SCHEDULER_URL=f"http://127.0.0.1:{installed.port}"
        )
    findings = found(ended.json)
    assert ended.status == 1
    if word is None or advice is None:
        assert "redis" not in findings
        return
    assert findings["redis"]["state"] == "problem" and word in findings["redis"]["found"]
    assert advice in findings["redis"]["advice"]
    assert findings["key"]["state"] == "unknown" and word in findings["key"]["found"]
    assert not [finding for finding in findings.values() if "API_KEY" in str(finding["advice"])]
    assert "sesame" not in ended.out


@pytest.mark.parametrize("full", ["disk", "memory"])
def test_the_doctor_tells_what_is_full(command: Command, tmp_path: Path, full: str) -> None:
    """Reads go on, so that all else is looked at, too; nobody is told to start who cannot say that it is up."""
    with ValkeyServer(tmp_path, "--appendonly", "no") as server:
        if full == "disk":
            server.fill_disk()
        else:
            with server.client() as client:
                client.config_set("maxmemory", 1)
        findings = found(command("doctor", "--json", REDIS_URL=server.url).json)
    named = findings["persistence" if full == "disk" else "memory"]
    assert named["state"] == "problem" and named["advice"]
    assert findings["writes"]["state"] == "problem" and full in findings["writes"]["found"]
    for check in ("scheduler", "workers"):
        assert findings[check]["state"] == "unknown" and "refuses writes" in findings[check]["found"]
    assert not [finding for finding in findings.values() if "Start `python" in str(finding["advice"])]
    assert {"memory", "eviction", "clock", "schema"} <= findings.keys()


def test_without_redis_url_the_doctor_tells_all_the_same_that_writes_are_refused(
    command: Command, tmp_path: Path
) -> None:
    """From the metrics."""
    folder = tmp_path / "server"
    folder.mkdir()
    with serving_oddly(folder) as server, Installation(tmp_path, server) as installed:
        installed.start("web")
        until(lambda: _answers(installed), 30)
        with server.client() as client:
            client.config_set("maxmemory", 1)
        url = f"http://127.0.0.1:{installed.port}"
        findings = found(command("doctor", "--json", BOT_SCHEDULER_URL=url).json)
    assert findings["writes"]["state"] == "problem" and findings["workers"]["state"] == "unknown"


@contextmanager
def serving_oddly(folder: Path, *arguments: str) -> Iterator[ValkeyServer]:
    """A server that this service cannot use; its pings may be refused."""
    with ValkeyServer(folder, "--appendonly", "no", *arguments, pings=False) as server:
        yield server


def _answers(installed: Installation) -> bool:
    try:
        return installed.call("GET", "/health")[0] in (200, 503)
    except OSError:
        return False


def test_the_doctor_looks_on_when_parts_are_away(command: Command) -> None:
    """Neither API nor Redis: both are told, and no secret is."""
    nowhere = f"127.0.0.1:{find_free_port()}"
    ended = command(
        "doctor", "--json", BOT_SCHEDULER_URL=f"http://{nowhere}", REDIS_URL=f"redis://user:sesame@{nowhere}/0",
        MESSAGE_URL="nonsense sesame",
    )  # fmt: skip
    findings = found(ended.json)
    assert ended.status == 1
    assert {findings[check]["state"] for check in ("api", "redis", "message_url")} == {"problem"}
    assert "sesame" not in ended.out + ended.err
    malformed = command("doctor", "--json", REDIS_URL="sesame://")
    assert found(malformed.json)["settings"]["state"] == "problem" and "sesame" not in malformed.out


def test_the_doctor_says_what_the_former_setting_opens(command: Command) -> None:
    """VISITOR_ALLOW_PRIVATE, in favour of NETWORK_ALLOW, whose entries are looked at too."""
    nowhere = f"127.0.0.1:{find_free_port()}"
    places = {"BOT_SCHEDULER_URL": f"http://{nowhere}", "REDIS_URL": f"redis://{nowhere}/0"}
    opened = found(command("doctor", "--json", VISITOR_ALLOW_PRIVATE="true", **places).json)["network_allow"]
    assert opened["state"] == "warning" and "metadata services stay closed" in opened["found"]
    assert "NETWORK_ALLOW" in opened["advice"]
    named = found(command("doctor", "--json", NETWORK_ALLOW="10.0.0.0/8, intranet.example.org", **places).json)
    assert named["settings"]["state"] == "ok" and "network_allow" not in named
    malformed = found(command("doctor", "--json", NETWORK_ALLOW="10.0.0.0/8, s3same!", **places).json)["settings"]
    assert malformed["state"] == "problem" and "NETWORK_ALLOW: has an entry (number 2)" in malformed["found"]
    assert "s3same" not in malformed["found"]


def test_the_doctor_tells_of_secrets_by_name_alone(command: Command, installed: Installation) -> None:
    """Which are bound to no host, which are malformed, which lists bind nothing; a malformed list is a problem."""
    settings = {
        "BOT_SECRET_FREE": "sesame-open", "BOT_SECRET_BOUND": "sesame-bound", "BOT_SECRET_BOUND_HOSTS": "a.example.org",
        "BOT_SECRET_LINE": "sesame-line\n", "BOT_SECRET_SIGN": "whsec_", "BOT_SECRET_GONE_HOSTS": "a.example.org",
    }  # fmt: skip
    ended = command("doctor", "--json", REDIS_URL=installed.server.url, **settings)
    told = [
        (one["check"], one["state"], one["found"])
        for one in ended.json["findings"]
        if one["check"].startswith("secret")
    ]
    assert told == [
        ("secret", "problem", told[0][2]),
        ("secret", "problem", told[1][2]),
        ("secret_hosts", "warning", "bound to no host: BOT_SECRET_FREE, BOT_SECRET_LINE, BOT_SECRET_SIGN"),
        ("secret_hosts", "warning", "BOT_SECRET_GONE_HOSTS binds BOT_SECRET_GONE, which is not set"),
    ]
    assert told[0][2].startswith("BOT_SECRET_LINE ends with a line break")
    assert told[1][2].startswith("BOT_SECRET_SIGN is not a signing secret")
    assert ended.status == 1 and "sesame" not in ended.out + ended.err
    malformed = command("doctor", "--json", REDIS_URL=installed.server.url, BOT_SECRET_FREE_HOSTS="https://sesame")
    assert "BOT_SECRET_FREE_HOSTS: entry 1" in found(malformed.json)["settings"]["found"]
    assert "sesame" not in malformed.out


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (["A"], "Set BOT_SECRET_A_HOSTS to the hosts that may receive it"),
        (["A", "B"], "Set BOT_SECRET_A_HOSTS, and likewise for the others, to the hosts that may receive it"),
    ],
)
def test_an_unbound_secret_is_a_warning_with_advice(command: Command, names: list[str], advice: str) -> None:
    """For one, or for several."""
    unbound = {f"BOT_SECRET_{name}": "sesame-open" for name in names}
    finding = found(command("doctor", "--json", **unbound).json)["secret_hosts"]
    assert (finding["state"], finding["advice"]) == ("warning", advice)


@pytest.mark.parametrize("url", ["nonsense sesame", "json://localhost nonsense://sesame"])
def test_the_doctor_tells_of_an_alert_url_that_cannot_be_used(command: Command, url: str) -> None:
    """Which of them, and nothing of it."""
    ended = command("doctor", "--json", ALERT_URL=url)
    finding = found(ended.json)["alert_url"]
    assert finding["state"] == "problem" and " of ALERT_URL is not usable" in finding["found"]
    assert "sesame" not in ended.out and ended.status == 1


def test_the_version_is_told_without_a_service(command: Command) -> None:
    """The one of the project."""
    nowhere = f"http://127.0.0.1:{find_free_port()}"
    assert command.works("--version", BOT_SCHEDULER_URL=nowhere).out == f"bot-scheduler {VERSION}\n"


def test_the_doctor_tells_of_keys_that_can_be_guessed(command: Command) -> None:
    """Both, as warnings with what to do; the service is asked all the same."""
    findings = found(command("doctor", "--json", API_KEY_PREVIOUS="changeme").json)
    assert (
        findings["api_key_strength"]["state"] == "warning" and "16 characters" in findings["api_key_strength"]["found"]
    )
    assert "API_KEY_PREVIOUS is a known example" in findings["api_key_previous_strength"]["found"]
    assert "token_urlsafe" in findings["api_key_strength"]["advice"]
    strong = found(command("doctor", "--json", API_KEY=secrets.token_urlsafe(24)).json)
    assert strong["api_key_strength"]["state"] == "ok" and "api_key_previous_strength" not in strong


def test_the_doctor_shows_no_secret_that_an_error_repeats(command: Command) -> None:
    """Also where the address of the service holds it."""
    key = secrets.token_urlsafe(24)
    ended = command("doctor", "--json", BOT_SCHEDULER_URL=f"http://{key}.invalid", API_KEY=key)
    assert "[API_KEY].invalid" in ended.out and key not in ended.out


@pytest.mark.parametrize("arguments", [("health",), ("jobs", "list", "--json"), ("logs", "-f", "some job")])
def test_a_service_that_is_away_is_exit_code_6(command: Command, arguments: tuple[str, ...]) -> None:
    """One sentence names where it was looked for and what says where it is."""
    url = f"http://127.0.0.1:{find_free_port()}"
    ended = command(*arguments, BOT_SCHEDULER_URL=url)
    assert (ended.status, ended.out, ended.err.count("\n")) == (6, "", 1)
    assert url in ended.err and "BOT_SCHEDULER_URL" in ended.err


@pytest.mark.parametrize("key", ["wrong", "ключ", "a\udcffb", "new\nline"])
def test_a_bad_key_is_exit_code_5(command: Command, key: str) -> None:
    """Whatever bytes it has; where it comes from is told, and never the key itself."""
    ended = command("jobs", "list", "--json", API_KEY=key)
    assert (ended.status, ended.out) == (5, "") and "API_KEY" in ended.err
    assert key not in ended.err


def test_a_url_that_is_none_is_wrong_usage(command: Command) -> None:
    """Exit code 2, with what one looks like; `/scheduler` at its end does no harm."""
    for url in ("sesame", "ftp://localhost", "http://", "http://localhost:port"):
        ended = command("health", BOT_SCHEDULER_URL=url)
        assert ended.status == 2 and "BOT_SCHEDULER_URL must look like" in ended.err
    command.works("health", BOT_SCHEDULER_URL=command.settings["BOT_SCHEDULER_URL"] + "/scheduler/")


class Stranger(http.server.BaseHTTPRequestHandler):
    """Some other server; notes the keys that it is sent."""

    keys: ClassVar[list[str | None]] = []
    says: ClassVar[bytes] = b"<html>"

    def do_GET(self) -> None:
        self.keys.append(self.headers.get("X-API-Key"))
        moved = self.path.startswith("/moved")
        self.send_response(308 if moved else 304 if self.path.startswith("/unchanged") else 200)
        if not self.path.startswith("/unchanged"):
            self.send_header("Location", "https://elsewhere.example.org/")
        self.end_headers()
        self.wfile.write(self.says)
        while self.path.startswith("/endless"):
            self.wfile.write(b'"' + b"a" * (1 << 20) + b'",')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(host: str) -> Iterator[int]:
    """A stranger's port."""
    with http.server.ThreadingHTTPServer((host, 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_another_server_is_told_from_the_service(command: Command) -> None:
    """Exit code 6; a server that sends on is not followed with the key, and its word is told."""
    with serving("127.0.0.1") as port:
        other = command("health", BOT_SCHEDULER_URL=f"http://127.0.0.1:{port}")
        moved = command("health", BOT_SCHEDULER_URL=f"http://127.0.0.1:{port}/moved")
    assert other.status == moved.status == 6
    assert "is not a Bot Scheduler" in other.err and "https://elsewhere.example.org/" in moved.err


def test_an_answer_without_end_is_not_read_for_ever(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program may send for ever, and memory is not."""
    monkeypatch.setattr(Stranger, "says", b"[")
    with serving("127.0.0.1") as port:
        ended = command("jobs", "list", BOT_SCHEDULER_URL=f"http://127.0.0.1:{port}/endless")
    assert (ended.status, ended.out) == (6, "")
    assert "has more than 64 MiB" in ended.err and ended.err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_in_one_sentence(command: Command) -> None:
    """With an exit code of its own: 1 would be an answer."""
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [COMMAND, "jobs", "--help"], stdout=full, stderr=subprocess.PIPE, env=command.environment(), text=True,
            check=False,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n")) == (74, 1)
    assert "could not be written: No space left on device" in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [("jobs", "--help"), ("doctor",), ("nonsense",)])
def test_where_not_even_that_can_be_told_the_exit_code_is_the_same(
    command: Command, arguments: tuple[str, ...]
) -> None:  # fmt: skip
    """The error stream leads to the full disk, too."""
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [COMMAND, *arguments], stdout=full, stderr=full, env=command.environment(), check=False
        )  # fmt: skip
    assert ended.returncode == 74


def test_an_answer_that_sends_nowhere_is_not_one_of_the_service(command: Command) -> None:
    """304 is a redirect by its number alone."""
    with serving("127.0.0.1") as port:
        ended = command("health", BOT_SCHEDULER_URL=f"http://127.0.0.1:{port}/unchanged")
    assert (ended.status, ended.err.count("\n")) == (6, 1)
    assert "is not a Bot Scheduler" in ended.err


ANSWERS = (b"<html>", b"Welcome\n", b'"ok"', b"[]", b"{}", b"")
COMMANDS = (
    ("health",), ("export",), ("export", "--json"), ("export", "-o", "export.yaml"), ("acknowledge",),
    ("apply", "-f", "jobs.yaml", "--yes"), ("preview", "--every", "1h"),
)  # fmt: skip
MET = [
    *((ANSWERS[0], arguments) for arguments in COMMANDS),
    *((says, ("health",)) for says in ANSWERS[1:]),
    *zip(ANSWERS[1:], COMMANDS[1:], strict=False),
    *((says, ("jobs", "list")) for says in (b'[1,null,{"id":[]}]', b"[" * 100_000, b'"x"', b"1")),
]
"""Each command meets the first answer; each other answer meets two commands, and each odd list that of jobs."""


@pytest.mark.parametrize("says, arguments", MET)
def test_no_command_takes_another_server_for_the_service(
    command: Command, monkeypatch: pytest.MonkeyPatch, says: bytes, arguments: tuple[str, ...]
) -> None:
    """Whatever it answers with status 200: one sentence, exit code 6, nothing printed or written."""
    monkeypatch.setattr(Stranger, "says", says)
    (command.folder / "jobs.yaml").write_text("version: 1\njobs: []\n")
    with serving("127.0.0.1") as port:
        ended = command(*arguments, BOT_SCHEDULER_URL=f"http://127.0.0.1:{port}")
    assert (ended.status, ended.out, ended.err.count("\n")) == (6, "", 1)
    assert "is not a Bot Scheduler" in ended.err
    assert not (command.folder / "export.yaml").exists()


@pytest.mark.parametrize("says", [b"<html>", b"{}"])
def test_the_doctor_tells_another_server_from_the_service(
    command: Command, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    """It is a problem of the address, and nothing is known of the scheduler."""
    monkeypatch.setattr(Stranger, "says", says)
    with serving("127.0.0.1") as port:
        doctor = command("doctor", "--json", BOT_SCHEDULER_URL=f"http://127.0.0.1:{port}")
    findings = found(doctor.json)
    assert doctor.status == 1 and findings["api"]["state"] == "problem"
    assert "is not a Bot Scheduler" in findings["api"]["found"] and findings["scheduler"]["state"] == "unknown"


def test_the_key_of_make_up_is_used_here_and_never_sent_away(command: Command, installed: Installation) -> None:
    """From DATA_DIR/api_key for a service on this machine; any other address has no key, and it is said so."""
    folder = command.folder / "data"
    folder.mkdir()
    (folder / "api_key").write_text(API_KEY + "\n")
    own = {"API_KEY": "", "DATA_DIR": str(folder)}
    command.works("jobs", "list", **own)
    missing = command("jobs", "list", API_KEY="", DATA_DIR=str(command.folder / "none"))
    assert missing.status == 5 and "API_KEY is not set" in missing.err
    Stranger.keys.clear()
    with serving("0.0.0.0") as port:
        command("jobs", "list", BOT_SCHEDULER_URL=f"http://0.0.0.0:{port}", **own)
    assert Stranger.keys == [None]


def test_the_command_runs_through_a_link_and_beside_other_services(command: Command, tmp_path: Path) -> None:
    """From anywhere on the PATH, also in a folder with a Python package of the same name."""
    link = tmp_path / "bin" / "bot-scheduler"
    link.parent.mkdir()
    link.symlink_to(COMMAND)
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    elsewhere = Command(tmp_path, command.settings | {"PATH": f"{link.parent}:/usr/bin:/bin"})
    shell = shutil.which("sh")
    assert shell is not None
    assert elsewhere.works("health", "--json").json["status"] == "healthy"


def test_the_shell_completes_commands_and_names_of_jobs(command: Command, installed: Installation) -> None:
    """A service that is away completes nothing, silently."""
    installed.make_job(name="Completed")
    for words, wanted in (("bot-scheduler jo", "jobs"), ("bot-scheduler jobs show Comp", "Completed")):
        shell = {"_BOT_SCHEDULER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        assert wanted in command(**shell).out.split()
        away = command(**shell, BOT_SCHEDULER_URL=f"http://127.0.0.1:{find_free_port()}")
        assert away.err == "" and ("Completed" not in away.out)


def test_every_command_has_help_with_its_options(command: Command) -> None:
    """And the first page tells the exit codes, as docs/cli.md does."""
    text = command.works("--help").out
    told = (ROOT / "docs" / "cli.md").read_text()
    for name in ("jobs", "history", "logs", "cancel", "preview", "contacts", "export", "apply", "health", "doctor"):
        assert name in text and f"bot-scheduler {name}" in told
    assert "6 unreachable" in text


def test_the_doctor_tells_of_data_that_went_back_and_a_clock_that_stepped_until_they_are_acknowledged(
    command: Command, installed: Installation
) -> None:
    """Also without REDIS_URL; `acknowledge` says what was acknowledged, once."""
    keys, client = installed.keys, installed.client
    now = int(client.time()[0]) * 1000
    step = {"number": 1, "by": -3_600_000, "before": now + 3_600_000, "landed": now}
    client.hset(keys.clock, mapping={"steps": json.dumps([step]), "serial": 1})
    client.hset(keys.data, mapping={"went_back_at": now, "went_back": "older", "went_back_beats": 3})
    ended = command("doctor", "--json")
    findings = found(ended.json)
    assert ended.status == 1
    assert findings["data"]["state"] == "problem" and "6 s" in findings["data"]["found"]
    assert findings["clock_steps"]["state"] == "warning" and "back by 1 h" in findings["clock_steps"]["found"]
    assert all("acknowledge" in findings[check]["advice"] for check in ("data", "clock_steps"))
    assert "back by 1 h" in command.works("health").out
    said = command.works("acknowledge").out
    assert "back by 1 h" in said and "6 s" in said
    assert "nothing" in command.works("acknowledge").out
    findings = found(command.works("doctor", "--json").json)
    assert {findings[check]["state"] for check in ("data", "clock_steps")} == {"ok"}
