"""Writes down what an installation of this release keeps in Redis: `python -m tests.store.make_fixture FILE`.

Each line of the file is one key as JSON, so that people can read it: its name, type, the ms until it goes (null: never)
and its value. `tests/store/fixtures/version_1.jsonl` was made by the first release; a migration is tested on it. It is
never made again: a new version of what is kept gets a new file.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.support.dumps import dump
from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.address_books import person, radicale
from tests.support.servers.mail import post_office
from tests.support.servers.valkey import ValkeyServer


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
        with ValkeyServer(folder, "--appendonly", "no") as server:
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
    target.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
