"""The birthday bot on a real store and a real mail server: everybody once, and the truth about it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.errors import ChannelUnavailable
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.processes import find_free_port
from tests.support.servers.mail import Post, post_office

EXAMPLES = Path(__file__).parents[2] / "examples" / "contacts.vcf"


def born(book: ContactBook, name: str, birthday: str, address: str | None = None) -> str:
    """Puts somebody into the book and answers their id."""
    emails = [address or f"{name.lower()}@example.org"]
    return str(book.create({"name": name, "birthday": birthday, "emails": emails})["id"])


def run(client: Redis, url: str | None, now: datetime | None = None, **config: Any) -> dict[str, Any]:
    """One run of the bot on April 12 (or `now`), 2025."""
    context = Run(client, configured(BirthdayConfig, **config), message_url=url)
    if now:
        context.now = now
    return BirthdayBot().run(context)


def counted(result: dict[str, Any]) -> dict[str, int]:
    """What is not nought."""
    return {name: value for name, value in result.items() if type(value) is int and value and name != "messages_sent"}


def test_a_birthday_message_goes_out_once(redis_client: Redis, book: ContactBook, office: tuple[Post, str]) -> None:
    """The second run sends nothing; next year's sends again; the contact shows when it was messaged."""
    post, url = office
    amelia = born(book, "Amelia", "1990-04-12")
    first = run(redis_client, url)
    assert first["messages_sent"] == 1
    assert counted(first) == {"found": 1, "sent": 1}
    (message,) = post.messages
    assert (message["To"], message["Subject"]) == ("amelia@example.org", "Happy birthday, Amelia!")
    assert "35" in message.get_content()
    assert book.get(amelia)["last_messaged_at"] == "2025-04-12T08:00:00"
    assert counted(run(redis_client, url)) == {"found": 1, "already": 1}
    assert counted(run(redis_client, url, datetime(2026, 4, 12, tzinfo=UTC))) == {"found": 1, "sent": 1}
    assert len(post.messages) == 2


def test_deleting_and_importing_again_greets_nobody_twice(redis_client: Redis, office: tuple[Post, str]) -> None:
    """The id follows from the identity, and the ledger outlives the contact."""
    post, url = office
    book = ContactBook(redis_client, Keys())
    for _ in range(2):
        book.import_stream(io.BytesIO(EXAMPLES.read_bytes()))
        run(redis_client, url)
        for contact in list(book.all()):
            book.delete(contact.id)
    assert sorted(post.recipients) == ["amelia.rivers@example.org", "chidi@example.org"]


def test_who_is_in_the_book_twice_gets_one_message(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """Twice with a UID of a phone's, once without; also when an entry comes after the message, and one goes."""
    post, url = office

    def card(uid: str) -> io.BytesIO:
        lines = ("BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", "FN:Twin", "BDAY:1990-04-12", "EMAIL:twin@example.org", "")
        return io.BytesIO("\n".join((*lines[:-1], "END:VCARD", "")).encode())

    book.import_stream(card("1"))
    assert run(redis_client, url)["messages_sent"] == 1
    book.import_stream(io.BytesIO(b"name,birthday,email\nTwin,1990-04-12,Twin@example.org\n"))
    book.import_stream(card("2"))
    assert counted(run(redis_client, url)) == {"found": 2, "already": 2}
    next_year = datetime(2026, 4, 12, tzinfo=UTC)
    assert counted(run(redis_client, url, next_year)) == {"found": 2, "sent": 1, "already": 1}
    for contact in list(book.all()):
        if contact.last_messaged_at is not None:
            book.delete(contact.id)
    assert counted(run(redis_client, url, next_year)) == {"found": 1, "already": 1}
    assert len(post.messages) == 2


def test_father_and_son_of_one_name_and_address_get_a_message_each(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """Their birthdays tell them apart."""
    post, url = office
    rows = b"uid,name,birthday,email\na,John,1960-04-11,home@example.org\nb,John,1990-04-12,home@example.org\n"
    book.import_stream(io.BytesIO(rows))
    assert counted(run(redis_client, url, process_late=True)) == {"found": 2, "sent": 2}


def test_the_day_is_the_one_of_the_jobs_time_zone(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """At 23:30 UTC it is tomorrow in Tokyo."""
    born(book, "Amelia", "1990-04-12")
    late_evening = datetime(2025, 4, 11, 23, 30, tzinfo=UTC)
    assert counted(run(redis_client, office[1], late_evening)) == {}
    assert counted(run(redis_client, office[1], late_evening.astimezone(ZoneInfo("Asia/Tokyo")))) == {
        "found": 1,
        "sent": 1,
    }


def test_what_the_limit_left_over_is_taken_up_by_the_next_run(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """Today's first, then the late ones, the oldest last; what was sent does not count as left over."""
    post, url = office
    for name, birthday in (("Old", "--04-06"), ("Recent", "--04-11"), ("Today", "--04-12"), ("Zoe", "--04-12")):
        born(book, name, birthday)
    config: dict[str, Any] = {"process_late": True, "max_messages_per_run": 2}
    assert counted(run(redis_client, url, **config)) == {"found": 4, "sent": 2, "left_over": 2}
    assert post.recipients == ["today@example.org", "zoe@example.org"]
    assert counted(run(redis_client, url, **config)) == {"found": 4, "sent": 2, "already": 2}
    assert post.recipients[2:] == ["recent@example.org", "old@example.org"]
    assert "6 days ago" in post.messages[3].get_content()
    assert counted(run(redis_client, url, **config)) == {"found": 4, "already": 4}


def test_a_rehearsal_sends_writes_and_claims_nothing(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """It shows whom it would write what, on whatever day, as the live run would do it."""
    post, url = office
    ids = [born(book, name, "1990-05-02") for name in ("A", "B", "C")]
    before = {key: redis_client.dump(key) for key in redis_client.keys("*")}
    result = run(redis_client, url, dry_run=True, today="2025-05-02", max_messages_per_run=2)
    assert (result["messages_sent"], result["would_send"], result["left_over"]) == (0, 2, 1)
    assert result["messages"][0] == {
        "contact_id": ids[0],
        "name": "A",
        "to": "a@example.org",
        "subject": "Happy birthday, A!",
        "body": result["messages"][0]["body"],
    }
    assert "35" in result["messages"][0]["body"]
    assert post.messages == []
    assert {key: redis_client.dump(key) for key in redis_client.keys("*")} == before


def test_a_rehearsal_needs_no_channel_and_shows_a_hundred(redis_client: Redis, book: ContactBook) -> None:
    """With MESSAGE_URL unset it shows the e-mail addresses; a live run names the setting."""
    for n in range(120):
        born(book, f"P{n}", "--04-12")
    result = run(redis_client, None, dry_run=True, max_messages_per_run=500)
    assert (result["found"], result["would_send"], len(result["messages"])) == (120, 120, 100)
    with pytest.raises(ChannelUnavailable, match="MESSAGE_URL"):
        run(redis_client, None)
    assert redis_client.keys("*:ledger:*") == []


@pytest.mark.parametrize(
    ("config", "message_url", "alert_url", "told"),
    [
        ({}, None, None, ["MESSAGE_URL is not set, so no message can be sent"]),
        ({}, "nonsense", None, ["URL 1 of MESSAGE_URL is not usable"]),
        ({}, "json://127.0.0.1/{email} nonsense", None, ["URL 2 of MESSAGE_URL is not usable"]),
        ({}, "json://127.0.0.1/{email}", None, None),
        ({"deliver_to": "me"}, None, None, ["ALERT_URL is not set, so no message can be sent to you"]),
        ({"deliver_to": "me"}, None, "json://127.0.0.1 nonsense", ["URL 2 of ALERT_URL is not usable"]),
        ({"deliver_to": "me"}, "nonsense", "json://127.0.0.1", None),
    ],
)
def test_a_rehearsal_warns_of_what_would_keep_a_live_run_from_sending(
    redis_client: Redis,
    book: ContactBook,
    config: dict[str, Any],
    message_url: str | None,
    alert_url: str | None,
    told: list[str] | None,
) -> None:
    """It shows the messages all the same."""
    born(book, "Amelia", "--04-12")
    context = Run(
        redis_client, configured(BirthdayConfig, dry_run=True, **config), message_url=message_url, alert_url=alert_url
    )
    result = BirthdayBot().run(context)
    warnings = result.get("warnings")
    assert (warnings and [warning.partition(":")[0] for warning in warnings]) == told
    assert result["found"] == 1 and (message_url == "nonsense" or result["would_send"] == 1)


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    "url", ["mailto://127.0.0.1?to={mail}", "json://127.0.0.1/{email} mailto://127.0.0.1?to={mail}"]
)
def test_a_url_that_names_no_field_of_a_contact_fails_a_rehearsal_as_a_live_run(
    redis_client: Redis, book: ContactBook, dry_run: bool, url: str
) -> None:
    """Nobody can say who would be reached; also where another URL is tried before."""
    book.create({"name": "Amelia", "birthday": "--04-12"})
    with pytest.raises(ChannelUnavailable, match=r"of MESSAGE_URL names \{mail\}, which no contact has"):
        run(redis_client, url, dry_run=dry_run)


def test_who_has_no_address_is_counted_apart(redis_client: Redis, book: ContactBook, office: tuple[Post, str]) -> None:
    """And does not use up the limit."""
    book.create({"name": "Alone", "birthday": "--04-12"})
    born(book, "Zoe", "--04-12")
    result = run(redis_client, office[1], max_messages_per_run=1)
    assert counted(result) == {"found": 2, "sent": 1, "skipped_no_address": 1}


def test_one_refused_recipient_does_not_stop_the_others(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """It is told with its reason, not counted as sent, and tried again once the address is mended."""
    post, url = office
    bad = born(book, "Amelia", "--04-12", "bad@example.org")
    born(book, "Zoe", "--04-12")
    result = run(redis_client, url)
    assert result["messages_sent"] == 1
    assert counted(result) == {"found": 2, "sent": 1, "failed": 1}
    (failure,) = result["failures"]
    assert (failure["contact_id"], failure["name"]) == (bad, "Amelia")
    assert "550 no such user here" in failure["reason"]
    book.update(bad, {"emails": ["amelia@example.org"]})
    assert counted(run(redis_client, url)) == {"found": 2, "sent": 1, "already": 1}
    assert post.recipients == ["zoe@example.org", "amelia@example.org"]


def test_a_message_that_may_have_gone_out_is_not_sent_again(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """It is reported as unknown, by this run and by every later one."""
    post, url = office
    born(book, "Amelia", "--04-12", "drop@example.org")
    for _ in range(2):
        result = run(redis_client, url)
        assert result["messages_sent"] == 0
        assert counted(result) == {"found": 1, "unknown": 1}
        assert result["failures"][0]["name"] == "Amelia"
    assert post.recipients == ["drop@example.org"]


def test_an_unreachable_channel_fails_the_run_and_claims_nothing(redis_client: Redis, book: ContactBook) -> None:
    """The reason names the trouble; the next run greets everybody."""
    for name in ("Amelia", "Zoe"):
        born(book, name, "--04-12")
    dead = f"mailto://127.0.0.1:{find_free_port()}?from=me@example.org&to={{email}}"
    with pytest.raises(ChannelUnavailable, match="refused") as failure:
        run(redis_client, dead)
    assert redis_client.keys("*:ledger:*") == []
    assert counted(failure.value.result) == {"found": 2, "left_over": 2}  # type: ignore[attr-defined]
    with post_office() as (post, url):
        run(redis_client, url)
        assert sorted(post.recipients) == ["amelia@example.org", "zoe@example.org"]


def test_a_run_that_is_asked_to_stop_returns_what_it_has_done(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """Between two contacts; the rest is left over for the next run."""
    for n in range(5):
        born(book, f"P{n}", "--04-12")
    context = Run(redis_client, configured(BirthdayConfig), message_url=office[1], stops_after=2)
    result = BirthdayBot().run(context)
    assert counted(result) == {"found": 5, "sent": 2, "left_over": 3}
    assert counted(run(redis_client, office[1])) == {"found": 5, "sent": 3, "already": 2}


def test_a_run_cut_short_while_sending_leaves_unknown_and_tells_its_counts(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """As a time-out does it; who was done stays done, who was not tried is free."""

    class Interrupted(BaseException):
        """What a run's end of time raises."""

    for n in range(3):
        born(book, f"P{n}", "--04-12")
    context = Run(redis_client, configured(BirthdayConfig), message_url=office[1])

    class Stops:
        """A ledger that is interrupted right after the second claim."""

        claims = 0

        def claim(self, key: str, **how: Any) -> str:
            stands = str(inner.claim(key, **how))
            self.claims += 1
            if self.claims == 2:
                raise Interrupted
            return stands

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    inner, context.ledger = context.ledger, Stops()
    with pytest.raises(Interrupted) as end:
        BirthdayBot().run(context)
    result = end.value.result  # type: ignore[attr-defined]
    assert (result["messages_sent"], counted(result)) == (1, {"found": 3, "sent": 1, "unknown": 1, "left_over": 1})
    assert "cut short" in result["failures"][0]["reason"]
    assert counted(run(redis_client, office[1])) == {"found": 3, "sent": 1, "already": 1, "unknown": 1}
    assert len(office[0].messages) == 2


def test_runs_that_overlap_greet_nobody_twice(redis_client: Redis, book: ContactBook, office: tuple[Post, str]) -> None:
    """Four at once."""
    post, url = office
    for n in range(12):
        born(book, f"P{n}", "--04-12")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: run(redis_client, url, max_messages_per_run=50), range(4)))
    assert sum(result["messages_sent"] for result in results) == 12
    assert sorted(post.recipients) == sorted(f"p{n}@example.org" for n in range(12))


def test_todays_among_many_are_found_without_a_scan(redis_client: Redis, book: ContactBook) -> None:
    """What it costs follows what is found: the commands do not grow with the address book."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = "\n".join(f"P{n},{(start + timedelta(days=n % 366)).date()},p{n}@example.org" for n in range(366 * 5))
    book.import_stream(io.BytesIO(f"name,birthday,email\n{rows}\n".encode()))
    redis_client.config_resetstat()
    result = run(redis_client, None, dry_run=True)
    assert result["found"] == 5
    stats = redis_client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items()}
    assert calls.get("hgetall") == 5
    assert not {"scan", "keys", "sscan", "zrange"} & set(calls)


def test_the_settings_are_described_in_plain_words() -> None:
    """They stand in the API's answer and in the console's form."""
    fields = BirthdayConfig.model_json_schema()["properties"]
    for name in ("leap_day", "deliver_to", "on_unknown_delivery"):
        assert "(the default)" in fields[name]["description"]
    assert fields["max_messages_per_run"]["description"].startswith("The most messages per run")
