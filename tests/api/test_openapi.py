"""The OpenAPI document agrees with the routes, the validators, the contract's examples and real answers."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon.testing
import jsonschema_rs
import pytest
from redis import Redis

import bot_scheduler
from service import VERSION
from service.asgi import assemble
from service.bots.registry import configs, load_bots
from service.contacts.bodies import _CHECKS, READ_ONLY
from service.domain.job import DEFINITION_FIELDS, READ_ONLY_FIELDS
from service.domain.job_requests import parse_create
from service.domain.schedules.definition import parse_schedule, schedule_schemas
from service.errors import ValidationFailed
from service.settings import Settings
from service.web.api.bots import BotList
from service.web.api.heartbeats.pings import ROUTES
from service.web.api.openapi.document import document as made
from service.web.api.openapi.operations import OPERATIONS
from service.web.http.access import access_of

API_PAGE = Path(__file__).parents[2] / "docs" / "api.md"
Client = falcon.testing.TestClient
Json = dict[str, Any]
METHODS = ("GET", "POST", "PUT", "DELETE")
JOB: Json = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "name": "Daily Birthday Messages",
    "description": "Send birthday messages every day at 8am",
    "bot_type": "birthday",
    "enabled": True,
    "schedule_type": "daily",
    "schedule_config": {"hour": 8, "minute": 0},
    "bot_config": {"dry_run": False, "process_late": True, "max_days_late": 7, "max_messages_per_run": 10},
    "created_at": "2025-01-15T10:00:00",
    "updated_at": "2025-01-15T10:00:00",
    "last_run_at": "2025-01-15T08:00:00",
    "last_run_status": "success",
    "last_run_error": None,
    "next_run_at": "2025-01-16T08:00:00",
}
RUN: Json = {
    "id": "log-123",
    "job_id": "550e8400-e29b-41d4-a716-446655440000",
    "started_at": "2025-01-15T08:00:00",
    "finished_at": "2025-01-15T08:05:00",
    "status": "success",
    "result": {"messages_sent": 12},
    "error": None,
    "messages_sent": 12,
    "profiles_visited": 0,
}
CREATED = {name: JOB[name] for name in DEFINITION_FIELDS if name in JOB}
CURL = {name: value for name, value in CREATED.items() if name not in ("description", "enabled")}
ACCEPTED = {"message": f"Job {JOB['id']} queued for immediate execution", "status": "queued"}
HEALTH = {
    "status": "healthy", "scheduler_running": True, "redis_connected": True, "total_jobs": 5, "enabled_jobs": 3,
}  # fmt: skip
EXAMPLES = [
    ("Job", JOB),
    ("CreateJob", CREATED),
    ("CreateJob", CURL),
    ("UpdateJob", {"enabled": False, "schedule_config": {"hour": 9, "minute": 30}}),
    ("Toggle", {"enabled": False}),
    ("RunAccepted", ACCEPTED),
    ("Run", RUN),
    ("Health", HEALTH),
    ("Error", {"detail": "Error message description"}),
    ("Schedule_daily", {"hour": 8, "minute": 0}),
    ("Schedule_weekly", {"hour": 14, "minute": 30, "day_of_week": "mon,wed,fri"}),
    ("Schedule_interval", {"hours": 2, "minutes": 0}),
    ("Schedule_cron", {"cron_expression": "0 8-18 * * 1-5"}),
    ("BotConfig_birthday", JOB["bot_config"]),
    ("BotConfig_visitor", {"dry_run": False, "limit": 50}),
]

BADGES = ("/badge/{token}.svg", "/badge/{token}.json", "/status/{token}")


@pytest.fixture
def api(redis_client: Redis, valkey_server: Any) -> Client:
    """The API of an installation on an empty server."""
    settings = Settings.model_validate({"redis_url": valkey_server.url, "api_key": "k"})
    return Client(assemble(settings), headers={"X-API-Key": "k"})


@pytest.fixture
def document(api: Client) -> Json:
    """The document, asked for without a key."""
    answer = Client(api.app).simulate_get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    found: Json = answer.json
    return found


def validator(document: Json, schema: Json) -> Any:
    """What holds a value to a schema of the document."""
    return jsonschema_rs.validator_for({**schema, "components": document["components"]}, validate_formats=True)


def test_every_route_and_method_of_the_application_is_told(api: Client, document: Json) -> None:
    """No more and no fewer than the application answers; nothing is told of a route that there is not."""
    app: Any = api.app
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    known = {
        (method, path)
        for path, resource in app.routes.items()
        for method in METHODS
        if hasattr(resource, f"on_{method.lower()}")
    }
    assert told == known == set(OPERATIONS)
    other = {name for resource in app.routes.values() for name in dir(resource) if name.startswith("on_")}
    assert other == {"on_get", "on_head", "on_post", "on_put", "on_delete"}


def test_a_route_without_a_description_says_where_it_goes() -> None:
    """Whoever adds a route reads it in the first failure."""
    with pytest.raises(
        KeyError,
        match=r"GET /scheduler/new is not described: add it to OPERATIONS in service/web/api/openapi/operations\.py",
    ):
        made({"/scheduler/new": BotList({})}, {})


def test_a_route_without_a_name_says_where_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So does one that is described and in no group."""
    monkeypatch.setitem(OPERATIONS, ("GET", "/scheduler/new"), OPERATIONS["GET", "/scheduler/bots"])
    with pytest.raises(
        KeyError, match=r"GET /scheduler/new has no name: add it to GROUPS in .*presentation/groups\.py"
    ):
        made({"/scheduler/new": BotList({})}, {})


def listed() -> Iterator[tuple[str, str]]:
    """Method and path of each route in the table of `docs/api.md`, where ids are `{id}` and `…` repeats a path."""
    for row in re.findall(r"^\| (`(?:GET|POST|PUT|DELETE)\b.*?) \|", API_PAGE.read_text(), re.MULTILINE):
        before: list[str] = []
        methods: list[str] = []
        path = ""
        for span in re.findall(r"`([^`]+)`", row):
            if "/" not in span:
                before.append(span)
                continue
            if span.startswith("…"):
                path += span.removeprefix("…")
            else:
                method, path = span.split(" ")
                methods, before = [*before, method], []
            yield from ((method, path) for method in methods)


def test_the_page_for_people_lists_every_route() -> None:
    """No more and no fewer."""
    ours = {
        (method, re.sub(r"\{(job|contact|key|session|backfill)_id\}", "{id}", path.removeprefix("/scheduler")))
        for method, path in OPERATIONS
        if path.startswith("/scheduler/")
    }
    assert set(listed()) == ours


def test_every_schema_is_one_and_every_reference_leads_somewhere(document: Json) -> None:
    """Each component can be validated with; operations have names of their own, a summary and a good answer."""
    assert document["openapi"] == "3.1.0"
    for name in document["components"]["schemas"]:
        validator(document, {"$ref": f"#/components/schemas/{name}"})
    references = re.findall(r"#/components/schemas/(\w+)", str(document))
    assert set(references) <= set(document["components"]["schemas"])
    by_path = [(path, operation) for path, methods in document["paths"].items() for operation in methods.values()]
    operations = [operation for _, operation in by_path]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for path, operation in by_path:
        assert operation["summary"]
        assert any(status.startswith("2") for status in operation["responses"])
        assert ("401" in operation["responses"]) == (operation.get("security") != [] or "{token}" in path)


def test_what_is_open_is_what_the_resources_declare(document: Json) -> None:
    """Three addresses need nothing, and some have a key in them; all else is said once for all: a key in a header."""
    told = {
        (method, path): operation["security"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "security" in operation
    }
    documents = ("/openapi.json", "/docs", "/docs/{page}.md", "/llms.txt")
    without = ("/scheduler/health", *documents, "/feed/{token}.ics", *BADGES)
    pinged: dict[tuple[str, str], list[Json]] = {(method, path): [] for path in ROUTES for method in ("get", "post")}
    assert told == {("get", path): [] for path in without} | pinged
    assert document["security"] == [{"ApiKey": []}, {"Bearer": []}]


def test_every_operation_names_its_scope_as_its_resource_declares_it(api: Client, document: Json) -> None:
    """For programs in `x-scope`, for people in a sentence; 403 is told where a key may lack something."""
    app: Any = api.app
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            access = access_of(app.routes[path])
            scopes = [scope.value for scope in access.scopes_of(method.upper())]
            told = operation.get("x-scope", [])
            assert ([told] if isinstance(told, str) else told) == scopes, path
            assert ("403" in operation["responses"]) == (bool(scopes) or access.unlimited), path
            if scopes:
                words = " or ".join(f"`{scope}`" for scope in scopes)
                assert f"The key needs the scope {words}" in operation["description"], path


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_the_contracts_examples_hold(document: Json, name: str, example: Json) -> None:
    """Each example of the contract is what its schema says."""
    assert list(validator(document, {"$ref": f"#/components/schemas/{name}"}).iter_errors(example)) == []


def test_bodies_are_described_by_what_validates_them(document: Json) -> None:
    """The fields, their limits and what is ignored are those of the parsers."""
    found = document["components"]["schemas"]
    assert set(found["CreateJob"]["properties"]) == {*DEFINITION_FIELDS, *READ_ONLY_FIELDS}
    assert set(found["CreateContact"]["properties"]) == {*_CHECKS, *READ_ONLY}
    check = validator(document, {"$ref": "#/components/schemas/CreateJob"})
    for field, limit in (("name", 200), ("description", 500)):
        for length in (limit, limit + 1):
            body = {**CREATED, field: "x" * length}
            assert check.is_valid(body) == accepted(body)
    assert not check.is_valid({**CREATED, "nonsense": 1})


def accepted(body: Json) -> bool:
    """Whether the service takes a job."""
    try:
        parse_create(body, configs(load_bots()))
    except ValidationFailed:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (kind, {**example, **change})
        for kind, example in (
            ("daily", {"hour": 8, "minute": 0}),
            ("weekly", {"hour": 8, "minute": 0, "day_of_week": "mon"}),
            ("interval", {"hours": 1}),
            ("cron", {"cron_expression": "* * * * *"}),
        )
        for change in (
            {}, {"hour": 23}, {"hour": 24}, {"hour": -1}, {"hour": True}, {"minute": 59}, {"minute": 60},
            {"day_of_week": "sat , sun"}, {"day_of_week": "mon,"}, {"day_of_week": ""},
            {"timezone": "Europe/Vienna"}, {"timezone": 1}, {"hours": 8784}, {"hours": 8785}, {"seconds": -1}, {"x": 1},
        )
    ],
)  # fmt: skip
def test_schedules_are_described_as_they_are_parsed(kind: str, config: Json) -> None:
    """What a schedule's schema takes is taken, and what it refuses is refused, at every limit."""
    try:
        parse_schedule(kind, config)
        taken = True
    except ValidationFailed:
        taken = False
    assert jsonschema_rs.is_valid(schedule_schemas()[kind], config) == taken


def test_real_answers_have_no_field_that_is_not_told(api: Client, document: Json) -> None:
    """Job, run, contact, preview, changes and the rest: valid, and without a field that the document does not know."""
    job = api.simulate_post("/scheduler/jobs", json=CREATED).json
    run_id = api.simulate_post(f"/scheduler/jobs/{job['id']}/run").json["run_id"]
    for uid in "12":
        card = f"BEGIN:VCARD\nUID:{uid}\nFN:Twice\nEMAIL:twice@example.org\nEND:VCARD"
        api.simulate_post("/scheduler/contacts/import", body=card)
    duplicates = api.simulate_get("/scheduler/contacts/duplicates").json
    answers = {
        "Job": job,
        "Run": api.simulate_get(f"/scheduler/jobs/{job['id']}/runs/{run_id}").json,
        "Contact": api.simulate_post("/scheduler/contacts", json={"name": "Amelia"}).json,
        "Duplicates": duplicates[0],
        "Merged": api.simulate_post(
            f"/scheduler/contacts/{duplicates[0]['contacts'][0]['id']}/merge",
            json={"from": [duplicates[0]["contacts"][1]["id"]]},
        ).json,
        "Preview": api.simulate_get(f"/scheduler/jobs/{job['id']}/preview").json,
        "Occurrences": api.simulate_get(f"/scheduler/jobs/{job['id']}/occurrences").json,
        "Occurrence": api.simulate_get(f"/scheduler/jobs/{job['id']}/occurrences").json["items"][0],
        "Explanation": api.simulate_get(f"/scheduler/jobs/{job['id']}/explain?at=08:00").json,
        "Health": api.simulate_get("/scheduler/health").json,
        "Bot": api.simulate_get("/scheduler/bots").json[0],
        "Imported": api.simulate_post("/scheduler/contacts/import", body=b"BEGIN:VCARD\nFN:x\nEND:VCARD").json,
        "Document": api.simulate_get("/scheduler/export").json,
        "ChangeReport": api.simulate_post("/scheduler/apply?dry_run=true", json={"version": 1, "jobs": [CREATED]}).json,
        "Log": api.simulate_get(f"/scheduler/jobs/{job['id']}/runs/{run_id}/log").json,
        "Error": api.simulate_post("/scheduler/jobs", json={"name": 1}).json,
    }
    for name, answer in answers.items():
        schema = document["components"]["schemas"][name]
        validator(document, {"$ref": f"#/components/schemas/{name}"}).validate(answer)
        assert set(answer) <= set(schema["properties"]), name


def test_the_version_is_the_projects(document: Json) -> None:
    """One version everywhere."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert document["info"]["version"] == VERSION == bot_scheduler.__version__
    assert project["tool"]["hatch"]["version"]["path"] == "bot_scheduler/__init__.py"


def test_nothing_is_left_for_generators_to_guess(document: Json) -> None:
    """Values have a type beside them, objects without named fields say that they are open, formats are known ones."""
    for schema in schemas_in(document):
        assert "type" in schema or not {"enum", "const"} & schema.keys(), schema
        assert "object" not in schema.get("type", ()) or {"properties", "additionalProperties"} & schema.keys(), schema
    found = {schema["format"] for schema in schemas_in(document) if "format" in schema}
    assert found == {"uuid", "date", "date-time-local", "int64", "binary"}


def schemas_in(value: Any, keyword: str = "") -> Iterator[Json]:
    """Every schema of a document, wherever it stands."""
    if isinstance(value, list):
        for one in value:
            yield from schemas_in(one)
    if not isinstance(value, dict) or keyword in ("example", "examples", "default"):
        return
    if keyword not in ("properties", "schemas") and {"type", "enum", "const", "anyOf"} & value.keys():
        yield value
    for name, one in value.items():
        yield from schemas_in(one, "" if keyword in ("properties", "schemas") else name)


def test_the_page_needs_nothing_but_itself(api: Client, document: Json) -> None:
    """Open to all; its policy lets nothing in but its own style and script, and nothing out; it names every route."""
    answer = Client(api.app).simulate_get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} < set(policy)
    for kind in ("style", "script"):
        (text,) = re.findall(rf"<{kind}>(.*?)</{kind}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert len(policy) == 6
    assert "style=" not in answer.text
    links = re.findall(r'(?:src|href)="([^"#][^"]*)"', answer.text)
    assert links[:3] == ["/", "/openapi.json", "/llms.txt"]
    assert all(Client(api.app).simulate_get(link).status_code == 200 for link in links[1:])
    for path, methods in document["paths"].items():
        assert path in answer.text
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in answer.text
    anchors = set(re.findall(r'href="#([^"]+)"', answer.text))
    assert anchors <= set(re.findall(r'id="([^"]+)"', answer.text))
