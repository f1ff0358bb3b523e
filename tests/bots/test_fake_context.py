"""The contract of `bot_scheduler.Context`: what a test's context promises, and a real run's keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from redis import Redis

from bot_scheduler import (
    Bot,
    Contact,
    Contacts,
    Context,
    Ledger,
    Memory,
    Person,
    Secrets,
    ServiceError,
    Window,
)
from bot_scheduler.testing import FakeClock, FakeContact, FakeContext, FakeRun, LogLine
from service.bots.support.address_book import AddressBook
from service.bots.support.bot_settings import BotSettings
from service.bots.support.secrets import Vault, names_in
from service.domain.people import contact as domain
from service.domain.plain_json import plain
from service.domain.run_records import Outcome
from service.settings import Settings
from service.store.contacts import ContactStore, Write
from service.store.keys import Keys
from service.store.ledger import RedisLedger
from service.store.memory import RedisMemory
from service.store.runs.stored_outcome import stored_outcome
from service.usecases.contacts import ContactBook
from service.worker.notes import RunLog
from service.worker.run_context import News, RunContext, RunTime, StopFlag

NOW = datetime(2025, 4, 12, 8, 0, tzinfo=UTC)
AMELIA = FakeContact("a" * 32, "Amelia Rivers", birthday="1990-04-12", emails=("amelia@example.org",))
BEN = FakeContact("b" * 32, "Ben Okri", birthday="--12-24", urls=("mailto:ben@example.org", "https://example.org/ben"))
SECRETS = {
    "BOT_SECRET_CRM": "sesame-open-1",
    "BOT_SECRET_BOUND": "only-for-one-host",
    "BOT_SECRET_BOUND_HOSTS": "crm.example.org, *.example.net",
    "BOT_SECRET_PLACE": "https://crm.example.org/x",
    "BOT_SECRET_OTHER": "of-another-job-alone",
    "ALERT_URL": "json://alerts.example.org/",
}


class ProbeConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    tokens: list[str] = []
    count: int = 1


class ProbeBot:
    """Does what a test asks."""

    name: ClassVar[str] = "probe"
    description: ClassVar[str] = "Does what a test asks."
    Config: ClassVar[type[BaseModel]] = ProbeConfig
    uses_settings: ClassVar[tuple[str, ...]] = ("ALERT_URL", "BOT_SECRET_CRM")
    safe_to_rerun: ClassVar[bool] = True
    doing: Callable[[Context], Any] = lambda context: {"now": context.now.isoformat()}

    def run(self, context: Context) -> dict[str, Any]:
        result: dict[str, Any] = type(self).doing(context)
        return result


class Runs(Protocol):
    """Makes the contexts of an installation's runs, one after the other or beside each other."""

    def run(self, retry_of: Any = None) -> Any: ...
    def end(self, context: Any) -> None: ...
    def cancel(self, context: Any) -> None: ...
    def lines(self, context: Any) -> list[LogLine]: ...
    def steps(self, context: Any) -> list[tuple[int, int]]: ...
    def told(self, context: Any) -> list[str]: ...


CONFIG = {"tokens": ["env:BOT_SECRET_BOUND", "env:BOT_SECRET_PLACE", "env:BOT_SECRET_UNSET"]}


class Fakes:
    """Those of `FakeContext`."""

    def __init__(self) -> None:
        settings = {"alert_url": SECRETS["ALERT_URL"], "visitor_contact": "me@example.org"}
        self._first: FakeContext | None = FakeContext(
            ProbeBot, CONFIG, now=NOW, timezone="Europe/Berlin", contacts=[BEN, AMELIA], secrets=SECRETS,
            settings=settings,
        )  # fmt: skip
        self._any = self._first

    def run(self, retry_of: Any = None) -> FakeContext:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return (retry_of or self._any).next_run(retry=retry_of is not None)

    def end(self, context: FakeContext) -> None:
        context.end()

    def cancel(self, context: FakeContext) -> None:
        context.cancel()

    def lines(self, context: FakeContext) -> list[LogLine]:
        return context.lines

    def steps(self, context: FakeContext) -> list[tuple[int, int]]:
        return context.steps

    def told(self, context: FakeContext) -> list[str]:
        return list(context.told.values())


@dataclass
class Noted:
    """Takes the progress and the lines of a real run."""

    steps: list[tuple[int, int]] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)

    def progress(self, done: int, total: int) -> None:
        self.steps.append((done, total))

    def line(self, level: str, message: str) -> None:
        self.lines.append(LogLine(level, message))


class Reals:
    """Those of a worker's `RunContext`, over Redis."""

    def __init__(self, client: Redis) -> None:
        self._client, self._keys = client, Keys()
        self._notes: dict[str, Noted] = {}
        self._news: dict[str, News] = {}
        store = ContactStore(client, self._keys)
        names = ("name", "birthday", "emails", "urls", "source")
        store.save_many([Write(one.id, {name: getattr(one, name) for name in names}) for one in (AMELIA, BEN)])

    def run(self, retry_of: Any = None) -> RunContext:
        run_id, notes, news = str(uuid4()), Noted(), News()
        self._notes[run_id], self._news[run_id] = notes, news
        self._client.hset(self._keys.run(run_id), mapping={"status": "running"})
        if retry_of is not None:
            self._client.hset(self._keys.run(run_id), "retry_of", retry_of.run_id)
        taker: Any = notes
        run_log = RunLog(run_id, taker)
        run_log.logger.propagate = False  # pytest raises an error where a line cannot be formatted
        declared = ProbeBot.uses_settings
        zone = ZoneInfo("Europe/Berlin")
        settings = Settings.model_validate({"alert_url": SECRETS["ALERT_URL"], "visitor_contact": "me@example.org"})
        return RunContext(
            config=ProbeConfig.model_validate(CONFIG),
            job_id="3f0b3a52-6d0e-4c1e-9d7a-0b8c8f6f6a11",
            run_id=run_id,
            run=FakeRun("schedule", Window(None, NOW)),  # the facts have their own tests, below and on the engine
            now=NOW.astimezone(zone),
            timezone=zone,
            ledger=RedisLedger(self._client, self._keys, "probe", run_id),
            memory=RedisMemory(self._client, self._keys, "probe"),
            contacts=ContactBook(self._client, self._keys),
            settings=BotSettings(settings, "probe", declared),
            secrets=Vault(SECRETS).opened().allow(names_in(CONFIG), declared),
            stop=StopFlag(),
            time=RunTime(limit=300.0),
            news=news,
            notes=notes,
            run_log=run_log,
        )

    def end(self, context: RunContext) -> None:
        self._client.hset(self._keys.run(context.run_id), "status", "failed")

    def cancel(self, context: RunContext) -> None:
        context.stop.raised = True

    def lines(self, context: RunContext) -> list[LogLine]:
        return self._notes[context.run_id].lines

    def steps(self, context: RunContext) -> list[tuple[int, int]]:
        return self._notes[context.run_id].steps

    def told(self, context: RunContext) -> list[str]:
        return list(self._news[context.run_id].items.values())


@pytest.fixture(params=["fake", "real"])
def runs(request: pytest.FixtureRequest) -> Runs:
    """The runs of either kind."""
    return Fakes() if request.param == "fake" else Reals(request.getfixturevalue("redis_client"))


# the run itself


def test_a_run_knows_itself(runs: Runs) -> None:
    """Its instant is in the job's time zone, and a retry has the first attempt's id as its origin."""
    first = runs.run()
    assert first.now == NOW
    assert first.now.isoformat() == "2025-04-12T10:00:00+02:00"
    assert first.timezone.key == "Europe/Berlin"
    assert first.config.tokens == CONFIG["tokens"]
    assert first.origin_id == first.ledger.first_run() == first.run_id
    runs.end(first)
    second = runs.run(retry_of=first)
    third = runs.run(retry_of=second)
    assert len({first.run_id, second.run_id, third.run_id}) == 3
    assert second.origin_id == third.origin_id == first.run_id
    assert runs.run().origin_id != first.run_id
    assert third.job_id == first.job_id


def test_what_a_run_logs_and_reports_is_kept(runs: Runs) -> None:
    """Lines with their levels but for debug ones, and each progress."""
    run = runs.run()
    run.log.debug("not kept")
    run.log.info("%s: written", "water the plants")
    run.log.warning("careful")
    assert runs.lines(run) == [LogLine("info", "water the plants: written"), LogLine("warning", "careful")]
    run.progress(0, 2)
    run.progress(1, 2)
    assert runs.steps(run) == [(0, 2), (1, 2)]


def test_a_run_that_is_asked_to_stop_waits_for_nothing(runs: Runs) -> None:
    """Before, it waits as long as it wants to, and its time passes."""
    run = runs.run()
    assert not run.cancelled
    left = run.time_left
    assert 0 < left <= 300
    assert run.wait(0)
    assert run.wait(0.01)
    assert run.elapsed >= 0.01
    assert run.time_left <= left - 0.01
    runs.cancel(run)
    assert run.cancelled
    assert not run.wait(3600)


def test_people_are_told_of_each_thing_once(runs: Runs) -> None:
    """On one line of at most 300 characters, without secrets; the first text stands."""
    run = runs.run()
    run.tell("Amelia cannot\n be reached", once="amelia")
    run.tell("something else", once="amelia")
    run.tell(f"the key is {SECRETS['BOT_SECRET_CRM']}", once="key")
    run.tell("x" * 301, once="long")
    assert runs.told(run) == ["Amelia cannot be reached", "the key is [BOT_SECRET_CRM]", "x" * 299 + "…"]


def test_a_run_that_tells_too_much_says_so_in_its_log(runs: Runs) -> None:
    """A thousand subjects, and no more."""
    run = runs.run()
    for number in range(1001):
        run.tell(f"number {number}", once=str(number))
    assert len(runs.told(run)) == 1000
    assert [line.level for line in runs.lines(run)] == ["warning"]
    assert "number 1000" in runs.lines(run)[0].message


# the ledger


def test_a_claim_is_taken_once(runs: Runs) -> None:
    """Another run finds it unknown until it is settled, and then its outcome; the same run has it all the while."""
    mine, other = runs.run().ledger, runs.run().ledger
    assert mine.claim("plants") == "claimed"
    assert mine.claim("plants") == "claimed"
    assert other.claim("plants") == "unknown"
    other.settle("plants", "stolen")
    other.settle("plants", "released")
    assert mine.outcomes(["plants", "cat"]) == ["unknown", None]
    mine.settle("plants", "written")
    assert other.claim("plants") == mine.claim("plants") == "written"
    assert other.claim("plants", retake=True) == "written"
    assert other.outcomes(["cat", "plants"]) == [None, "written"]
    assert other.outcomes([]) == []


def test_a_released_claim_is_free_again(runs: Runs) -> None:
    """As if it had never been claimed."""
    mine, other = runs.run().ledger, runs.run().ledger
    mine.claim("plants")
    mine.settle("plants", "released")
    assert mine.outcomes(["plants"]) == [None]
    assert other.claim("plants") == "claimed"


def test_an_unsettled_claim_is_retaken_once_its_run_has_ended(runs: Runs) -> None:
    """Not while it is under way; and not without being asked for."""
    dying, next_one = runs.run(), runs.run()
    dying.ledger.claim("plants")
    assert next_one.ledger.claim("plants", retake=True) == "unknown"
    runs.end(dying)
    assert next_one.ledger.claim("plants") == "unknown"
    assert next_one.ledger.claim("plants", retake=True) == "claimed"
    dying.ledger.settle("plants", "written")
    next_one.ledger.settle("plants", "written twice")
    assert next_one.ledger.outcomes(["plants"]) == ["written twice"]


def test_a_person_counts_under_all_ids(runs: Runs) -> None:
    """What was done for a contact that was merged into another is done for that one."""
    former = FakeContact("d" * 32, "Amelia Rivers")  # the address book has neither
    merged = FakeContact("c" * 32, "Amelia Rivers-Okri", former_ids=(former.id,))
    first, second = runs.run(), runs.run()
    assert first.ledger.claim(f"{former.id}:2025", person=former) == "claimed"
    assert first.ledger.claim(f"{former.id}:2025", person=former) == "claimed"
    assert second.ledger.claim(f"{merged.id}:2025", person=merged) == "unknown"
    first.ledger.settle(f"{former.id}:2025", "sent")
    assert second.ledger.claim(f"{merged.id}:2025", person=merged, retake=True) == "sent"
    assert second.ledger.claim(f"{merged.id}:2026", person=merged) == "claimed"
    assert second.ledger.outcomes([f"{merged.id}:2025", f"{BEN.id}:2025"], [merged, BEN]) == ["sent", None]
    assert second.ledger.outcomes([f"{merged.id}:2025"]) == [None]
    with pytest.raises(ValueError, match=r"shorter|longer"):
        second.ledger.outcomes(["a", "b"], [BEN])


# the memory


def test_what_is_remembered_is_recalled(runs: Runs) -> None:
    """By every run of the bot; the newest value stands, and one that is too long is not kept."""
    mine, other = runs.run().memory, runs.run().memory
    assert mine.recall("page") is None
    mine.remember("page", "blau", 60)
    mine.remember("page", "größer", 60)
    mine.remember("page", "x" * (64 * 1024 + 1), 60)
    assert other.recall("page") == mine.recall("page") == "größer"
    other.remember("short", "kept for a second at least", 0)
    assert mine.recall("short") is not None


def test_one_run_has_a_turn_at_a_time(runs: Runs) -> None:
    """Another is told how long it takes at most; whoever has it renews it, and it leaves a gap when it ends."""
    mine, other = runs.run().memory, runs.run().memory
    assert mine.take_turn("host", 60) == 0
    assert mine.take_turn("host", 60) == 0
    assert 59 < other.take_turn("host", 60) <= 60
    other.end_turn("host")
    assert 69 < other.take_turn("host", 60, gap=10) <= 70
    mine.end_turn("host")
    assert 0 < other.take_turn("host", 60, gap=10) <= 10
    assert other.take_turn("host", 60) == 0
    assert mine.take_turn("another", 60) == 0


# secrets, settings, and the address book


@pytest.mark.parametrize(
    ("value", "url", "text"),
    [
        ("plain", "https://anywhere.example", "plain"),
        ("env:BOT_SECRET_CRM", "https://anywhere.example", "sesame-open-1"),
        ("env:BOT_SECRET_CRM", None, "sesame-open-1"),
        ("env:BOT_SECRET_BOUND", "https://crm.example.org/contacts", "only-for-one-host"),
        ("env:BOT_SECRET_BOUND", "https://a.example.net:8443/", "only-for-one-host"),
    ],
)
def test_a_secret_is_had_by_its_name(runs: Runs, value: str, url: str | None, text: str) -> None:
    """If the job's config names it, or the bot declares it, and it may go there."""
    assert runs.run().secrets.text(value, url) == text


@pytest.mark.parametrize(
    ("value", "url", "says"),
    [
        ("env:HOME", None, "env:HOME"),
        ("env:BOT_SECRET_BOUND_HOSTS", None, "BOT_SECRET_BOUND_HOSTS"),
        ("env:BOT_SECRET_OTHER", None, "BOT_SECRET_OTHER .*bot_config.*uses_settings"),
        ("env:BOT_SECRET_UNSET", None, "BOT_SECRET_UNSET is not set where the worker runs"),
        ("env:BOT_SECRET_BOUND", None, "BOT_SECRET_BOUND may not be sent"),
        ("env:BOT_SECRET_BOUND", "https://example.net/", "BOT_SECRET_BOUND may not be sent"),
        ("env:BOT_SECRET_BOUND", "https://example.org.evil.example/", "BOT_SECRET_BOUND may not be sent"),
    ],
)
def test_a_secret_is_refused_with_its_name(runs: Runs, value: str, url: str | None, says: str) -> None:
    """And never with its value."""
    with pytest.raises(ServiceError, match=says) as refusal:
        runs.run().secrets.text(value, url)
    assert not any(secret in str(refusal.value) for secret in SECRETS.values() if "example" not in secret)


def test_an_address_may_be_a_secret(runs: Runs) -> None:
    """It is refused as other secrets are."""
    secrets = runs.run().secrets
    assert secrets.address("https://example.org") == "https://example.org"
    assert secrets.address("env:BOT_SECRET_PLACE") == SECRETS["BOT_SECRET_PLACE"]
    with pytest.raises(ServiceError, match="BOT_SECRET_OTHER"):
        secrets.address("env:BOT_SECRET_OTHER")


def test_texts_are_rid_of_secrets(runs: Runs) -> None:
    """Also of the half of one at the end of a text that was cut."""
    secrets = runs.run().secrets
    text = f"the answer: {SECRETS['BOT_SECRET_CRM']}, twice {SECRETS['BOT_SECRET_CRM']}"
    assert secrets.redacted(text) == "the answer: [BOT_SECRET_CRM], twice [BOT_SECRET_CRM]"
    assert secrets.redacted("nothing in it") == "nothing in it"
    assert secrets.redacted_start(text, 15, whole=True) == "the answer: [BO"
    assert "sesame" not in secrets.redacted_start(f"{'x' * 2000} sesame-o", 3000, whole=False)


def test_a_secret_setting_is_read_if_it_is_declared(runs: Runs) -> None:
    """The others are refused with a sentence, and none can be changed."""
    settings = runs.run().settings
    assert settings.alert_url == SecretStr(SECRETS["ALERT_URL"])
    assert settings.visitor_contact == "me@example.org"
    with pytest.raises(ServiceError, match="MESSAGE_URL"):
        _ = settings.message_url
    assert not hasattr(settings, "message_url")
    with pytest.raises(AttributeError):
        settings.alert_url = None


def test_the_address_book_is_read(runs: Runs) -> None:
    """By birthdays, or all of it by ids; and it is noted when somebody got a message."""
    contacts = runs.run().contacts
    assert [one.name for one in contacts.born_on([(4, 12)])] == ["Amelia Rivers"]
    assert {one.name for one in contacts.born_on([(4, 12), (12, 24), (1, 1)])} == {"Amelia Rivers", "Ben Okri"}
    assert list(contacts.born_on([])) == []
    amelia, ben = contacts.all()
    assert (amelia.id, amelia.emails, amelia.profile) == (AMELIA.id, AMELIA.emails, None)
    assert (ben.birthday, ben.urls, ben.profile, ben.deceased) == (
        "--12-24",
        BEN.urls,
        "https://example.org/ben",
        False,
    )
    contacts.record_message(BEN.id, 1_744_444_800)
    contacts.record_message("0" * 32, 1_744_444_800)
    assert [one.last_messaged_at for one in runs.run().contacts.all()] == [None, 1_744_444_800]


# mistakes of a bot


LONE = "caf\udce9"  # as os.fsdecode makes it of a file name that is not UTF-8


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        (lambda run: run.ledger.claim(LONE), UnicodeEncodeError),
        (lambda run: run.ledger.claim(f"{BEN.id}{LONE}", person=BEN), UnicodeEncodeError),
        (lambda run: run.ledger.outcomes([LONE]), UnicodeEncodeError),
        (lambda run: run.ledger.settle(LONE, "sent"), UnicodeEncodeError),
        (lambda run: run.memory.recall(LONE), UnicodeEncodeError),
        (lambda run: run.memory.remember(LONE, "blue", 60), UnicodeEncodeError),
        (lambda run: run.memory.remember("page", LONE, 60), UnicodeEncodeError),
        (lambda run: run.memory.take_turn(LONE, 60), UnicodeEncodeError),
        (lambda run: run.memory.remember("page", "blue", float("nan")), ValueError),
        (lambda run: run.tell("Amelia cannot be reached", once=5), TypeError),
        (lambda run: run.wait(float("nan")), ValueError),
        (lambda run: run.contacts.born_on(["x"]), ValueError),
    ],
)
def test_a_mistake_raises_the_same_error(runs: Runs, mistake: Callable[[Any], Any], error: type[Exception]) -> None:
    """One of Python's own, never one of redis-py."""
    with pytest.raises(error):
        mistake(runs.run())


def test_a_fraction_of_a_second_is_rounded_up(runs: Runs) -> None:
    """Redis counts whole seconds."""
    memory = runs.run().memory
    memory.remember("page", "blue", 1.5)
    assert memory.recall("page") == "blue"


def test_an_empty_outcome_is_an_outcome(runs: Runs) -> None:
    """It is not mistaken for a key that nobody claimed."""
    ledger = runs.run().ledger
    ledger.claim("plants")
    ledger.settle("plants", "")
    assert ledger.outcomes(["plants"]) == [""]
    assert ledger.claim("plants") == ""


def test_a_line_that_cannot_be_formatted_does_not_end_the_run(runs: Runs) -> None:
    """The log says that there was one."""
    run = runs.run()
    run.log.info("%d plants", "two")
    assert runs.lines(run) == [LogLine("error", "A line of the log could not be written (TypeError)")]


def test_half_a_character_is_told_escaped(runs: Runs) -> None:
    """In the text; the subject may have it too."""
    run = runs.run()
    run.tell(f"{LONE} cannot be read", once=LONE)
    assert runs.told(run) == [r"caf\udce9 cannot be read"]


# what a test can do beside


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Context], Any]], FakeContext]:
    """A run that does as it is told."""

    def made(work: Callable[[Context], Any]) -> FakeContext:
        monkeypatch.setattr(ProbeBot, "doing", staticmethod(work))
        return FakeContext(ProbeBot)

    return made


def test_a_config_is_checked_as_the_service_does() -> None:
    """Strictly, and with no unknown keys, whatever the model says."""
    assert FakeContext(ProbeBot, {"count": 2}).config.count == 2
    with pytest.raises(ValidationError):
        FakeContext(ProbeBot, {"count": "2"})
    with pytest.raises(ValidationError):
        FakeContext(ProbeBot, {"counts": 2})


def test_a_result_must_be_json(doing: Callable[[Callable[[Context], Any]], FakeContext]) -> None:
    """It is given back as JSON has it."""
    assert doing(lambda context: {"pair": (1, 2)}).run() == {"pair": [1, 2]}
    with pytest.raises(TypeError, match="list, not a dict"):
        doing(lambda context: [1]).run()
    with pytest.raises(TypeError, match="JSON"):
        doing(lambda context: {"now": context.now}).run()


@pytest.mark.parametrize(
    "result",
    [
        {"ratio": float("nan"), "most": float("-inf")}, {"name": LONE, LONE: 1}, {"count": 2**64, "least": -(2**63)},
        {"long": "x" * 20_000}, {"long": "é" * 20_000}, {"fits": "x" * (16 * 1024 - 12)}, {"over": "x" * (16 * 1024)},
    ],
    ids=["not a number", "half a character", "beyond 64 bits", "long", "long, not ASCII", "the longest", "too long"],
)  # fmt: skip
def test_a_result_is_given_back_as_the_service_keeps_it(
    doing: Callable[[Callable[[Context], Any]], FakeContext], result: dict[str, Any]
) -> None:
    """As text where JSON has no such value, and cut where it is too long."""
    kept = stored_outcome(Outcome("success", None, plain(result)))["result"]
    assert doing(lambda context: result).run() == json.loads(kept)


def test_a_run_ends_with_its_work(doing: Callable[[Callable[[Context], Any]], FakeContext]) -> None:
    """So that the next one can retake what it left, whether it returned or failed."""

    def dies(context: Context) -> dict[str, Any]:
        context.ledger.claim("plants")
        raise OSError("the disk is full")

    run = doing(dies)
    with pytest.raises(OSError, match="the disk is full"):
        run.run()
    following = run.next_run(retry=True)
    assert following.ledger.entries == {"plants": "unknown"}
    assert following.ledger.claim("plants", retake=True) == "claimed"


def test_time_passes_as_a_test_says() -> None:
    """Without waiting for it: entries and turns expire, and days go by."""
    run = FakeContext(ProbeBot, now=NOW)
    run.ledger.claim("plants")
    run.ledger.settle("plants", "written")
    run.memory.remember("page", "blue", 3600)
    run.memory.take_turn("host", 60)
    assert run.wait(61)
    assert (run.elapsed, run.time_left, run.waits) == (61, 239, [61])
    other = run.next_run()
    assert other.memory.take_turn("host", 60) == 0
    assert (other.elapsed, other.memory.recall("page")) == (0, "blue")
    tomorrow = run.next_run(after=timedelta(days=1))
    assert tomorrow.now == NOW + timedelta(days=1, seconds=61)
    assert (tomorrow.memory.recall("page"), tomorrow.ledger.outcomes(["plants"])) == (None, ["written"])
    assert run.next_run(after=timedelta(days=400)).ledger.outcomes(["plants"]) == [None]
    with pytest.raises(ValueError, match="time zone"):
        FakeClock(datetime(2025, 4, 12))


def test_a_run_is_asked_to_stop_where_a_test_says() -> None:
    """After so much progress, or so much waiting."""
    run = FakeContext(ProbeBot)
    run.cancel_after_steps = 2
    run.progress(0, 3)
    assert not run.cancelled
    run.progress(1, 3)
    assert run.cancelled
    waiting = FakeContext(ProbeBot)
    waiting.cancel_after_seconds = 30
    assert waiting.wait(20)
    assert not waiting.wait(20)
    assert (waiting.elapsed, waiting.cancelled) == (30, True)


def test_two_contacts_that_share_an_identity_are_one_person() -> None:
    """What was done for one of them counts for the other."""
    at_home = FakeContact("1", "Amelia Rivers", identities=("amelia@example.org",))
    at_work = FakeContact("2", "A. Rivers", identities=("amelia@example.org", "work"))
    run = FakeContext(ProbeBot, contacts=[at_home, at_work])
    run.ledger.claim("1:2025", person=at_home)
    run.ledger.settle("1:2025", "sent")
    assert run.ledger.claim("2:2025", person=at_work) == "sent"


def test_progress_that_is_no_number_is_told() -> None:
    """As a real run does; others are bounded."""
    run = FakeContext(ProbeBot)
    wrong: Any = "half"
    run.progress(wrong, 2)
    run.progress(-1, 2**60)
    assert run.steps == [(0, 2**53)]
    assert run.lines == [LogLine("warning", "The progress of this run is not shown: it was not given as two numbers.")]


def satisfied(
    context: FakeContext, run: RunContext, ledger: RedisLedger, memory: RedisMemory, book: ContactBook,
    contact: domain.Contact, vault: Vault,
) -> Sequence[object]:  # fmt: skip
    """Checked by mypy alone: the real parts and the fakes are what the protocols say."""
    contexts: tuple[Context, ...] = (context, run)
    bot: type[Bot] = ProbeBot
    ledgers: tuple[Ledger, ...] = (ledger, context.ledger)
    memories: tuple[Memory, ...] = (memory, context.memory)
    secrets: tuple[Secrets, ...] = (vault.opened(), context.secrets)
    books: tuple[Contacts, ...] = (book, context.contacts)
    own_book: AddressBook = book
    contacts: tuple[Contact, ...] = (contact, AMELIA)
    person: Person = contact
    settings: Mapping[str, Any] = {}
    return (contexts, bot, ledgers, memories, secrets, books, own_book, contacts, person, settings)
