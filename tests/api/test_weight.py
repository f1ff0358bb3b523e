"""Bodies that take long to check are checked in a thread; all others on the event loop."""

from __future__ import annotations

import threading
from typing import Any

import falcon.testing
import pytest

from service.web.http.weight import LIGHT_ITEMS, LIGHT_TEXT, is_light
from tests.support.fakes import FakeJobs

LIGHT: list[dict[str, Any]] = [
    {},
    {"name": "x" * LIGHT_TEXT},
    {"list": list(range(LIGHT_ITEMS - 2))},
    {"name": "{ a brace } % }}"},
    {"deep": [{"deeper": [1, 2.5, None, True]}]},
    {"schedule_type": "cron", "bot_config": {"schedule_type": "any"}},
    {"schedule_type": ["rrule"]},
]
HEAVY: list[dict[str, Any]] = [
    {"name": "x" * (LIGHT_TEXT + 1)},
    {"list": list(range(LIGHT_ITEMS))},
    {"a": {"b": [{str(number): number} for number in range(LIGHT_ITEMS)]}},
    {"schedule_type": "rrule"},
    {"schedule_type": "any", "schedule_config": {"schedules": []}},
    {"bot_config": {"text": "{{ x }}"}},
    {"bot_config": {"texts": ["fine", "{% for a in b %}"]}},
    {"bot_config": {"text": "{{ 'a' * 10 ** 9 }}{% for a in range(10 ** 9) %}{% endfor %}"}},
]


@pytest.mark.parametrize("body", LIGHT)
def test_few_values_and_short_texts_are_light(body: dict[str, Any]) -> None:
    """Up to the limits."""
    assert is_light(body)


@pytest.mark.parametrize("body", HEAVY)
def test_many_values_long_texts_templates_and_long_schedules_are_not(body: dict[str, Any]) -> None:
    """Wherever they stand in the body; a schedule is named at its top."""
    assert not is_light(body)


class Where(FakeJobs):
    """Notes in which thread each body is checked."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []

    def _here(self) -> None:
        self.threads.append(threading.current_thread().name)

    def create(self, body: object, key: str | None = None) -> Any:
        self._here()
        return super().create(body, key)

    def update(self, job_id: str, body: object, revisions: Any = ()) -> Any:
        self._here()
        return super().update(job_id, body, revisions)

    def run_now(self, job_id: str, body: object | None, key: str | None = None, traceparent: str | None = None) -> str:
        self._here()
        return super().run_now(job_id, body, key, traceparent)


@pytest.fixture
def jobs() -> Where:
    return Where()


@pytest.mark.parametrize(("bodies", "in_thread"), [(LIGHT, False), (HEAVY, True)])
def test_the_weight_decides_where_a_body_is_checked(
    client: falcon.testing.TestClient, jobs: Where, bodies: list[dict[str, Any]], in_thread: bool
) -> None:
    """On creating, changing and running a job: in the pool's threads, or on the loop."""
    job = client.simulate_post("/scheduler/jobs", json={"name": "One"}).json["id"]
    jobs.threads.clear()
    for body in bodies:
        assert client.simulate_post("/scheduler/jobs", json=body).status_code == 201
        assert client.simulate_put(f"/scheduler/jobs/{job}", json=body).status_code == 200
        assert client.simulate_post(f"/scheduler/jobs/{job}/run", json=body).status_code == 202
    assert len(jobs.threads) == 3 * len(bodies)
    assert {name.startswith("page") for name in jobs.threads} == {in_thread}


def test_a_run_without_a_body_is_light(client: falcon.testing.TestClient, jobs: Where) -> None:
    """There is nothing to check."""
    job = client.simulate_post("/scheduler/jobs", json={"name": "One"}).json["id"]
    client.simulate_post(f"/scheduler/jobs/{job}/run")
    assert jobs.threads == [threading.current_thread().name] * 2
