"""Troubles of the service in the console, and in the metrics."""

from __future__ import annotations

import pytest
from redis import Redis

from service.domain.watching.troubles import ADVICE, Trouble
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.store.watching.trouble_store import note_troubles
from tests.support.browsing import KEY, Browser, signed_in, words
from tests.support.servers.valkey import ValkeyServer

HOSTILE = "<script>alert(1)</script>"
AS_BYTES = {"X-API-Key": KEY.encode().decode("latin-1")}
"""The key in UTF-8, as a client sends it: one character a byte (WSGI and ASGI servers read latin-1)."""


@pytest.fixture
def browser(redis_client: Redis, valkey_server: ValkeyServer) -> Browser:
    return signed_in(valkey_server.url)


def test_every_page_shows_a_trouble_while_it_lasts_and_so_do_the_metrics(browser: Browser, redis_client: Redis) -> None:
    """With what to do, and names as they are, not as markup."""
    scripts = make_scripts(redis_client, Keys(), Limits())
    pages = ("/", "/jobs", "/runs", "/contacts", "/access", "/pauses", "/calendars")
    assert not any("No scheduler is up" in words(browser.get(page)) for page in pages)
    note_troubles(scripts, [Trouble("no_scheduler", 1_800_000_000_000, f"the last heartbeat came from {HOSTILE}")])
    for page in pages:
        told = browser.get(page)
        assert "No scheduler is up: the last heartbeat came from" in words(told), page
        assert "2027-01-15 08:00:00 UTC" in told.text and HOSTILE not in told.text, page
        assert ADVICE["no_scheduler"].split(".")[0] in words(told)
    metrics = browser.get("/metrics", AS_BYTES).text
    assert 'bot_scheduler_trouble{kind="no_scheduler"} 1.0' in metrics
    assert 'bot_scheduler_trouble{kind="unsaved"} 0.0' in metrics
    redis_client.delete(Keys().troubles)
    assert not any("No scheduler is up" in words(browser.get(page)) for page in pages)
    assert 'bot_scheduler_trouble{kind="no_scheduler"} 0.0' in browser.get("/metrics", AS_BYTES).text
