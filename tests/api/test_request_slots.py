"""Requests that take their time leave the threads that others need: their slots are counted, beyond is 503."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import falcon.testing
import pytest

from service.contacts.writing.exports import Kind
from service.domain.people.contact import Contact
from service.errors import StoreUnavailable
from service.web.api.app import App, create_app
from service.web.http.request_slots import HeldStream, RequestSlots
from tests.support.fakes import KEY, FakeContacts, FakeJobs, services

SLOTS = 2
LONG = 200_000
"""Jobs of an export that does not fit into its first pieces."""


class Slow:
    """Imports and applies that last until they are let go; exports of as many jobs as `jobs` says."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.failure: Exception | None = None
        self.jobs = 1

    def work(self) -> dict[str, Any]:
        """Begins, waits, ends."""
        self.begun.release()
        assert self.go_on.wait(20)
        if self.failure is not None:
            raise self.failure
        return {}

    def apply(self, document: object, *, prune: bool = False, dry_run: bool = False) -> dict[str, Any]:
        return self.work()

    def export(self) -> Iterator[dict[str, Any]]:
        if self.failure is not None:
            raise self.failure
        return ({"id": str(number)} for number in range(self.jobs))


class SlowContacts(FakeContacts):
    """Contacts whose import takes its time; an export has as many as `jobs` says."""

    def __init__(self, slow: Slow) -> None:
        super().__init__()
        self._slow = slow

    def import_stream(self, stream: Any, options: object) -> dict[str, Any]:
        return self._slow.work()

    def export(self, kind: Kind) -> Iterator[bytes]:
        if self._slow.failure is not None:
            raise self._slow.failure
        return (kind.written([Contact(str(number), "Ada")]) for number in range(self._slow.jobs))


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def slots() -> RequestSlots:
    return RequestSlots(SLOTS)


@pytest.fixture
def app(slow: Slow, slots: RequestSlots) -> App:
    """An application with two slots."""
    return create_app(services(FakeJobs(), SlowContacts(slow), definitions=slow, slots=slots))


@pytest.fixture
def client(app: App) -> falcon.testing.TestClient:
    """Asks with the key."""
    return falcon.testing.TestClient(app, headers={"X-API-Key": KEY})


def free(slots: RequestSlots) -> int:
    """How many slots are free now."""
    taken = 0
    while slots.take():
        taken += 1
    for _ in range(taken):
        slots.release()
    return taken


Ask = Callable[[falcon.testing.TestClient], Any]
ASKS: dict[str, Ask] = {
    "apply": lambda client: client.simulate_post("/scheduler/apply", body=b"version: 1\njobs: []"),
    "import": lambda client: client.simulate_post("/scheduler/contacts/import", body=b"Name\nAda\n"),
}


EXPORTS: dict[str, Ask] = {
    "export": lambda client: client.simulate_get("/scheduler/export"),
    "contacts": lambda client: client.simulate_get("/scheduler/contacts/export"),
}


@pytest.mark.parametrize("one_more", [*ASKS, *EXPORTS])
def test_beyond_the_slots_long_requests_are_told_to_come_back_and_others_are_served(
    slots: RequestSlots, client: falcon.testing.TestClient, slow: Slow, one_more: str
) -> None:
    """An apply and an import hold both slots; the next of any kind is 503 at once, and short ones do not notice."""
    asks = ASKS | EXPORTS
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda ask=ask: answers.append(ask(client).status_code)) for ask in ASKS.values()
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            assert slow.begun.acquire(timeout=20)
        refused = asks[one_more](client)
        assert refused.status_code == 503 and refused.headers["Retry-After"] == "2"
        assert "try again soon" in refused.json["detail"]
        assert client.simulate_get("/scheduler/jobs").status_code == 200
        assert client.simulate_head("/scheduler/export").status_code == 200
        assert client.simulate_head("/scheduler/contacts/export").status_code == 200
    finally:
        slow.go_on.set()
        for thread in threads:
            thread.join()
    assert answers == [200, 200]
    assert free(slots) == SLOTS
    assert asks[one_more](client).status_code == 200


@pytest.mark.parametrize("ask", [*ASKS.values(), *EXPORTS.values()])
def test_a_request_that_fails_gives_its_slot_back(
    slots: RequestSlots, client: falcon.testing.TestClient, slow: Slow, ask: Ask
) -> None:
    """However it fails."""
    slow.go_on.set()
    for slow.failure in (StoreUnavailable("away"), RuntimeError("a defect")):
        assert ask(client).status_code in (503, 500)
    assert free(slots) == SLOTS


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/scheduler/apply", b""), ("/scheduler/apply", b"a: ["), ("/scheduler/apply", b"x" * (2**20 + 1)),
        ("/scheduler/contacts/import", b""), ("/scheduler/contacts/import", b"x" * (2**20 + 1)),
        ("/scheduler/export?format=x", None), ("/scheduler/contacts/export?format=x", None),
    ],
)  # fmt: skip
def test_what_is_refused_gives_its_slot_back(
    slots: RequestSlots, client: falcon.testing.TestClient, path: str, body: bytes | None
) -> None:
    """A malformed or too long body among them."""
    answer = client.simulate_get(path) if body is None else client.simulate_post(path, body=body)
    assert answer.status_code in (400, 413)
    assert free(slots) == SLOTS


@pytest.mark.slow(reason="a slow reader takes a large export")
@pytest.mark.parametrize("jobs", [1, LONG])
def test_an_export_holds_its_slot_until_it_is_sent(
    slots: RequestSlots, client: falcon.testing.TestClient, slow: Slow, jobs: int
) -> None:
    """Whether it is sent whole, or streamed to its end."""
    slow.jobs = jobs
    assert len(client.simulate_get("/scheduler/export").json["jobs"]) == jobs
    assert client.simulate_get("/scheduler/contacts/export").text.count("END:VCARD") == jobs
    assert free(slots) == SLOTS


def test_a_streamed_answer_gives_its_slot_back_once() -> None:
    """Read or not, and however often the server closes it."""
    slots = RequestSlots(1)
    slots.require()
    pieces = HeldStream(iter([b"a", b"b"]), slots)
    assert (next(pieces), free(slots)) == (b"a", 0)
    pieces.close()
    pieces.close()
    assert free(slots) == 1
