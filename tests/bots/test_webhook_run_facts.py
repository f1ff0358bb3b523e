"""What a webhook tells its receiver of the run: in headers always, in the body where its template says so."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from bot_scheduler import PreviousSuccess, Window
from bot_scheduler.testing import FakeRun
from service.bots.webhook.bot import WebhookBot
from service.bots.webhook.config import HEADER_VALUE, WebhookConfig
from service.bots.webhook.run_fields import NAME_LIMIT, SAMPLES, fields_of, headers_of
from service.domain.job_fields import validate_bot_config
from service.errors import StoreUnavailable, ValidationFailed
from tests.support.bot_runs import Run, configured
from tests.support.servers.receivers import Receiver

ZONE = ZoneInfo("Europe/Vienna")
NOW = datetime(2025, 4, 12, 8, 0, 7, 5, tzinfo=ZONE)
EIGHT = datetime(2025, 4, 12, 8, 0, tzinfo=ZONE)
DAY = timedelta(days=1)
BEFORE = PreviousSuccess("an id", EIGHT - DAY, EIGHT - DAY, EIGHT - DAY, {"status": 200, "answer": 'say "yes"'})
SCHEDULED = FakeRun(
    "retry", Window(EIGHT - DAY, EIGHT), 2, EIGHT, EIGHT + timedelta(seconds=5), BEFORE,
    (EIGHT + DAY, EIGHT + 2 * DAY), "Bücher schließen", ("night", "day"),
)  # fmt: skip
BY_HAND = FakeRun("manual", Window(None, NOW), due=NOW, requested_by="root")


def context(client: Redis, url: str, facts: FakeRun, **config: Any) -> Run:
    made = Run(client, configured(WebhookConfig, url=url, **config), bot="webhook", now=NOW, timezone=ZONE)
    made.facts = facts
    return made


def test_the_headers_tell_of_the_run(redis_client: Redis, receiver: Receiver) -> None:
    """Its job, what started it, which attempt it is, and its occurrence with the zone's offset."""
    made = context(redis_client, receiver.address, SCHEDULED)
    WebhookBot().run(made)
    ((_, _, headers, _),) = receiver.got
    assert {name: value for name, value in headers.items() if name.startswith("bot-scheduler-")} == {
        "bot-scheduler-job": made.job_id,
        "bot-scheduler-job-name": "B%C3%BCcher%20schlie%C3%9Fen",
        "bot-scheduler-trigger": "retry",
        "bot-scheduler-attempt": "2",
        "bot-scheduler-scheduled-for": "2025-04-12T08:00:00+02:00",
    }


def test_a_run_by_hand_has_no_occurrence_to_tell(redis_client: Redis, receiver: Receiver) -> None:
    """The header is left out."""
    WebhookBot().run(context(redis_client, receiver.address, BY_HAND))
    ((_, _, headers, _),) = receiver.got
    assert headers["bot-scheduler-trigger"] == "manual"
    assert "bot-scheduler-scheduled-for" not in headers


def test_a_header_of_the_jobs_own_stands(redis_client: Redis, receiver: Receiver) -> None:
    """Jobs of earlier releases may have one of the same name, in whatever case."""
    own = {"bot-scheduler-JOB": "mine"}
    WebhookBot().run(context(redis_client, receiver.address, SCHEDULED, headers=own))
    ((_, _, headers, _),) = receiver.got
    assert headers["bot-scheduler-job"] == "mine"
    rehearsed = WebhookBot().run(context(redis_client, receiver.address, SCHEDULED, headers=own, dry_run=True))
    assert rehearsed["request"]["headers"] == own | {
        "Bot-Scheduler-Job-Name": "B%C3%BCcher%20schlie%C3%9Fen",
        "Bot-Scheduler-Trigger": "retry",
        "Bot-Scheduler-Attempt": "2",
        "Bot-Scheduler-Scheduled-For": "2025-04-12T08:00:00+02:00",
    }


ALL = (
    "job_name", "trigger", "attempt", "scheduled_for", "due", "window_start", "window_end", "previous_success",
    "upcoming", "names", "requested_by",
)  # fmt: skip


def test_the_body_has_the_same_as_fields(redis_client: Redis, receiver: Receiver) -> None:
    """Instants with the zone's offset; what a run by hand does not have is null, or an empty list."""
    body = "{" + ", ".join(f'"{name}": {{{{ {name} | tojson }}}}' for name in ALL)
    body += ', "result": {{ previous_result or "null" }}}'
    for facts in (SCHEDULED, BY_HAND):
        WebhookBot().run(context(redis_client, receiver.address, facts, body=body))
    told, by_hand = (json.loads(request[3]) for request in receiver.got)
    assert told == {
        "job_name": "Bücher schließen", "trigger": "retry", "attempt": 2, "scheduled_for": "2025-04-12T08:00:00+02:00",
        "due": "2025-04-12T08:00:05+02:00", "window_start": "2025-04-11T08:00:00+02:00",
        "window_end": "2025-04-12T08:00:00+02:00", "previous_success": "2025-04-11T08:00:00+02:00",
        "upcoming": ["2025-04-13T08:00:00+02:00", "2025-04-14T08:00:00+02:00"], "names": ["night", "day"],
        "requested_by": None, "result": BEFORE.result,
    }  # fmt: skip
    assert [by_hand[name] for name in ("scheduled_for", "window_start", "previous_success")] == [None] * 3
    assert (by_hand["upcoming"], by_hand["names"]) == ([], [])
    assert (by_hand["requested_by"], by_hand["window_end"], by_hand["result"]) == (
        "root", "2025-04-12T08:00:07+02:00", None,
    )  # fmt: skip


def test_a_template_is_tried_with_a_run_by_hand_as_well() -> None:
    """So that a job which breaks when somebody runs it is refused when it is saved; each field has samples."""
    with pytest.raises(ValidationFailed, match=r"body is broken in line 1, .*upcoming\[0\]"):
        validate_bot_config("webhook", {"url": "https://example.org/", "body": "{{ upcoming[0] }}"}, configs())
    assert validate_bot_config(
        "webhook", {"url": "https://example.org/", "body": "{{ scheduled_for or now }}"}, configs()
    )
    with pytest.raises(ValidationFailed, match="unknown field"):
        validate_bot_config("webhook", {"url": "https://example.org/", "body": "{{ run }}"}, configs())
    first, second = SAMPLES
    assert first.keys() == second.keys() >= set(ALL)


def configs() -> Any:
    return {"webhook": WebhookConfig}


class Unreachable:
    """Facts that cannot be looked up."""

    trigger, attempt, scheduled_for, due, job_name = "schedule", 1, EIGHT, EIGHT, "A job"
    names: tuple[str, ...] = ()
    requested_by = None

    @property
    def window(self) -> Window:
        raise StoreUnavailable("Redis is away")

    @property
    def previous_success(self) -> None:
        raise StoreUnavailable("Redis is away")

    def upcoming(self, n: int) -> list[datetime]:
        raise StoreUnavailable("Redis is away")


def test_only_what_the_template_names_is_looked_up(redis_client: Redis, receiver: Receiver) -> None:
    """A job that names none of it costs nothing more; Redis' absence is not called a fault of the template."""
    facts: Any = Unreachable()
    WebhookBot().run(context(redis_client, receiver.address, facts, body="{{ scheduled_for }} {{ job_name }}"))
    assert receiver.got[0][3] == b"2025-04-12T08:00:00+02:00 A job"
    for name in ("window_start", "previous_result", "upcoming"):
        with pytest.raises(StoreUnavailable):
            WebhookBot().run(context(redis_client, receiver.address, facts, body="{{ %s | tojson }}" % name))
    assert len(receiver.got) == 1


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(st.text(min_size=1, max_size=200), st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_job_is_called_its_headers_are_one_line_of_ascii(
    redis_client: Redis, name: str, job_id: str, trigger: str
) -> None:
    """Line ends, other scripts, emoji; the name comes back by percent-decoding, whole unless it is very long."""
    made = context(redis_client, "https://example.org/", FakeRun(trigger, Window(None, NOW), job_name=name))
    made.job_id = job_id
    headers = headers_of(made)
    for value in headers.values():
        assert value == "" or HEADER_VALUE.fullmatch(value)
        assert len(value) <= NAME_LIMIT
    whole = name.encode("utf-8", "replace").decode()
    decoded = unquote(headers["Bot-Scheduler-Job-Name"])
    assert decoded == whole or (len(headers["Bot-Scheduler-Job-Name"]) > NAME_LIMIT - 12 and whole.startswith(decoded))
    assert fields_of(made, ["job_name"]) == {"job_name": name}
