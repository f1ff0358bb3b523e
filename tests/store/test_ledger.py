"""The ledger: what was done once is never done twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from service.keys import Keys
from service.store.ledger import LIFETIME, RedisLedger


@pytest.fixture(params=["redis_client", "fake_client"])
def client(request: pytest.FixtureRequest) -> Redis:
    """The real server and the stand-in."""
    found: Redis = request.getfixturevalue(request.param)
    return found


def ledger(client: Redis, bot: str = "birthday") -> RedisLedger:
    """One run's ledger."""
    return RedisLedger(client, Keys(), bot)


def test_a_claim_is_taken_once(client: Redis) -> None:
    """Another run finds it unknown until it is settled, and then its outcome."""
    mine, other = ledger(client), ledger(client)
    assert mine.claim("a:2025") == "claimed"
    assert other.claim("a:2025") == "unknown"
    mine.settle("a:2025", "sent")
    assert other.claim("a:2025") == "sent"
    assert other.outcomes(["a:2025", "b:2025"]) == ["sent", None]
    assert ledger(client, "other").claim("a:2025") == "claimed"


def test_a_claim_made_again_is_recognised(client: Redis) -> None:
    """The answer to the first may have been lost."""
    mine = ledger(client)
    assert mine.claim("a:2025") == "claimed"
    assert mine.claim("a:2025") == "claimed"


def test_a_released_claim_is_free_again(client: Redis) -> None:
    """As if it had never been claimed."""
    mine, other = ledger(client), ledger(client)
    mine.claim("a:2025")
    mine.settle("a:2025", "released")
    assert client.keys("*") == []
    assert other.claim("a:2025") == "claimed"


def test_nobody_settles_anothers_claim(client: Redis) -> None:
    """Neither to an outcome nor to release it; and what is settled stays."""
    mine, other = ledger(client), ledger(client)
    mine.claim("a:2025")
    other.settle("a:2025", "sent")
    other.settle("a:2025", "released")
    assert other.claim("a:2025") == "unknown"
    mine.settle("a:2025", "sent")
    mine.settle("a:2025", "released")
    assert other.claim("a:2025") == "sent"


def test_entries_outlast_a_year_and_then_go(client: Redis) -> None:
    """400 days, claimed or settled."""
    mine = ledger(client)
    mine.claim("a:2025")
    assert LIFETIME - 60 < client.ttl(Keys().ledger("birthday", "a:2025")) <= LIFETIME
    mine.settle("a:2025", "sent")
    assert LIFETIME - 60 < client.ttl(Keys().ledger("birthday", "a:2025")) <= LIFETIME


def test_of_many_at_once_one_gets_the_claim(redis_client: Redis) -> None:
    """On a real server, from many threads."""
    with ThreadPoolExecutor(8) as pool:
        for n in range(20):
            got = list(pool.map(lambda _, n=n: ledger(redis_client).claim(f"{n}"), range(8)))
            assert sorted(got) == ["claimed"] + ["unknown"] * 7
