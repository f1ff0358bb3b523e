"""Lists that are sorted, filtered and counted over everything, and never older than their request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from service.domain.run_records import Outcome
from service.errors import ValidationFailed
from service.settings import Settings
from service.store.jobs.job_rows import SORTS, JobRow, Traits
from service.store.server.connection import WebRedis, connect
from service.usecases.contacts import ContactBook
from service.usecases.lists.listed_contacts import ListedContacts
from service.usecases.lists.sorted_jobs import ORDERS, Order, SortedJobs, SortedPage
from tests.support.looping import Looping
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

TIMES = st.none() | st.integers(0, 5)
ROWS = st.lists(
    st.builds(
        JobRow, st.uuids().map(str), st.integers(0, 5), st.sampled_from(["a", "b", "c"]), TIMES, TIMES, TIMES,
        st.builds(Traits, st.sampled_from(["x", "y"]), st.just({}), st.booleans(), st.sampled_from(["ended", "broken"]),
                  st.booleans(), st.none(), st.just("")),
    ),
    max_size=12, unique_by=lambda row: row.id,
)  # fmt: skip


@given(ROWS, st.sampled_from([*SORTS]), st.sampled_from([None, *ORDERS]), st.integers(1, 7))
def test_pages_lead_through_the_whole_list_in_its_order(
    rows: list[JobRow], sort: str, order: str | None, size: int
) -> None:
    """None twice, none left out, and those without anything to sort by are last, whichever way it is sorted."""
    its = Order.asked(sort, order)
    whole = its.put(rows)
    assert sorted(row.id for row in whole) == sorted(row.id for row in rows)
    keys = [its.of(row) for row in whole]
    there = [key for key in keys if key is not None]
    assert keys[: len(there)] == sorted(there, reverse=its.down)
    seen, cursor = list[JobRow](), None
    while page := (whole if cursor is None else its.after(cursor, whole))[:size]:
        seen += page
        cursor = its.cursor(page[-1])
    assert seen == whole


@pytest.mark.parametrize("cursor", ["", "x", "é", "bnVsbA", "WzEsMiwzLDRd", "WyJuYW1lIixmYWxzZSwiYSIsMV0"])
def test_a_cursor_of_no_page_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed, match="cursor"):
        Order.asked("name", None).after(cursor, [])


def test_a_cursor_of_another_order_is_refused() -> None:
    row = JobRow("x", 1, "a", None, None, None, None, Traits("x", {}, True, "ended", False, None, ""))
    with pytest.raises(ValidationFailed, match="cursor"):
        Order.asked("name", "desc").after(Order.asked("name", "asc").cursor(row), [row])


class Web:
    """The lists of a web process, another one than the one that changes jobs.

    Args:
        loop: its event loop.
        url: its REDIS_URL.
    """

    def __init__(self, loop: Looping, url: str) -> None:
        client = connect(Settings.model_validate({"redis_url": url}), "web")
        assert isinstance(client, WebRedis)
        scripts = Rig.on(client).scripts
        self.loop, self._client = loop, client
        self.jobs, self.contacts = SortedJobs(scripts, ()), ListedContacts(scripts)

    def listed(self, sort: str | None = None, order: str | None = None, **asked: Any) -> list[str]:
        """The names of all jobs, as they are listed, in threads and on the loop alike."""
        read = partial(self.jobs.page, sort, order, limit=1000, **asked)
        page, again = self.loop.interleaved(read), self.loop.in_thread(read)
        assert (page.shown, page.total) == (again.shown, len(again.shown))
        return [job["name"] for job in page.data]

    def first(self, sort: str) -> SortedPage:
        """The page of the first job alone."""
        return self.loop.interleaved(partial(self.jobs.page, sort, limit=1))

    def people(self, wanted: str = "") -> list[str]:
        """The names of all contacts, as they are listed."""
        found = self.loop.in_thread(self.contacts.page, 1000, 0, wanted)
        assert found.total == len(found.shown)
        return [one["name"] for one in found.shown]

    def close(self) -> None:
        """Close its connections."""
        for tracked in (self.jobs._rows, self.contacts._rows):
            client = tracked.scripts.client
            assert isinstance(client, WebRedis)
            self.loop.interleaved(client.shared.close)
        self.loop.interleaved(self._client.shared.close)
        self._client.close()


@pytest.fixture
def web(redis_client: Redis, valkey_server: ValkeyServer) -> Iterator[Web]:
    """A web process' lists."""
    with Looping() as loop:
        process = Web(loop, valkey_server.url)
        yield process
        process.close()


def reads(rig: Rig) -> int:
    """How many hashes were read since the server's statistics were reset."""
    stats: Any = rig.client.info("commandstats")
    return int(stats.get("cmdstat_hmget", {"calls": 0})["calls"])


def test_every_kind_of_change_is_in_the_next_list(rig: Rig, web: Web) -> None:
    """Made, renamed, switched, failed, deleted, all gone: the list is as one that is read anew."""
    ids = [rig.make_job(name=name) for name in ("Émile", "zoe", "Fritz")]
    steps = [
        lambda: rig.jobs.update(ids[1], {"name": "adam"}),
        lambda: rig.jobs.toggle(ids[0], {"enabled": False}),
        lambda: rig.runs.finish(run_id := rig.use.run_now(ids[2]), rig.start(run_id), Outcome("failed", "no")),
        lambda: rig.make_job(name="dora"),
        lambda: rig.jobs.delete(ids[2]),
        lambda: rig.client.flushall(),
        lambda: rig.make_job(name="after the flood"),
    ]
    assert web.listed("name") == ["Émile", "Fritz", "zoe"]
    for step in steps:
        step()  # type: ignore[no-untyped-call]
        plain = SortedJobs(rig.scripts, ())
        for sort in SORTS:
            expected = [job["name"] for job in plain.page(sort, limit=1000).data]
            assert web.listed(sort) == expected, sort
        for state in ("disabled", "troubled"):
            assert web.listed(state=state) == [job["name"] for job in plain.page(limit=9, state=state).data]


def test_only_what_has_changed_is_read_again(rig: Rig, web: Web) -> None:
    """The row of the one job; and the jobs that are shown."""
    ids = [rig.make_job(name=f"job {number:02}") for number in range(20)]
    assert web.first("name").total == 20
    rig.client.hset(rig.keys.job(ids[7]), "name", "a new first")
    rig.client.config_resetstat()
    page = web.first("name")
    assert (page.data[0]["name"], page.total, reads(rig)) == ("a new first", 20, 2)


def test_the_newest_failure_is_noted_whatever_follows_it(rig: Rig, web: Web) -> None:
    """Sorted by it, a job that has recovered since stands where it failed; one that never failed is last."""
    first, second, _ = (rig.make_job(name=name) for name in ("first", "second", "well"))
    for job_id, status in ((first, "failed"), (second, "failed"), (first, "success")):
        run_id = rig.use.run_now(job_id)
        rig.runs.finish(run_id, rig.start(run_id), Outcome(status, None if status == "success" else "no"))
        rig.client.hset(rig.keys.job(job_id), "last_failed_at", 1 if job_id == first else 2)
    assert web.listed("last_failure") == ["second", "first", "well"]
    assert web.listed("last_failure", "asc") == ["first", "second", "well"]
    assert web.listed(state="troubled") == ["second"]
    rig.client.hdel(rig.keys.job(second), "last_failed_at")  # as an older release leaves it
    assert web.listed("last_failure")[0] == "second"


def test_a_damaged_job_spoils_no_list(rig: Rig, web: Web) -> None:
    """It is left out; its neighbours stay."""
    before, damaged, after = (rig.make_job(name=name) for name in "abc")
    rig.client.delete(rig.keys.job(damaged))
    rig.client.set(rig.keys.job(damaged), "text")
    assert web.listed("name") == ["a", "c"] and web.listed() == ["a", "c"]
    assert list(web.loop.interleaved(web.jobs.named, [after, "x", damaged, before])) == [after, before]


def test_contacts_are_listed_by_name_and_found_by_all_that_is_known_of_them(redis_client: Redis, web: Web) -> None:
    """Those that another process has just added, changed or deleted, too."""
    rig = Rig.on(redis_client)
    book = ContactBook(redis_client, rig.keys)
    ada = book.create({"name": "ada", "emails": ["countess@example.org"]})["id"]
    book.create({"name": "Élodie", "birthday": "1990-04-12"})
    book.create({"name": "Emil", "phones": ["+44 20 7946 0000"]})
    assert web.people() == ["ada", "Élodie", "Emil"]
    assert [web.people(text) for text in ("COUNTESS", "1990", "7946", "nobody")] == [["ada"], ["Élodie"], ["Emil"], []]
    book.update(ada, {"name": "Zoe"})
    assert web.people() == ["Élodie", "Emil", "Zoe"]
    book.delete(ada)
    assert web.people() == ["Élodie", "Emil"]


def test_the_api_sorts_counts_and_leads_on(rig: Rig) -> None:
    """Whole lists and pages alike; what is no order is refused, and so are too many ids."""
    ids = {name: rig.make_job(name=name) for name in ("b", "c", "a")}
    whole = [json.loads(job)["name"] for some in rig.jobs.sorted.all("name", "desc") for job in some]
    assert whole == ["c", "b", "a"]
    page = rig.jobs.sorted.page("name", limit=2)
    rest = rig.jobs.sorted.page("name", limit=2, cursor=page.next_cursor)
    assert [job["name"] for job in (*page.data, *rest.data)] == ["a", "b", "c"]
    assert (page.total, rest.total, rest.next_cursor) == (3, 3, None)
    asked = [ids["c"], ids["a"], "unknown"]
    assert [job["name"] for job in rig.jobs.sorted.page("name", limit=9, ids=asked).data] == ["a", "c"]
    for sort, order in (("nonsense", None), (None, "down")):
        with pytest.raises(ValidationFailed):
            rig.jobs.sorted.page(sort, order, limit=1)
