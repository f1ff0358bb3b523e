"""The ledger: what was done once is never done twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from service.domain.people.contact import Contact
from service.store.keys import Keys
from service.store.ledger import LIFETIME, STANDS_MS, RedisLedger


@pytest.fixture(params=["redis_client", "fake_client"])
def client(request: pytest.FixtureRequest) -> Redis:
    """The real server and the stand-in."""
    found: Redis = request.getfixturevalue(request.param)
    return found


def ledger(client: Redis, bot: str = "birthday", run_id: str = "") -> RedisLedger:
    """One run's ledger."""
    return RedisLedger(client, Keys(), bot, run_id)


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


@pytest.mark.parametrize(("status", "taken"), [("running", False), ("failed", True), ("cancelled", True)])
def test_an_unsettled_claim_is_taken_over_once_its_run_has_ended(client: Redis, status: str, taken: bool) -> None:
    """Only by who asks for that; never from a run that may still be sending."""
    dead, other = ledger(client, run_id="a"), ledger(client, run_id="b")
    client.hset(Keys().run("a"), "status", status)
    dead.claim("x:2025")
    assert other.claim("x:2025") == "unknown"
    assert other.claim("x:2025", retake=True) == ("claimed" if taken else "unknown")
    dead.settle("x:2025", "sent")
    assert other.outcomes(["x:2025"]) == ["unknown" if taken else "sent"]
    other.settle("x:2025", "sent")
    assert dead.outcomes(["x:2025"]) == ["sent"]


def test_the_claim_of_a_run_that_is_gone_is_taken_over_after_a_minute(client: Redis) -> None:
    """Its job may have been deleted a moment ago, and it may be sending still."""
    ledger(client, run_id="gone").claim("x:2025")
    other = ledger(client, run_id="b")
    assert other.claim("x:2025", retake=True) == "unknown"
    client.pexpire(Keys().ledger("birthday", "x:2025"), LIFETIME * 1000 - STANDS_MS - 1000)
    assert other.claim("x:2025", retake=True) == "claimed"
    assert LIFETIME - 60 < client.ttl(Keys().ledger("birthday", "x:2025")) <= LIFETIME


def test_what_is_settled_is_not_taken_over(client: Redis) -> None:
    """And what is free, or one's own, is claimed as ever."""
    mine, other = ledger(client, run_id="a"), ledger(client, run_id="b")
    assert mine.claim("x:2025", retake=True) == "claimed"
    assert mine.claim("x:2025", retake=True) == "claimed"
    mine.settle("x:2025", "sent")
    assert other.claim("x:2025", retake=True) == "sent"


def test_of_many_who_take_over_one_gets_the_claim(redis_client: Redis) -> None:
    """On a real server, from many threads."""
    with ThreadPoolExecutor(8) as pool:
        for n in range(20):
            redis_client.hset(Keys().run("dead"), "status", "failed")
            ledger(redis_client, run_id="dead").claim(f"{n}")
            for taker in range(8):
                redis_client.hset(Keys().run(f"{taker}"), "status", "running")
            got = list(
                pool.map(lambda run, n=n: ledger(redis_client, run_id=f"{run}").claim(f"{n}", retake=True), range(8))
            )
            assert sorted(got) == ["claimed"] + ["unknown"] * 7


def retry(client: Redis, run_id: str, of: str) -> None:
    """A run's record, as far as it says what it repeats."""
    client.hset(Keys().run(run_id), "retry_of", of)


def test_retries_know_the_first_run(client: Redis) -> None:
    """Through as many in between as there are; a run that repeats none is its own first."""
    retry(client, "second", "first")
    retry(client, "third", "second")
    assert [ledger(client, run_id=run).first_run() for run in ("first", "second", "third")] == ["first"] * 3


def test_retries_know_the_first_run_when_those_in_between_left_the_history(client: Redis) -> None:
    """A short history forgets runs while their retry waits."""
    for run_id, of in (("second", "first"), ("third", "second"), ("fourth", "third")):
        retry(client, run_id, of)
        assert ledger(client, run_id=run_id).first_run() == "first"
        client.delete(Keys().run(of))


# One person under several ids


def somebody(client: Redis, contact_id: str, identities: str, former: str = "", **fields: str) -> Contact:
    """A contact that is known by these."""
    row = {"name": contact_id, "identities": identities, **({"former_ids": former} if former else {}), **fields}
    client.hset(Keys().contact(contact_id), mapping=row)  # type: ignore[arg-type]
    for identity in identities.split():
        held = client.get(Keys().identity(identity)) or b""
        client.set(Keys().identity(identity), " ".join([*held.decode().split(), contact_id]))  # type: ignore[union-attr]
    return Contact(contact_id, contact_id, identities=tuple(identities.split()), former_ids=tuple(former.split()))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("mx",), ("mx",), True),
        (("mx u1",), ("mx u2",), True),
        (("mx u1 b1",), ("mx u2 b1",), True),
        (("mx u1 b1",), ("mx u2 b2",), False),
        (("mx b1",), ("mx u2 b2",), True),
        (("b1",), ("b1 u2",), True),
        (("b1 u1",), ("b1 u2",), False),
        (("n1",), ("n1",), False),
        (("m1 b1",), ("m2 b1",), True),
    ],
)
@pytest.mark.parametrize("turn", ["one", "other"])
def test_a_person_is_asked_for_under_all_their_ids(
    client: Redis, one: tuple[str, ...], other: tuple[str, ...], same: bool, turn: str
) -> None:
    """By what two contacts have in common, whichever of them is claimed first; `are_same` says the same of them."""
    first, second = somebody(client, "one", *one), somebody(client, "other", *other)
    if turn == "other":
        first, second = second, first
    mine, theirs = ledger(client), ledger(client)
    assert mine.claim(f"{first.id}:2025", person=first) == "claimed"
    assert mine.claim(f"{first.id}:2025", person=first) == "claimed"
    assert theirs.outcomes([f"{second.id}:2025"], [second]) == ["unknown" if same else None]
    assert theirs.claim(f"{second.id}:2025", person=second) == ("unknown" if same else "claimed")
    mine.settle(f"{first.id}:2025", "sent")
    assert ledger(client).claim(f"{second.id}:2025", person=second) == ("sent" if same else "unknown")
    assert ledger(client).claim(f"{second.id}:2026", person=second) == "claimed"


def test_what_was_sent_to_a_merged_contact_counts(client: Redis) -> None:
    """Also for a third one that is the same as the one that it was merged into."""
    before = Contact("before", "Before", identities=("mz",))
    ledger(client).claim("before:2025", person=before)
    second = somebody(client, "other", "mx ibefore", "before")
    third = somebody(client, "third", "mx")
    assert ledger(client).outcomes(["other:2025", "third:2025"], [second, third]) == ["unknown", "unknown"]
    assert ledger(client).claim("third:2026", person=third) == "claimed"
    assert ledger(client).outcomes(["other:2026", "before:2026"], [second, before]) == ["unknown", "unknown"]


def test_addresses_tell_two_of_a_name_and_day_apart(client: Redis) -> None:
    """Where both have one now; one who has none is the same as either."""
    first = somebody(client, "one", "m1 b1", emails='["a@example.org"]')
    second = somebody(client, "other", "m2 b1", emails='["b@example.org"]')
    third = somebody(client, "third", "b1")
    assert ledger(client).claim("one:2025", person=first) == "claimed"
    assert ledger(client).outcomes(["other:2025", "third:2025"], [second, third]) == [None, "unknown"]


def test_who_was_deleted_or_merged_after_the_reading_is_asked_for_all_the_same(client: Redis) -> None:
    """By what was read, and by what is left."""
    first, second = somebody(client, "one", "mx"), somebody(client, "other", "mx")
    ledger(client).claim("one:2025", person=first)
    client.delete(Keys().contact("one"), Keys().contact("other"))
    assert ledger(client).claim("other:2025", person=second) == "unknown"
    client.delete(Keys().identity("mx"))
    client.set(Keys().identity("iother"), "one")
    assert ledger(client).claim("other:2025", person=second) == "unknown"


@pytest.mark.parametrize(("status", "taken"), [("running", False), ("failed", True)])
def test_a_claim_under_another_id_is_taken_over_once_its_run_has_ended(client: Redis, status: str, taken: bool) -> None:
    """And never before; what was settled is not."""
    first, second = somebody(client, "one", "mx"), somebody(client, "other", "mx")
    client.hset(Keys().run("a"), "status", status)
    ledger(client, run_id="a").claim("one:2025", person=first)
    mine = ledger(client, run_id="b")
    assert mine.claim("other:2025", person=second) == "unknown"
    assert mine.claim("other:2025", retake=True, person=second) == ("claimed" if taken else "unknown")
    mine.settle("other:2025", "sent")
    assert ledger(client).claim("one:2025", retake=True, person=first) == ("sent" if taken else "unknown")


def test_of_many_who_know_a_person_under_other_ids_one_gets_the_claim(redis_client: Redis) -> None:
    """On a real server, from many threads."""
    people = [somebody(redis_client, f"id{n}", f"mx u{n}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for year in range(20):
            got = list(
                pool.map(lambda one, year=year: ledger(redis_client).claim(f"{one.id}:{year}", person=one), people)
            )
            assert sorted(got) == ["claimed"] + ["unknown"] * 7
