"""From an address book on a real CardDAV server to contacts, through real processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from tests.support.installation import Installation
from tests.support.servers.address_books import person, radicale
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]


def test_a_job_keeps_contacts_in_step(valkey_server: ValkeyServer, redis_client: Redis, tmp_path: Path) -> None:
    """The API describes the bot, a run fills the contacts, a rehearsal shows what the next one would do, and neither
    the password nor the address is anywhere."""
    with radicale(tmp_path) as server:
        path = server.make_book("people", "People")
        for uid in ("a", "b"):
            server.put(f"{path}{uid}.vcf", person(uid, "BDAY:1990-04-12"))
        with Installation(tmp_path, valkey_server, CONTACTS_URL=server.url(), LOG_LEVEL="DEBUG") as installation:
            installation.start("web", "scheduler", "worker").until_healthy()
            _, bots = installation.call("GET", "/bots")
            (described,) = [bot for bot in bots if bot["name"] == "contacts_sync"]
            assert set(described["config_schema"]["properties"]) == {"dry_run", "address_book"}
            hourly = {"schedule_type": "interval", "schedule_config": {"hours": 1}}
            odd = {"name": "odd", "bot_type": "contacts_sync", **hourly, "bot_config": {"url": "https://example.org"}}
            status, answer = installation.call("POST", "/jobs", odd)
            assert (status, "bot_config.url" in answer["detail"]) == (400, True), "no job chooses the address"
            job = installation.make_job(bot_type="contacts_sync")
            _, run = installation.call("POST", f"/jobs/{job}/run?wait=25")
            assert (run["status"], run["result"]["created"]) == ("success", 2), run
            _, contacts = installation.call("GET", "/contacts")
            assert [(contact["name"], contact["source"]) for contact in sorted(contacts, key=lambda c: c["name"])] == [
                ("a", "carddav"), ("b", "carddav"),
            ]  # fmt: skip
            server.delete(f"{path}b.vcf")
            _, rehearsal = installation.call("POST", f"/jobs/{job}/run?wait=25", {"bot_config": {"dry_run": True}})
            assert [change["name"] for change in rehearsal["result"]["changes"]] == ["b"]
            logs = "".join(installation.log(name) for name in installation.processes)
        kept = b" ".join(redis_client.dump(key) or b"" for key in redis_client.scan_iter())
        for secret in (
            "ge:heim",
            "ge%3Aheim",
            "YWRhQGV4YW1wbGUub3JnOmdlOmhlaW0v",
            "ada@example.org",
            "ada%40example.org",
        ):
            assert secret not in logs
        assert b"heim" not in kept
