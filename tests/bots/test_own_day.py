"""Birthday and visitor runs work for the day of their occurrence, whenever they get to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from redis import Redis

from bot_scheduler import RunFailed, Skip
from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.bots.birthday.letters import LettersRefused
from service.bots.visitor.bot import VisitorConfig
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.mail import Post, post_office
from tests.support.servers.picky_post import Picky
from tests.support.servers.sites import Hasty, Site, html

EVENING = datetime(2025, 4, 12, 23, 50, tzinfo=UTC)
NIGHT = EVENING + timedelta(minutes=20)


def born(book: ContactBook, name: str, birthday: str) -> None:
    book.create({"name": name, "birthday": birthday, "emails": [f"{name.lower()}@example.org"]})


def context(
    client: Redis, url: str, now: datetime, scheduled_for: datetime | None, trigger: str | None = None, **config: Any
) -> Run:
    """One run of the bot, in the zone of `now`."""
    made = Run(client, configured(BirthdayConfig, **config), now=now, message_url=url, run_id=str(uuid4()))
    made.scheduled_for, made.trigger = scheduled_for, trigger
    return made


def run(*args: Any, **named: Any) -> dict[str, Any]:
    return BirthdayBot().run(context(*args, **named))


def greeted(post: Post) -> list[tuple[str, str]]:
    return [(message["To"].partition("@")[0], message["Subject"]) for message in post.messages]


@pytest.fixture
def three(book: ContactBook) -> None:
    """Born the day before, on the day, and the day after."""
    for name, day in (("Ada", 11), ("Ben", 12), ("Cleo", 13)):
        born(book, name, f"1990-04-{day}")


@pytest.mark.usefixtures("three")
def test_a_run_that_waited_past_midnight_greets_nobody_and_says_so(
    redis_client: Redis, office: tuple[Post, str]
) -> None:
    """Neither those of its own day, which is over, nor those of the new day, who are the next run's."""
    post, url = office
    with pytest.raises(Skip, match="its day, 2025-04-12, is over, so nobody is greeted; process_late would greet late"):
        run(redis_client, url, NIGHT, EVENING)
    assert post.messages == []
    assert run(redis_client, url, NIGHT + timedelta(hours=8), NIGHT)["sent"] == 1
    assert greeted(post) == [("cleo", "Happy birthday, Cleo!")]


@pytest.mark.usefixtures("three")
def test_a_run_that_is_late_on_its_own_day_greets(redis_client: Redis, office: tuple[Post, str]) -> None:
    """Its day is still today."""
    post, url = office
    assert run(redis_client, url, EVENING, EVENING - timedelta(hours=15))["sent"] == 1
    assert greeted(post) == [("ben", "Happy birthday, Ben!")]


@pytest.mark.usefixtures("three")
def test_with_process_late_its_day_is_greeted_late(redis_client: Redis, office: tuple[Post, str]) -> None:
    """In late words, up to max_days_late; those of today in words of today."""
    post, url = office
    result = run(redis_client, url, NIGHT, EVENING, process_late=True, max_days_late=1)
    assert result["sent"] == 2
    (today, late) = greeted(post)
    assert today == ("cleo", "Happy birthday, Cleo!")
    assert late[0] == "ben" and late[1] != "Happy birthday, Ben!"


@pytest.mark.usefixtures("three")
def test_a_day_that_is_over_for_too_long_is_not_greeted(
    redis_client: Redis, office: tuple[Post, str], caplog: pytest.LogCaptureFixture
) -> None:
    """The run greets those who still are in time, and its log says so."""
    post, url = office
    result = run(redis_client, url, NIGHT + timedelta(days=1), EVENING, process_late=True, max_days_late=1)
    assert result["sent"] == 1
    assert [to for to, _ in greeted(post)] == ["cleo"]
    assert "The day of this run, 2025-04-12, is over for more than max_days_late" in caplog.text


@pytest.mark.usefixtures("three")
def test_a_retry_past_midnight_fails_for_good(redis_client: Redis, office: tuple[Post, str]) -> None:
    """The first attempt has failed, so that somebody may have got nothing: people are told."""
    post, url = office
    with pytest.raises(RunFailed, match="could not be completed in time: its day, 2025-04-12, is over") as failure:
        run(redis_client, url, NIGHT, EVENING, "retry")
    assert failure.value.final
    assert post.messages == []


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("late", [False, True])
def test_a_run_by_hand_takes_today(redis_client: Redis, office: tuple[Post, str], late: bool) -> None:
    """It has no occurrence."""
    post, url = office
    assert run(redis_client, url, NIGHT, None, process_late=late)["sent"] == (3 if late else 1)
    assert greeted(post)[0] == ("cleo", "Happy birthday, Cleo!")


@pytest.mark.usefixtures("three")
def test_an_occurrence_whose_day_has_not_come_greets_nobody(redis_client: Redis, office: tuple[Post, str]) -> None:
    """It was moved to an earlier day; nobody is greeted too early."""
    with pytest.raises(Skip, match="its day, 2025-04-13, has not come yet"):
        run(redis_client, office[1], EVENING, NIGHT)
    assert office[0].messages == []


@pytest.mark.usefixtures("three")
def test_a_rehearsal_of_a_day_is_for_that_day(redis_client: Redis, office: tuple[Post, str]) -> None:
    """Whatever the occurrence."""
    result = run(redis_client, office[1], NIGHT, EVENING, dry_run=True, today="2025-04-11")
    assert [message["name"] for message in result["messages"]] == ["Ada"]


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Kiritimati", 13), ("Europe/Berlin", 13), ("UTC", 12), ("America/Los_Angeles", 12)]
)
@pytest.mark.usefixtures("three")
def test_the_day_is_that_of_the_jobs_zone(redis_client: Redis, office: tuple[Post, str], zone: str, day: int) -> None:
    """One instant, and its day by the clocks there."""
    post, url = office
    its = datetime(2025, 4, 12, 22, 30, tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert run(redis_client, url, its, its)["sent"] == 1
    assert [to for to, _ in greeted(post)] == [{12: "ben", 13: "cleo"}[day]]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("late", [False, True])
def test_a_letter_that_waits_past_midnight_is_late_then(redis_client: Redis, late: bool) -> None:
    """It was refused for now at 23:59:30. Where nobody is greeted late, the run fails and names who got nothing."""
    picky = Picky()
    picky.refuse("ben", "451 4.3.0 try again later", times=1)
    with post_office(picky) as (post, url):
        made = context(redis_client, url, NIGHT - timedelta(minutes=10, seconds=30), EVENING, process_late=late)
        if late:
            assert BirthdayBot().run(made)["sent"] == 2
            subjects = dict(greeted(post))
            assert (subjects["ben"], subjects["ada"]) == (
                "Happy belated birthday, Ben!",
                "Happy belated birthday, Ada!",
            )
        else:
            with pytest.raises(LettersRefused, match=r"1 of 1 letter was refused for now and could not be sent: Ben"):
                BirthdayBot().run(made)
            assert post.messages == []
        assert made.waits == [60]


@pytest.mark.usefixtures("three")
def test_people_whose_turn_comes_after_midnight_are_left_over(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str], caplog: pytest.LogCaptureFixture
) -> None:
    """The run says so, and counts them."""
    post, url = office
    born(book, "Bob", "1980-04-12")
    made = context(redis_client, url, NIGHT - timedelta(minutes=10, seconds=1), EVENING)
    taken = post.handle_DATA

    async def slow(*args: Any) -> str:
        made.elapsed += 2
        return await taken(*args)

    post.handle_DATA = slow  # type: ignore[method-assign, assignment]
    result = BirthdayBot().run(made)
    assert (result["sent"], result["left_over"], result["found"]) == (1, 1, 2)
    assert "Nobody else is greeted: 2025-04-12 is over" in caplog.text


def test_a_digest_that_waits_past_midnight_is_late_then(redis_client: Redis, book: ContactBook) -> None:
    """It names the people as of its sending, and nobody if nobody is greeted late."""
    for late in (True, False):
        picky = Picky()
        picky.refuse("me", "451 4.3.0 try again later", times=1)
        born(book, f"Ben{late}", "1990-04-12")
        with post_office(picky) as (post, url):
            made = context(redis_client, url, NIGHT - timedelta(minutes=10, seconds=30), EVENING, process_late=late,
                           deliver_to="me")  # fmt: skip
            made.alert_url = url.replace("{email}", "me@example.org")
            result = BirthdayBot().run(made)
            assert made.waits == [60]
            assert (result["sent"], result["left_over"]) == ((1, 0) if late else (0, 1))
            assert len(post.messages) == (1 if late else 0)


@settings(
    max_examples=40, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(
    begin=st.sampled_from([
        datetime(2024, 2, 26, 9, 0), datetime(2025, 2, 26, 23, 55), datetime(2025, 3, 28, 2, 30),
        datetime(2025, 10, 24, 2, 30), datetime(2025, 12, 29, 23, 59),
    ]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Kiritimati"]),
    late=st.booleans(), most=st.integers(1, 3), leap_day=st.sampled_from(["feb28", "mar1"]),
    runs=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from([0, 0, 1, 600, 40_000, 100_000, 300_000]), st.booleans()),
        max_size=8,
    ),
)  # fmt: skip
def test_whatever_is_late_nobody_is_greeted_twice_early_or_too_late(
    redis_client: Redis, begin: datetime, zone: str, late: bool, most: int, leap_day: str,
    runs: list[tuple[int, int, bool]],
) -> None:  # fmt: skip
    """Runs of the days' occurrences in any order, delayed by seconds or days, retried; leap days and clock changes."""
    redis_client.flushall()
    book, local = ContactBook(redis_client, Keys()), ZoneInfo(zone)
    days = [begin.date() + timedelta(days=n) for n in range(-3, 12)]
    people = {f"p{n}": f"1984-{day:%m-%d}" for n, day in enumerate(days)} | {"leap": "1984-02-29"}
    for name, birthday in people.items():
        born(book, name, birthday)
    sent: dict[tuple[str, int], date] = {}
    with post_office(Post()) as (post, url):
        for number, delay, is_retry in sorted(runs, key=lambda one: one[0] * 86_400 + one[1]):
            occurrence = (begin + timedelta(days=number)).replace(tzinfo=local)
            now = datetime.fromtimestamp(occurrence.timestamp() + delay, local)
            post.messages.clear()
            its: dict[str, Any] = {"process_late": late, "max_days_late": most, "leap_day": leap_day}
            try:
                run(redis_client, url, now, occurrence, "retry" if is_retry else None, max_messages_per_run=100, **its)
            except (Skip, RunFailed):
                assert not late and now.date() != occurrence.date()
            else:
                assert late or now.date() == occurrence.date()
            for name, subject in greeted(post):
                day = celebrated(people[name], now.date(), leap_day)
                days_late = (now.date() - day).days
                assert 0 <= days_late <= (most if late else 0), (name, day, now)
                assert ("belated" in subject) is (days_late > 0)
                assert (name, day.year) not in sent
                sent[name, day.year] = now.date()
            if late or now.date() == occurrence.date():
                back = most if late else 0
                for name, birthday in people.items():
                    day = celebrated(birthday, now.date(), leap_day)
                    assert (now.date() - day).days > back or (name, day.year) in sent, (name, day, now)


def celebrated(birthday: str, today: date, leap_day: str) -> date:
    """The latest day up to today on which somebody celebrates."""
    month, day = int(birthday[5:7]), int(birthday[8:])
    for year in (today.year, today.year - 1):
        try:
            found = date(year, month, day)
        except ValueError:
            found = date(year, 2, 28) if leap_day == "feb28" else date(year, 3, 1)
        if found <= today:
            return found
    raise AssertionError


def test_the_visitor_names_its_day_and_visits_all_the_same(
    redis_client: Redis, book: ContactBook, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Pages come in the order of their last visit, so that a late run does no harm and leaves nothing out."""
    site.answers["/ada"] = html("one")
    contact = book.create({"name": "Ada", "urls": [f"{site.address}/ada"]})["id"]
    made = Run(redis_client, configured(VisitorConfig), now=NIGHT, bot="visitor")
    made.scheduled_for = EVENING
    with caplog.at_level("INFO"):
        result = Hasty().run(made)
    assert (result["day"], result["profiles_visited"]) == ("2025-04-12", 1)
    assert book.get(contact)["last_visited_at"] == "2025-04-13T00:10:00"
    assert "its day, 2025-04-12, is over" in caplog.text
    made.scheduled_for, made.config = None, configured(VisitorConfig, dry_run=True)
    assert Hasty().run(made)["day"] == "2025-04-13"
