"""The examples of the OpenAPI document: none is missing, each is what its schema says, each request is taken."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import falcon.testing
import jsonschema_rs
import pytest

from service.asgi import assemble
from service.settings import Settings
from service.web.api.openapi.presentation.curl import curl
from service.web.api.openapi.presentation.examples import examples
from service.web.api.openapi.presentation.groups import GROUPS
from tests.support.servers.valkey import ValkeyServer

Json = dict[str, Any]
JSON = "application/json"
TOLD_BY_ITSELF = {"get_openapi"}
"""Operations whose answers need no example."""


@pytest.fixture(scope="module")
def client(valkey_server: ValkeyServer) -> falcon.testing.TestClient:
    """An installation on an empty server."""
    valkey_server.client().flushall()
    settings = {"redis_url": valkey_server.url, "api_key": "k"}
    return falcon.testing.TestClient(assemble(Settings.model_validate(settings)), headers={"X-API-Key": "k"})


@pytest.fixture(scope="module")
def document(client: falcon.testing.TestClient) -> Json:
    """The document."""
    found: Json = client.simulate_get("/openapi.json").json
    return found


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Method, path and description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def contents(operation: Json) -> Iterator[Json]:
    """What an operation takes and answers when all is well, by media type."""
    yield operation.get("requestBody", {}).get("content", {})
    yield from (answer.get("content", {}) for status, answer in operation["responses"].items() if status < "300")


def shown(content: Json) -> list[Any]:
    """The examples of a media type."""
    several = [one["value"] for one in content.get("examples", {}).values()]
    return several + ([content["example"]] if "example" in content else [])


def test_every_operation_shows_what_it_takes_and_answers(document: Json) -> None:
    """Bytes are the only ones without an example: a file is its own."""
    for _, path, operation in operations(document):
        for content in contents(operation):
            missing = [media for media, one in content.items() if not shown(one)]
            assert set(missing) <= {"application/octet-stream"} or operation["operationId"] in TOLD_BY_ITSELF, path


def test_every_parameter_of_a_path_has_an_example(document: Json) -> None:
    """And it is one that the parameter takes."""
    for _, path, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert "example" in parameter or parameter["in"] != "path", path
            if "example" in parameter:
                jsonschema_rs.validate(parameter["schema"], parameter["example"], validate_formats=True)


def test_every_example_is_what_its_schema_says(document: Json) -> None:
    """Without a field that the schema does not name."""
    schemas = document["components"]["schemas"]
    for _, _, operation in operations(document):
        for one in (one for content in contents(operation) for media, one in content.items() if media == JSON):
            schema = {**one["schema"], "components": document["components"]}
            for example in shown(one):
                jsonschema_rs.validator_for(schema, validate_formats=True).validate(example)
    for file in ("requests", "answers"):
        for name, example in examples(file).items():
            assert name in schemas, f"{file}.json has an example of {name}, which is no schema"
            assert "properties" not in schemas[name] or set(example) <= set(schemas[name]["properties"]), name
    for example in schemas["Error"]["examples"]:
        jsonschema_rs.validate(schemas["Error"], example)


def test_every_example_is_shown_somewhere(document: Json) -> None:
    """None is left of a schema that is gone."""
    text = str([list(contents(operation)) for _, _, operation in operations(document)])
    for file in ("requests", "answers", "texts"):
        for name, example in examples(file).items():
            assert repr(example) in text, f"{file}.json: {name}"


def test_every_request_is_taken(client: falcon.testing.TestClient, document: Json) -> None:
    """Whoever copies an example gets a good answer, if what it names is there."""
    ids = _things(client)
    bodies = [
        (method, path, operation["requestBody"]["content"][JSON]["example"])
        for method, path, operation in operations(document)
        if JSON in operation.get("requestBody", {}).get("content", {})
    ]
    assert len(bodies) >= 25
    # Those that take away what others need come last: a new schedule has other occurrences, a disabled job has none.
    bodies.sort(key=lambda request: (request[0] == "POST", request[1].endswith(("/merge", "/end")), -len(request[1])))
    refused = {}
    own = {"at": _in_an_hour(), "from": [ids["other"]]}
    for method, path, body in bodies:
        address = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], _named(path))
        body = {**body, **{name: own[name] for name in own if name in body}}
        answer = client.simulate_request(method, address, json=body)
        if answer.status_code >= 300:
            refused[f"{method} {path}"] = answer.text[:300]
    # There is no MESSAGE_URL here, and these exist already.
    expected = {"POST /scheduler/messages/test", *(f"POST /scheduler/{name}" for name in ("calendars", "channels"))}
    assert set(refused) <= expected, refused


def _named(path: str) -> str:
    """A path in which the names of channels and calendars differ."""
    return path.replace("channels/{name}", "channels/on-call").replace("calendars/{name}", "calendars/office")


def _in_an_hour() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 3600))


def _things(client: falcon.testing.TestClient) -> dict[str, str]:
    """Makes what the examples' addresses name, from the examples."""

    def make(path: str, body: Any) -> Json:
        answer = client.simulate_post(f"/scheduler/{path}", json=body)
        assert answer.status_code in (201, 202), answer.text
        found: Json = answer.json
        return found

    known = examples("requests")
    make("calendars", known["CreateCalendar"])
    make("channels", known["CreateChannel"])
    job = make("jobs", known["CreateJob"])["id"]
    occurrence = client.simulate_get(f"/scheduler/jobs/{job}/preview").json["occurrences"][0]
    return {
        "job_id": job,
        "run_id": make(f"jobs/{job}/run", {"at": _in_an_hour()})["run_id"],
        "rule_id": make("rules", known["CreateRule"])["id"],
        "contact_id": make("contacts", {**known["CreateContact"], "name": "Somebody else"})["id"],
        "other": make("contacts", {"name": "A. Rivers"})["id"],
        "key_id": make("keys", known["KeyRequest"])["id"],
        "instant": occurrence,
    }


def test_a_command_is_one_that_a_shell_reads_as_it_is_meant(document: Json) -> None:
    """One line after the other, with the method, the address, the key where one is needed, and the body."""
    by_name = {operation["operationId"]: (method, path, operation) for method, path, operation in operations(document)}
    assert curl(*by_name["get_health"]) == 'curl "$URL/scheduler/health"'
    assert curl(*by_name["toggle_job"]) == (
        'curl -X POST "$URL/scheduler/jobs/$JOB_ID/toggle" \\\n  -H "X-API-Key: $API_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n  -d \'{"enabled": false}\''
    )
    assert "explain?at=" in curl(*by_name["explain_time"])
    assert curl(*by_name["import_contacts"]).endswith("--data-binary @people.vcf")
    assert "The data team'\"'\"'s" in curl(*by_name["create_key"])


def test_every_operation_is_in_one_group_and_its_name_stays_short(document: Json) -> None:
    """Names are those of functions in clients: words of lower case, at most four."""
    tags = [tag["name"] for tag in document["tags"]]
    assert tags == [group.name for group in GROUPS]
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert sorted(names) == sorted(name for group in GROUPS for name in group.operations)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name) for name in names)
    assert all(len(operation["tags"]) == 1 and operation["tags"][0] in tags for _, _, operation in operations(document))
