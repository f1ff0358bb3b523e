"""Every error has one shape."""

from __future__ import annotations

import logging
from typing import Any

import falcon.testing
import pytest

from service.errors import (
    ConcurrentChange,
    Conflict,
    FieldError,
    NotFound,
    PreconditionFailed,
    ScheduleError,
    StoreFull,
    StoreUnavailable,
    ValidationFailed,
)
from service.secrecy import redaction
from service.secrecy.redaction import Redaction


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("Job x not found"), 404),
        (Conflict("Too many runs wait"), 409),
        (ConcurrentChange("Changed in between"), 409),
        (PreconditionFailed("Another revision"), 412),
        (StoreUnavailable("Redis cannot be reached"), 503),
        (StoreFull("Redis is out of memory"), 503),
    ],
)
def test_each_service_error_has_its_status(
    client: falcon.testing.TestClient, jobs: Any, error: Exception, status: int
) -> None:
    """The error's own sentence is the detail."""
    jobs.failure = error
    answer = client.simulate_get("/scheduler/jobs/x")
    assert answer.status_code == status
    assert answer.json == {"detail": str(error)}
    assert answer.headers["content-type"] == "application/json"


def test_a_refused_body_names_its_fields(client: falcon.testing.TestClient, jobs: Any) -> None:
    """400 with a sentence, and beside it each field with its message."""
    jobs.failure = ValidationFailed(
        [FieldError("name", "is needed"), FieldError("schedule_config.hour", "must be 0 to 23")]
    )
    answer = client.simulate_post("/scheduler/jobs", body="{}")
    assert answer.status_code == 400
    assert answer.json == {
        "detail": "name is needed; schedule_config.hour must be 0 to 23",
        "errors": [
            {"field": "name", "message": "is needed"},
            {"field": "schedule_config.hour", "message": "must be 0 to 23"},
        ],
    }


def test_a_refusal_shows_no_secret_of_the_service(
    client: falcon.testing.TestClient, jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the sentence nor at a field, whatever brought it there."""
    monkeypatch.setattr(redaction, "_present", Redaction.of({"BOT_SECRET_X": "sesame-open"}))
    jobs.failure = ValidationFailed([FieldError("name", 'must be short, not "sesame-open"')])
    refused = client.simulate_post("/scheduler/jobs", body="{}")
    assert refused.json["errors"] == [{"field": "name", "message": 'must be short, not "[BOT_SECRET_X]"'}]
    jobs.failure = StoreUnavailable("Redis at sesame-open cannot be reached")
    away = client.simulate_get("/scheduler/jobs/x")
    assert away.json == {"detail": "Redis at [BOT_SECRET_X] cannot be reached"} and "sesame" not in refused.text


@pytest.mark.parametrize("error", [RuntimeError("a secret"), ScheduleError("a secret")])
def test_the_unexpected_is_500_without_details_and_logged(
    client: falcon.testing.TestClient, jobs: Any, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """The client learns nothing of it; the log has the traceback."""
    jobs.failure = error
    with caplog.at_level(logging.ERROR):
        answer = client.simulate_get("/scheduler/jobs/x")
    assert (answer.status_code, answer.json) == (500, {"detail": "Internal server error"})
    assert caplog.records[0].exc_info is not None


def test_the_routers_404_is_json(client: falcon.testing.TestClient) -> None:
    """Also outside of `/scheduler`, without a key, and whatever the client accepts."""
    for path in ("/", "/nothing", "/scheduler/nothing", "/scheduler/jobs/a/b/c/d"):
        answer = client.simulate_get(path, headers={"Accept": "text/xml"})
        assert (answer.status_code, list(answer.json)) == (404, ["detail"])


def test_the_routers_405_says_what_is_allowed(client: falcon.testing.TestClient) -> None:
    """As a sentence, and in the Allow header."""
    answer = client.simulate_patch("/scheduler/jobs")
    assert answer.status_code == 405
    assert answer.json == {"detail": "PATCH is not allowed here; this address takes GET, HEAD, POST, OPTIONS"}
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_redis_away_while_listing_is_503(client: falcon.testing.TestClient, jobs: Any) -> None:
    """The streamed list finds out before it has answered anything."""
    jobs.failure = StoreUnavailable("Redis cannot be reached")
    answer = client.simulate_get("/scheduler/jobs")
    assert (answer.status_code, answer.json) == (503, {"detail": "Redis cannot be reached"})
    assert answer.headers["retry-after"] == "2"
