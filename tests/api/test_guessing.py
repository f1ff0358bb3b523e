"""Wrong keys: what they are answered, what one process keeps of them, what it tells."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import falcon
import pytest

from service.errors import StoreUnavailable
from service.store.guesses import Counted, Report
from service.web.http.throttling.guesses import FREE, LONGEST_DELAY, MOST_DELAYED, REPORT_SECONDS, Guesses, delay_of
from service.web.http.throttling.senders import TrustedProxies
from service.web.http.throttling.tally import MOST_SENDERS, Tally
from service.web.http.throttling.telling import KEPT, LINES, NAMED, Telling


class Store:
    """Counts as Redis does for one process; `away` for a while, if told so."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.away = False

    def count(self, report: Report, now: float) -> Counted:
        """Takes a report."""
        if self.away:
            raise StoreUnavailable("Redis cannot be reached")
        self.reports.append(report)
        counts = {sender: sum(one.counts.get(sender, 0) for one in self.reports) for sender in report.counts}
        return Counted(int(now * 1000), counts, dict.fromkeys(counts, 0))

    @property
    def total(self) -> int:
        """How many wrong keys were reported."""
        return sum(sum(one.counts.values()) + one.unnamed for one in self.reports)


def request(address: str, forwarded: str | None = None) -> Any:
    """A request as far as its sender is asked for."""
    return SimpleNamespace(remote_addr=address, get_header=lambda _: forwarded)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long whom was made to wait; nobody waits."""
    found: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        found.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    return found


def run(work: Callable[[], Any]) -> None:
    asyncio.run(work())


def test_answers_slow_down_behind_the_free_ones_up_to_a_second(slept: list[float]) -> None:
    """Each one a little more; another sender does not notice."""
    delays = [delay_of(number) for number in range(1, 1000)]
    assert delays == sorted(delays) and set(delays[:FREE]) == {0} and delays[FREE] > 0 and max(delays) == LONGEST_DELAY

    async def guess() -> None:
        guesses = Guesses(clock=lambda: 60.0)
        for address in ["192.0.2.1"] * (FREE + 3) + ["192.0.2.2"] * FREE:
            await guesses.refuse(request(address))

    run(guess)
    assert [seconds for seconds in slept if seconds != REPORT_SECONDS] == delays[FREE : FREE + 3]


def test_no_more_than_so_many_answers_wait_at_once() -> None:
    """Those beyond are sent at once, so that guessing takes up no more connections."""
    guesses = Guesses(most_delayed=3, clock=lambda: 60.0)

    async def guess() -> None:
        for _ in range(FREE):
            await guesses.refuse(request("192.0.2.1"))
        waiting = [asyncio.create_task(guesses.refuse(request("192.0.2.1"))) for _ in range(10)]
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 7 and len(pending) == 3
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await guesses.refuse(request("192.0.2.2"))
        assert guesses._delayed == 0

    run(guess)
    assert MOST_DELAYED < 4096 / 10


def test_only_a_limit_makes_it_429_and_says_until_when(slept: list[float]) -> None:
    """The end of the minute; until then the contract's 401 is what follows."""
    guesses = Guesses(limit=2, clock=lambda: 75.5)

    async def guess() -> None:
        for _ in range(2):
            await guesses.refuse(request("192.0.2.1"))
        with pytest.raises(falcon.HTTPTooManyRequests) as refused:
            await guesses.refuse(request("192.0.2.1"))
        assert refused.value.headers == {"Retry-After": "45"}
        await guesses.refuse(request("192.0.2.2"))

    run(guess)


def test_each_wrong_key_is_reported_once_also_when_redis_was_away(slept: list[float]) -> None:
    """A report that Redis has not taken is sent again as it was, because Redis may have counted it."""
    store, sent = Store(), list[Report]()
    guesses = Guesses(lambda report, now: sent.append(report) or store.count(report, now), clock=lambda: 60.0)  # type: ignore[func-returns-value]

    async def guess() -> None:
        store.away = True
        await guesses.refuse(request("192.0.2.1"))
        await guesses.report()
        await guesses.refuse(request("192.0.2.2"))
        await guesses.report()
        store.away = False
        await guesses.process_shutdown(None, None)
        await guesses.report()

    run(guess)
    assert store.total == 2
    assert len({one.number for one in sent if one.counts == {"192.0.2.1": 1}}) == 1
    assert [one.number for one in store.reports] == [1, 2]


def test_the_forwarded_address_counts_behind_a_trusted_proxy(slept: list[float]) -> None:
    """And a network of IPv6 is one sender."""
    store = Store()
    guesses = Guesses(store.count, TrustedProxies((ip_network("127.0.0.1"),)), clock=lambda: 60.0)

    async def guess() -> None:
        for number in range(5):
            await guesses.refuse(request("127.0.0.1", f"6.6.6.6, 2001:db8::{number}"))
        await guesses.process_shutdown(None, None)

    run(guess)
    assert {sender for one in store.reports for sender in one.counts} == {"2001:db8::/64"} and store.total == 5


def test_a_tally_of_many_senders_is_bounded_and_loses_none() -> None:
    """The one that sends much stays in it, in between."""
    tally, loud = Tally(), 0
    for number in range(20_000):
        tally.add(f"2001:db8:{number:x}::/64", 60.0)
        if number % 10 == 0:
            loud = tally.add("192.0.2.1", 60.0)
    assert loud == 2000
    sheet = tally.take()
    assert sheet.total == 22_000 and len(sheet.counts) == MOST_SENDERS and sheet.counts["192.0.2.1"] == 2000
    assert not tally.is_unreported and tally.take().total == 0


def test_a_tally_counts_each_minute_anew_and_learns_of_the_others() -> None:
    """What other processes have counted is added; what was not reported yet is not lost."""
    tally = Tally()
    assert [tally.add("a", 60.0) for _ in range(2)] == [1, 2]
    tally.take()
    tally.add("a", 60.0)
    tally.learn({"a": 50}, 60.0)
    assert tally.add("a", 60.0) == 52
    assert tally.add("a", 120.0) == 1
    assert tally.take().counts == {"a": 3}


def told(*notes: tuple[float, str], counted: Counted | None = None) -> list[str]:
    """The lines about these senders, each at its time."""
    lines = list[str]()
    telling = Telling(lines.append)
    for now, group in itertools.groupby(notes, key=lambda note: note[0]):
        for _, sender in group:
            telling.note(sender)
        telling.tell(counted, now)
    return lines


def test_a_sender_is_named_once_a_minute() -> None:
    """In the next one with the number of the minute before, if Redis knows it."""
    assert told((60, "a"), (61, "a"), (119, "a"), counted=Counted(0)) == ["Wrong API keys were refused from a"]
    before = Counted(0, {"a": 1}, {"a": 1333})
    assert told((60, "a"), counted=before) == ["Wrong API keys were refused from a (1,333 in the minute before)"]
    assert len(told((60, "a"), (120, "a"))) == 2


def test_a_sender_that_another_process_has_named_is_not_named_again() -> None:
    """Redis knows."""
    assert told((60, "a"), (60, "b"), counted=Counted(0, named_by_others=frozenset("a"))) == [
        "Wrong API keys were refused from b"
    ]


def test_many_senders_make_few_short_lines() -> None:
    """However many there are."""
    notes = [(60 + number // 1000, f"sender {number}") for number in range(20_000)]
    lines = told(*notes)
    assert len(lines) == LINES and lines[-1].endswith("; others are not named in this minute")
    assert (
        lines[0] == "Wrong API keys were refused from " + ", ".join(f"sender {n}" for n in range(NAMED)) + " and others"
    )
    telling = Telling()
    for _, sender in notes:
        telling.note(sender)
    assert len(telling._waiting) == KEPT
