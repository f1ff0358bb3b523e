"""Writes down what an installation of this release keeps in Redis: `python -m tests.store.make_fixture FILE`.

Each line of the file is one key as JSON, so that people can read it: its name, type, the ms until it goes (null: never)
and its value. `tests/store/fixtures/version_1.jsonl` was made by the first release; a migration is tested on it. It is
never made again: a new version of what is kept gets a new file.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redis import Redis

from tests.bots.address_books import person, radicale
from tests.bots.rig import post_office
from tests.conftest import ValkeyServer
from tests.process.installation import ROOT, Installation, until

PRESENCE = re.compile(r".*:(leader|schedulers|workers)|rq:workers?(:.*)?")
"""Keys of running processes; there are none where it is restored."""
HOST = "host.example.org"


def dump(client: Any) -> Iterator[dict[str, Any]]:
    """Every key but those of running processes, in the order of their names."""
    for name in sorted(client.scan_iter()):
        if not PRESENCE.fullmatch(name.decode()):
            kind = client.type(name).decode()
            ttl = client.pttl(name)
            yield {
                "key": name.decode(),
                "type": kind,
                "ttl": ttl if ttl >= 0 else None,
                "value": _read(client, name, kind),
            }


def _read(client: Any, name: bytes, kind: str) -> Any:
    if kind == "string":
        return _text(client.get(name) or b"")
    if kind == "hash":
        return {_text(field): _text(value) for field, value in sorted(client.hgetall(name).items())}
    if kind == "list":
        return [_text(value) for value in client.lrange(name, 0, -1)]
    if kind == "set":
        return sorted(_text(member) for member in client.smembers(name))
    if kind == "zset":
        return [[_text(member), score] for member, score in client.zrange(name, 0, -1, withscores=True)]
    if kind == "stream":
        return [
            [entry.decode(), {_text(f): _text(v) for f, v in fields.items()}] for entry, fields in client.xrange(name)
        ]
    raise TypeError(f"{name!r} is a {kind}")


def load(client: Redis, lines: Iterable[str]) -> None:
    """Restores what was written down."""
    for row in map(json.loads, lines):
        name, value = row["key"], row["value"]
        match row["type"]:
            case "string":
                client.set(name, _bytes(value))
            case "hash":
                client.hset(name, mapping={_bytes(field): _bytes(text) for field, text in value.items()})
            case "list":
                client.rpush(name, *map(_bytes, value))
            case "set":
                client.sadd(name, *map(_bytes, value))
            case "zset":
                client.zadd(name, {_bytes(member): score for member, score in value})
            case "stream":
                for entry, fields in value:
                    client.xadd(name, {_bytes(f): _bytes(v) for f, v in fields.items()}, id=entry)
        if row["ttl"] is not None:
            client.pexpire(name, row["ttl"])


def _text(data: bytes) -> str:
    try:
        return data.decode().replace(socket.gethostname(), HOST).replace(str(ROOT), "/app")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.removeprefix("base64:")) if text.startswith("base64:") else text.encode()


def live(installed: Installation) -> None:
    """Lets an installation do a little of everything."""
    today = datetime.now(UTC)
    installed.start("web", "scheduler", "worker").until_healthy()
    people = (("Robin Example", f"1992-{today:%m-%d}"), ("Zoë Other", "--04-13"), ("Kim Third", "2001-12-24"))
    cards = "".join(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nEMAIL:{name.split()[0].lower()}@example.org\r\nBDAY:{day}\r\n"
        f"URL:https://example.org/{name.split()[0]}\r\nEND:VCARD\r\n"
        for name, day in people
    )
    assert installed.call("POST", "/contacts/import", cards.encode())[0] == 200
    daily = {"hour": 8, "minute": 30, "timezone": "Europe/Berlin"}
    jobs = {
        "birthday": installed.make_job(
            name="Greetings", bot_type="birthday", schedule_type="daily", schedule_config=daily
        ),
        "visitor": installed.make_job(
            name="Visits", bot_type="visitor", schedule_type="weekly", bot_config={"dry_run": True},
            schedule_config={"day_of_week": "mon,thu", "hour": 9, "minute": 0},
        ),
        "contacts_sync": installed.make_job(
            name="Address book", bot_type="contacts_sync", schedule_type="cron",
            schedule_config={"cron_expression": "15 */6 * * *"}, options={"jitter_seconds": 60},
        ),
        "ticking": installed.make_job(name="Ticks", schedule_config={"seconds": 1}),
    }  # fmt: skip
    for name in ("birthday", "visitor", "contacts_sync"):
        status, run = installed.call("POST", f"/jobs/{jobs[name]}/run?wait=25")
        assert (status, run["status"]) == (200, "success"), run
    talk = installed.make_job(name="Talks", bot_config={"mode": "talk"}, enabled=False)
    installed.until_status(talk, installed.run_now(talk), "success")
    failing = installed.make_job(
        name="Fails", bot_config={"mode": "raise"}, options={"max_retries": 3, "retry_delay_seconds": 3600}
    )
    installed.until_status(failing, installed.run_now(failing), "failed")
    slow = installed.make_job(name="Slow", bot_config={"seconds": 60.0, "mode": "heed"})
    cancelled = installed.run_now(slow)
    installed.until_status(slow, cancelled, "running")
    installed.call("POST", f"/jobs/{slow}/runs/{cancelled}/cancel")
    installed.until_status(slow, cancelled, "cancelled")
    until(lambda: len(installed.history(jobs["ticking"])) >= 3, 30)
    installed.call("POST", f"/jobs/{jobs['ticking']}/toggle", {"enabled": False})
    body = {"name": "Once", "bot_type": "probe", "schedule_type": "interval", "schedule_config": {"hours": 1}}
    assert installed.call("POST", "/jobs", body, headers={"Idempotency-Key": "a key"})[0] == 201
    installed.kill("worker")
    for _ in range(2):  # one that holds the slot, and one that waits for it
        installed.run_now(talk)


def main(target: Path) -> None:
    """Makes the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "radicale").mkdir()
        server = ValkeyServer(folder, "--appendonly", "no")
        try:
            with radicale(folder / "radicale") as book, post_office() as (_, message_url):
                path = book.make_book("people", "People")
                book.put(f"{path}a.vcf", person("a", "BDAY:1990-04-12", "EMAIL:a@example.org"))
                book.put(f"{path}b.vcf", person("b", "BDAY:--04-13"))
                url = book.url(path)
                with Installation(folder, server, MESSAGE_URL=message_url, CONTACTS_URL=url) as installed:
                    live(installed)
                    installed.terminate_all()
                    for process in installed.processes.values():
                        process.wait(30)
            rows = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in dump(server.client())]
        finally:
            server.stop()
    target.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
