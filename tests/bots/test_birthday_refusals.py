"""What a birthday run makes of a mail server that refuses: for now, for good, or that breaks off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.bots.birthday.letters import LettersRefused
from service.domain.run_records import Outcome
from service.errors import ChannelUnavailable
from service.store.keys import Keys
from service.store.runs.stored_outcome import stored_outcome
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.mail import post_office
from tests.support.servers.picky_post import BREAKS, Picky

RETRY = "2f0e9a52-6d0e-4c1e-9d7a-0b8c8f6f6a22"


class World:
    """An address book, a mail server, and runs."""

    def __init__(self, client: Redis, post: Picky, url: str) -> None:
        self.client, self.post, self.url = client, post, url
        self.book = ContactBook(client, Keys())
        self.context = self.make()

    def born(self, *names: str, **fields: Any) -> list[str]:
        """People whose birthday it is."""
        people = [{"name": name, "birthday": "--04-12", "emails": [f"{name}@example.org"]} | fields for name in names]
        return [str(self.book.create(body)["id"]) for body in people]

    def born_as_many(self, count: int) -> list[str]:
        """So many people, up to ten. Returns their names, in order."""
        names = [f"a{number}" for number in range(count)]
        self.born(*names)
        return names

    def store_name(self, contact_id: str, name: str) -> None:
        """Names somebody as no release takes it in."""
        self.client.hset(Keys().contact(contact_id), "name", name)

    def make(self, run_id: str | None = None, limit: float = 3600.0, **config: Any) -> Run:
        """A context whose time passes while it waits."""
        context = Run(self.client, configured(BirthdayConfig, **config), message_url=self.url, limit=limit)
        context.alert_url = self.url.replace("{email}", "me@example.org")
        if run_id is not None:
            context.run_id = run_id
            context.__post_init__()
        return context

    def run(self, run_id: str | None = None, **options: Any) -> dict[str, Any]:
        """One run; what it told and for how long it waited is in `context`."""
        self.context = self.make(run_id, **options)
        return BirthdayBot().run(self.context)

    def failed(self, run_id: str | None = None, **options: Any) -> tuple[str, dict[str, Any]]:
        """One run that fails: its error and its result."""
        with pytest.raises(LettersRefused) as failure:
            self.run(run_id, **options)
        return str(failure.value), failure.value.result  # type: ignore[attr-defined]

    def retry_of(self, first: str) -> str:
        """Makes the next run one that repeats `first`. Returns its id."""
        self.client.hset(Keys().run(RETRY), "retry_of", first)
        return RETRY

    @property
    def claimed(self) -> int:
        """Entries of the ledger."""
        return len(self.client.keys("*:ledger:*"))


@pytest.fixture
def world(redis_client: Redis) -> Iterator[World]:
    """An empty one."""
    post = Picky()
    with post_office(post) as (_, url):
        yield World(redis_client, post, url)


def counted(result: dict[str, Any]) -> dict[str, int]:
    """What is not nought."""
    return {name: value for name, value in result.items() if type(value) is int and value and name != "messages_sent"}


# refused for now


@pytest.mark.parametrize(
    ("at", "reply"),
    [
        ("rcpt", "450 4.2.0 greylisted, come back later"),
        ("rcpt", "451 4.3.0 try again later"),
        ("rcpt", "452 4.2.2 mailbox full"),
        ("rcpt", "421 4.7.0 too many"),
        ("rcpt", "471 whatever"),
        ("rcpt", BREAKS),
        ("data", "421 4.3.2 shutting down"),
        ("data", "451 greylisted"),
        ("data", "452 out of space"),
        ("data", "450 mailbox busy"),
    ],
)
@pytest.mark.parametrize(("times", "waits"), [(1, [60]), (2, [60, 300]), (3, [60, 300, 900])])
def test_a_letter_that_is_refused_for_now_is_tried_again_within_the_run(
    world: World, at: str, reply: str, times: int, waits: list[float]
) -> None:
    """After 1, 5 and 15 minutes, each from the last refusal; then the run is a success as any other."""
    world.born("amelia")
    world.post.refuse("amelia", reply, times, at)
    assert counted(world.run()) == {"found": 1, "sent": 1}
    assert world.context.waits == waits
    assert (world.post.tried, world.post.taken) == (["amelia"] * (times + 1), ["amelia"])
    assert counted(world.run()) == {"found": 1, "already": 1}


@pytest.mark.parametrize(("at", "reply"), [("rcpt", "450 greylisted"), ("data", "451 greylisted")])
def test_a_run_in_which_letters_stay_refused_is_failed_and_says_how_many(world: World, at: str, reply: str) -> None:
    """After the fourth try; a retry takes up exactly those, since the ledger has the others."""
    world.born("amelia", "ben", "cleo", "dora")
    for name in ("amelia", "cleo"):
        world.post.refuse(name, reply, at=at)
    error, result = world.failed()
    assert error.startswith(
        "2 of 4 letters were refused for now and could not be sent: amelia and cleo: the mail server refused "
    )
    assert reply in error
    assert counted(result) == {"found": 4, "sent": 2, "deferred": 2}
    assert [(failure["name"], failure["reason"].partition(":")[0]) for failure in result["failures"]] == [
        ("amelia", "refused for now"), ("cleo", "refused for now"),
    ]  # fmt: skip
    assert world.context.waits == [60, 300, 900] and world.context.told == {}
    assert world.claimed == 2
    world.post.tried.clear()
    world.post.relent()
    assert counted(world.run(world.retry_of(world.context.run_id))) == {"found": 4, "sent": 2, "already": 2}
    assert world.post.tried == ["amelia", "cleo"]


def test_the_counts_are_kept_however_many_are_refused(world: World) -> None:
    """A result that is too long would be cut as a whole."""
    names = [f"{'É' * 100} {number}" for number in range(60)]
    for number, name in enumerate(names):
        world.book.create({"name": name, "birthday": "--04-12", "emails": [f"p{number}@example.org"]})
        world.post.refuse(f"p{number}", "450 greylisted")
    _, result = world.failed(max_messages_per_run=100, limit=10.0)
    kept = json.loads(stored_outcome(Outcome("failed", None, result))["result"])
    assert (kept["found"], kept["deferred"]) == (60, 60)
    assert 5 < len(kept["failures"]) < 60


def test_one_letter_is_spoken_of_as_one(world: World) -> None:
    """In plain words."""
    world.born("amelia")
    world.post.refuse("amelia", "452 mailbox full")
    assert world.failed()[0].startswith("1 of 1 letter was refused for now and could not be sent: amelia: the mail ")


@pytest.mark.parametrize(
    ("count", "named"),
    [(2, "a0 and a1"), (3, "a0, a1 and a2"), (4, "a0, a1, a2 and 1 more"), (9, "a0, a1, a2 and 6 more")],
)
@pytest.mark.parametrize(
    ("reply", "verdict"),
    [("450 later", "refused for now and could not be sent"), ("550 no", "nobody could be greeted")],
)
def test_a_failed_run_names_up_to_three_whose_letters_were_refused(
    world: World, count: int, named: str, reply: str, verdict: str
) -> None:
    """The alert has the error's words, and nobody should have to look the people up; the others are counted."""
    for name in world.born_as_many(count):
        world.post.refuse(name, reply)
    assert f"{verdict}: {named}: the mail server refused " in world.failed(limit=10.0)[0]


@pytest.mark.parametrize("reply", ["450 later", "550 no"])
def test_a_name_in_the_error_is_one_short_line_without_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch, reply: str
) -> None:
    """Names are the words of strangers, also those that an earlier release or another program has stored."""
    monkeypatch.setenv("BOT_SECRET_CRM", "sesame-open-sesame")
    ids = world.born("a", "b", "c")
    world.store_name(ids[0], "Eve\n450 all is well\u202e\x1b[2J")
    world.store_name(ids[1], "F" + "x" * 199)
    world.store_name(ids[2], f"Greta {'y' * 26} sesame-open-sesame")
    for name in "abc":
        world.post.refuse(name, reply)
    error, _ = world.failed(limit=10.0)
    named = error.partition("be sent: " if reply < "5" else "greeted: ")[2].partition(": the mail server")[0]
    assert named == f"Eve 450 all is well [2J, F{'x' * 38}… and Greta {'y' * 26} [BOT_S…"


def test_others_are_not_held_up_by_one_that_waits(world: World) -> None:
    """All are tried before the first pause is waited for."""
    world.born("amelia", "ben", "cleo")
    world.post.refuse("amelia", "450 greylisted", 1)
    at: list[list[str]] = []
    world.context = world.make()
    world.context.meanwhile = lambda: at.append(list(world.post.taken))
    assert counted(BirthdayBot().run(world.context)) == {"found": 3, "sent": 3}
    assert at == [["ben", "cleo"]]
    assert world.post.tried == ["amelia", "ben", "cleo", "amelia"]
    assert world.context.steps[-1] == (3, 3) and world.context.steps == sorted(world.context.steps)


@pytest.mark.parametrize(
    ("limit", "waits"), [(89.0, []), (90.0, [60]), (389.0, [60]), (390.0, [60, 300]), (1290.0, [60, 300, 900])]
)
def test_the_time_of_the_run_bounds_the_tries(world: World, limit: float, waits: list[float]) -> None:
    """It ends as soon as no further try has time, and not by its time-out."""
    world.born("amelia")
    world.post.refuse("amelia", "450 greylisted")
    _, result = world.failed(limit=limit)
    assert counted(result) == {"found": 1, "deferred": 1}
    assert world.context.waits == waits


def test_a_run_that_is_stopped_while_it_waits_heeds_that_and_claims_nothing(world: World) -> None:
    """It returns what it has done, as any run that is stopped; the next one takes up the rest."""
    world.born("amelia", "ben")
    world.post.refuse("amelia", "450 greylisted", 1)
    context = world.make()

    def stop() -> None:
        context.stops_after = 0

    context.meanwhile = stop
    assert counted(BirthdayBot().run(context)) == {"found": 2, "sent": 1, "deferred": 1}
    assert (context.waits, world.claimed) == ([60], 1)
    assert counted(world.run()) == {"found": 2, "sent": 1, "already": 1}


def test_a_run_that_is_cut_short_while_it_waits_leaves_nothing_unknown(world: World) -> None:
    """As a time-out, or the death of its worker, does it."""

    class Interrupted(BaseException):
        """What a run's end of time raises."""

    def interrupt() -> None:
        raise Interrupted

    world.born("amelia", "ben")
    world.post.refuse("amelia", "450 greylisted", 1)
    context = world.make()
    context.meanwhile = interrupt
    with pytest.raises(Interrupted) as end:
        BirthdayBot().run(context)
    assert counted(end.value.result) == {"found": 2, "sent": 1, "deferred": 1}  # type: ignore[attr-defined]
    assert world.claimed == 1
    assert counted(world.run()) == {"found": 2, "sent": 1, "already": 1}


def test_another_run_may_send_what_waits_and_nobody_gets_two(world: World) -> None:
    """The first one finds it in the ledger when its pause is over."""
    world.born("amelia")
    world.post.refuse("amelia", "450 greylisted", 1)
    context, other = world.make(), []
    context.meanwhile = lambda: other.append(counted(world.run()))
    assert counted(BirthdayBot().run(context)) == {"found": 1, "already": 1}
    assert other == [{"found": 1, "sent": 1}]
    assert world.post.taken == ["amelia"]


def test_a_letter_that_waits_keeps_its_place_within_the_limit(world: World) -> None:
    """Who comes later in order is not greeted in its stead, as it would not be without the refusal."""
    world.born("amelia", "ben", "cleo")
    world.post.refuse("amelia", "450 greylisted", 1)
    assert counted(world.run(max_messages_per_run=2)) == {"found": 3, "sent": 2, "left_over": 1}
    assert world.post.taken == ["ben", "amelia"]


def test_a_letter_that_is_given_up_makes_room_for_the_next(world: World) -> None:
    """Somebody whose mailbox is full for a week starves nobody."""
    world.born("amelia", "ben", "cleo", "dora")
    world.post.refuse("amelia", "452 mailbox full")
    error, result = world.failed(max_messages_per_run=2)
    assert error.startswith("1 of 3 letters was refused for now")
    assert counted(result) == {"found": 4, "sent": 2, "deferred": 1, "left_over": 1}
    assert world.post.taken == ["ben", "cleo"]


def test_a_channel_that_goes_away_while_letters_wait_fails_the_run(redis_client: Redis) -> None:
    """With what was done until then; nothing is claimed, and the next run greets."""
    post = Picky()
    with ExitStack() as office:
        _, url = office.enter_context(post_office(post))
        world = World(redis_client, post, url)
        world.born("amelia", "ben", "cleo")
        for name in ("amelia", "cleo"):
            post.refuse(name, "450 greylisted", 1)
        context = world.make()
        context.meanwhile = office.close
        with pytest.raises(ChannelUnavailable) as failure:
            BirthdayBot().run(context)
    result = failure.value.result  # type: ignore[attr-defined]
    assert counted(result) == {"found": 3, "sent": 1, "deferred": 2}
    assert world.claimed == 1
    with post_office(post) as (_, world.url):
        assert counted(world.run()) == {"found": 3, "sent": 2, "already": 1}


def test_the_log_says_when_the_next_try_is(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Of each refusal, and of the wait; in UTC whatever the job's time zone is, as the stamps beside it are."""
    world.born("amelia")
    world.post.refuse("amelia", "450 greylisted")
    context = world.make()
    context.now = datetime(2025, 4, 12, 3, 30, tzinfo=ZoneInfo("Asia/Kolkata"))
    with caplog.at_level("INFO", logger="tests.bots"), pytest.raises(LettersRefused):
        BirthdayBot().run(context)
    said = [record.getMessage() for record in caplog.records if "efused for now" in record.getMessage()]
    assert [re.sub(r": the mail.*", "", line) for line in said] == [
        "amelia: refused for now, tried again in 1 min",
        "Refused for now: 1; the next try is at 22:01:00 UTC, in 1 min",
        "amelia: refused for now, tried again in 5 min",
        "Refused for now: 1; the next try is at 22:06:00 UTC, in 5 min",
        "amelia: refused for now, tried again in 15 min",
        "Refused for now: 1; the next try is at 22:21:00 UTC, in 15 min",
        "amelia: refused for now, and not tried again in this run",
    ]


@pytest.mark.parametrize(("passed", "told"), [(35.0, "less than a minute"), (20.0, "1 min"), (0.2, "1 min")])
def test_the_log_counts_the_minutes_from_now(
    world: World, caplog: pytest.LogCaptureFixture, passed: float, told: str
) -> None:
    """Not from the refusal: the other letters take their time."""
    world.born("amelia", "ben")
    world.post.refuse("amelia", "450 greylisted", 1)
    context = world.make()

    def pass_time() -> None:
        context.elapsed = passed

    world.post.before_taking = pass_time
    with caplog.at_level("INFO", logger="tests.bots"):
        BirthdayBot().run(context)
    assert f"Refused for now: 1; the next try is at 08:01:00 UTC, in {told}" in caplog.messages


def test_a_digest_that_is_refused_for_now_is_tried_again_too(world: World) -> None:
    """Without a claim meanwhile; refused to the last, the run fails and the next one tells."""
    world.born("amelia")
    world.post.refuse("me", "450 greylisted", 2)
    claimed: list[int] = []
    context = world.make(deliver_to="me")
    context.meanwhile = lambda: claimed.append(world.claimed)
    assert counted(BirthdayBot().run(context)) == {"found": 1, "sent": 1}
    assert (context.waits, claimed, world.post.taken) == ([60, 300], [0, 0], ["me"])
    world.born("ben")
    world.post.refuse("me", "450 greylisted")
    with pytest.raises(ChannelUnavailable, match=r"ALERT_URL did not take the message: .*450 greylisted") as failure:
        world.run(deliver_to="me")
    assert counted(failure.value.result) == {"found": 2, "already": 1, "left_over": 1}  # type: ignore[attr-defined]
    assert (world.context.waits, world.claimed) == ([60, 300, 900], 1)
    context = world.make(deliver_to="me")

    def stop() -> None:
        context.stops_after = 0

    context.meanwhile = stop
    assert counted(BirthdayBot().run(context)) == {"found": 2, "already": 1, "left_over": 1}
    world.post.relent()
    assert counted(world.run(deliver_to="me")) == {"found": 2, "sent": 1, "already": 1}


def test_a_server_that_breaks_off_after_it_had_the_text_leaves_it_unknown(world: World) -> None:
    """It is neither tried again nor failed: it may have arrived. The others are sent, by another connection."""
    world.born("amelia", "ben")
    world.post.refuse("amelia", BREAKS, at="data")
    assert counted(world.run()) == {"found": 2, "sent": 1, "unknown": 1}
    assert (world.post.tried, world.context.waits, world.context.told) == (["amelia", "ben"], [], {})


# refused for good


@pytest.mark.parametrize(
    ("at", "reply"),
    [
        ("rcpt", "550 5.1.1 no such user"),
        ("rcpt", "551 moved away"),
        ("rcpt", "553 5.1.3 bad mailbox"),
        ("data", "554 looks like spam"),
        ("data", "552 too large"),
        ("data", "550 not for you"),
    ],
)
def test_a_recipient_that_is_refused_for_good_fails_alone_and_is_told(world: World, at: str, reply: str) -> None:
    """It is tried once; the run is a success, since somebody else was served."""
    (amelia, _) = world.born("amelia", "ben")
    world.post.refuse("amelia", reply, at=at)
    result = world.run()
    assert counted(result) == {"found": 2, "sent": 1, "failed": 1}
    assert world.post.tried == ["amelia", "ben"] and world.context.waits == []
    ((once, text),) = world.context.told.items()
    assert text.startswith("amelia (amelia@example.org) got no birthday message: the mail server refused the ")
    assert reply in text and amelia in once


@pytest.mark.parametrize(
    ("people", "refused", "fails"),
    [
        ({"amelia": "550"}, "1 of 1 letter was refused, and nobody could be greeted: ", True),
        ({"amelia": "550", "ben": "554"}, "2 of 2 letters were refused, and nobody could be greeted: ", True),
        ({"amelia": "550", "ben": "nowhere"}, "1 of 1 letter was refused, and nobody", True),
        ({"amelia": "550", "ben": "dead"}, "1 of 1 letter was refused, and nobody", True),
        ({"amelia": "550", "drop": "250"}, "1 of 2 letters was refused, and nobody", True),
        ({"amelia": "550", "ben": "250"}, "", False),
        ({"amelia": "550", "ben": "already"}, "", False),
        ({"amelia": "nowhere", "ben": "dead"}, "", False),
        ({"drop": "250"}, "", False),
        ({}, "", False),
        ({"amelia": "450", "ben": "550"}, "1 of 2 letters was refused for now and could not be sent: ", True),
        ({"amelia": "450", "ben": "already"}, "1 of 1 letter was refused for now", True),
        ({"amelia": "450", "ben": "dead"}, "1 of 1 letter was refused for now", True),
    ],
)
def test_a_run_is_failed_if_nobody_could_be_served_or_somebody_may_be_later(
    world: World, people: dict[str, str], refused: str, fails: bool
) -> None:
    """Who was greeted by an earlier run counts as served; who is not known to be, who is dead and who has no address
    does not."""
    fields: dict[str, dict[str, Any]] = {"nowhere": {"emails": []}, "dead": {"deceased": True}}
    for name in sorted(people, key=lambda name: people[name] != "already"):
        world.born(name, **fields.get(people[name], {}))
        if people[name] == "already":
            world.run()
        elif people[name] in ("450", "550", "554"):
            world.post.refuse(name, f"{people[name]} no")
    if fails:
        error, result = world.failed()
        assert error.startswith(refused)
    else:
        result = world.run()
    assert result["found"] == len(people)


def test_a_rehearsal_fails_over_nobody_and_tells_nobody(world: World) -> None:
    """It asks no server."""
    world.born("amelia")
    world.post.refuse("amelia", "550 no such user")
    assert world.run(dry_run=True)["would_send"] == 1
    assert (world.post.tried, world.context.told) == ([], {})


def test_a_retry_does_not_try_again_what_is_refused_for_good(world: World) -> None:
    """It takes up exactly what was refused for now; what it did not try is told and counted again."""
    world.born("amelia", "ben", "cleo")
    world.post.refuse("amelia", "550 no such user")
    world.post.refuse("ben", "450 greylisted")
    _, result = world.failed()
    assert counted(result) == {"found": 3, "sent": 1, "failed": 1, "deferred": 1}
    before, first = world.context.told, world.context.run_id
    world.post.tried.clear()
    world.post.rcpt.pop("ben")
    result = world.run(world.retry_of(first))
    assert counted(result) == {"found": 3, "sent": 1, "failed": 1, "already": 1}
    assert world.post.tried == ["ben"]
    assert world.context.told == before
    assert "550 no such user" in result["failures"][0]["reason"]


def test_a_retry_tries_an_address_that_was_mended_meanwhile(world: World) -> None:
    """And the next run, that is no retry, tries the old one again: a server may change its mind."""
    (amelia, ben) = world.born("amelia", "ben")
    for name in ("amelia", "ben"):
        world.post.refuse(name, "550 no such user")
    world.failed()
    retry = world.retry_of(world.context.run_id)
    world.book.update(amelia, {"emails": ["mended@example.org"]})
    world.post.tried.clear()
    assert counted(world.run(retry)) == {"found": 2, "sent": 1, "failed": 1}
    assert world.post.tried == ["mended"]
    world.post.relent()
    assert counted(world.run()) == {"found": 2, "sent": 1, "already": 1}
    assert ben and world.post.taken == ["mended", "ben"]


def test_what_is_told_is_the_same_for_the_same_contact_and_reason(world: World) -> None:
    """Another reason, another address or another contact is something else; ids that the server puts in are not."""
    (amelia, _) = world.born("amelia", "zoe")
    keys: list[str] = []
    for reply in ("550 5.1.1 unknown x1y2-z3", "550 5.1.1 unknown a9b8-c7", "554 5.7.1 blocked a9b8-c7"):
        world.post.refuse("amelia", reply)
        world.run()
        keys += world.context.told
    assert keys[0] == keys[1] != keys[2]
    world.book.update(amelia, {"emails": ["other@example.org"]})
    world.post.refuse("other", "550 5.1.1 unknown x1y2-z3")
    world.run()
    assert [*world.context.told] != keys[:1]


def test_a_template_that_fails_for_somebody_is_told_as_well(world: World) -> None:
    """Nobody would ever greet them, and the run may be a success."""
    own = {"*": {"on_time": "Hello\n\n{{ 1 // (name|length - 6) }}"}}
    world.born("amelia")
    assert "nobody could be greeted: amelia: the job's template for *" in world.failed(templates=own)[0]
    world.born("zoe")
    assert counted(world.run(templates=own)) == {"found": 2, "sent": 1, "failed": 1}
    (text,) = world.context.told.values()
    assert text.startswith("amelia (amelia@example.org) got no birthday message: the job's template for * cannot")
