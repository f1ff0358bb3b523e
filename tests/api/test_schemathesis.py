"""Schemathesis asks every route what its OpenAPI description allows, and what it does not.

`FUZZ_CASES` says how many cases a route gets: 25 unless told, 2,000 under `make fuzz`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import falcon.testing
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import _get_portal, shutdown_lifespans
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.asgi import assemble
from service.settings import Settings
from service.web.api.openapi.operations import OPERATIONS
from tests.support.servers.valkey import ValkeyServer

pytestmark = pytest.mark.slow(reason="fifty generated requests go to each route")

CASES = int(os.environ.get("FUZZ_CASES", "25"))
CHECKS = [
    # Stands first, since it is left out for health: that says 503 of itself when no scheduler is up, as here.
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
JOB = {
    "name": "a job", "bot_type": "visitor", "schedule_type": "interval", "schedule_config": {"hours": 1},
}  # fmt: skip
THINGS: tuple[tuple[str, str, Any], ...] = (
    ("job_id", "jobs", JOB),
    ("contact_id", "contacts", {"name": "Amelia"}),
    ("key_id", "keys", {"name": "a key", "scopes": ["read"]}),
    ("pause_id", "pauses", {"scope": "all", "reason": "a test"}),
)
"""The name of an id in paths, where such things are made, and of what."""


@dataclass
class Service:
    """An installation, described by itself, and a job in it that is made anew when a case has deleted it."""

    app: Any
    schema: Any
    client: falcon.testing.TestClient

    def ids(self) -> dict[str, str]:
        """What the names in paths may stand for: a job, a run of it, a contact, a key."""
        ids = {}
        for name, path, body in THINGS:
            found = self.client.simulate_get(f"/scheduler/{path}?limit=1").json
            found = found or [self.client.simulate_post(f"/scheduler/{path}", json=body).json]
            ids[name] = found[0]["id"]
        runs = self.client.simulate_get(f"/scheduler/jobs/{ids['job_id']}/history?limit=1").json
        ids["run_id"] = runs[0]["id"] if runs else self.run(ids["job_id"])
        ids["session_id"] = "0" * 32
        ids["rule_id"] = self.rule()
        ids["snooze_id"] = "00000000-0000-4000-8000-000000000006"
        ids["page"] = "api"
        return ids

    def rule(self) -> str:
        """Makes a rule, and its channel, unless there is one."""
        found = self.client.simulate_get("/scheduler/rules?limit=1").json
        if not found:
            channel = {"name": "office", "url": "env:BOT_SECRET_UNSET"}
            self.client.simulate_post("/scheduler/channels", json=channel)
            found = [self.client.simulate_post("/scheduler/rules", json={"channel": "office", "on": ["failed"]}).json]
        return str(found[0]["id"])

    def run(self, job_id: str) -> str:
        """Asks for a run."""
        return str(self.client.simulate_post(f"/scheduler/jobs/{job_id}/run").json["run_id"])


@pytest.fixture(scope="module")
def service(valkey_server: ValkeyServer) -> Iterator[Service]:
    """An installation on an empty server. Schemathesis would let its process run until ours ends.

    Falcon's client has a process of its own: it starts and ends it with each request, and an application that is
    started a second time forgets what it began the first time, and so never ends that.
    """
    valkey_server.client().flushall()
    chosen = {"redis_url": valkey_server.url, "api_key": "k", "import_limit_mb": 1, "message_url": None}
    app, other = (assemble(Settings.model_validate(chosen)) for _ in range(2))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    yield Service(app, schema, falcon.testing.TestClient(other, headers={"X-API-Key": "k"}))
    shutdown_lifespans()
    portal = _get_portal()
    left = [task for task in portal.call(asyncio.all_tasks) if "/service/" in repr(task)]
    assert "LoopLag" not in repr(left)
    for task in left:  # subscriptions and the like, which stay a while for the next request
        portal.call(task.cancel)


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_every_answer_is_one_that_is_described(service: Service, method: str, path: str) -> None:
    """No 5xx, and no status, content type, header or body that the document does not tell."""
    operation = service.schema[path][method]
    strategies = [operation.as_strategy(GenerationMode.POSITIVE)]
    told = OPERATIONS[method, path]
    if told.query or told.headers or told.body:
        strategies.append(operation.as_strategy(GenerationMode.NEGATIVE))

    @settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=st.one_of(strategies), known=st.booleans())
    def ask(case: Any, known: bool) -> None:
        if known and case.path_parameters:
            case.path_parameters.update({k: v for k, v in service.ids().items() if k in case.path_parameters})
        if case.query and "wait" in case.query:
            case.query = {**case.query, "wait": "0.001"}
        response = case.call(headers={"X-API-Key": "k"})
        assert str(response.status_code) in operation.definition.raw["responses"]
        case.validate_response(response, checks=CHECKS[503 in told.answers :])

    ask()
