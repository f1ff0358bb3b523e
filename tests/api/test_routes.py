"""Statuses, parameters and headers of each route; what the use cases do is not looked at here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import falcon.testing
import pytest

from service.domain.plain_json import dumps
from service.errors import StoreUnavailable
from service.web.live import hub

Client = falcon.testing.TestClient


def test_creating_answers_201_and_the_address(client: Client) -> None:
    """The job is the body, its address the Location header."""
    answer = client.simulate_post("/scheduler/jobs", json={"name": "One"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/scheduler/jobs/{answer.json['id']}"


def test_deleting_answers_204_without_a_body(client: Client, job: dict[str, Any]) -> None:
    """No content and no content type; a second time it is 404."""
    answer = client.simulate_delete(f"/scheduler/jobs/{job['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    again = client.simulate_delete(f"/scheduler/jobs/{job['id']}")
    assert (again.status_code, again.json) == (404, {"detail": f"Job {job['id']} not found"})


def test_run_now_answers_202_as_the_contract_prints_it(client: Client, job: dict[str, Any]) -> None:
    """Message and status to the letter, and the run's id beside them."""
    answer = client.simulate_post(f"/scheduler/jobs/{job['id']}/run")
    assert answer.status_code == 202
    assert answer.json == {
        "message": f"Job {job['id']} queued for immediate execution",
        "status": "queued",
        "run_id": "run-1",
    }


def test_run_now_takes_an_overlay(client: Client, jobs: Any, job: dict[str, Any]) -> None:
    """A body is handed on; none means None."""
    client.simulate_post(f"/scheduler/jobs/{job['id']}/run", json={"bot_config": {"dry_run": True}})
    client.simulate_post(f"/scheduler/jobs/{job['id']}/run")
    assert jobs.runs == [{"bot_config": {"dry_run": True}}, None]


def test_waiting_answers_the_entry_when_the_run_ends_in_time(client: Client, jobs: Any, job: dict[str, Any]) -> None:
    """200 with the history entry; 202 when it has not ended."""
    path = f"/scheduler/jobs/{job['id']}/run"
    assert client.simulate_post(path, params={"wait": "0.1"}).status_code == 202
    jobs.entry = {"id": "run-1", "status": "success", "finished_at": "2026-01-01T00:00:00"}
    answer = client.simulate_post(path, params={"wait": "25"})
    assert (answer.status_code, answer.json) == (200, jobs.entry)


def test_an_error_while_waiting_does_not_hide_that_the_run_was_accepted(
    client: Client, jobs: Any, job: dict[str, Any]
) -> None:
    """A 503 would invite to ask again, and the run would happen twice."""
    jobs.entry = StoreUnavailable("Redis cannot be reached")
    assert client.simulate_post(f"/scheduler/jobs/{job['id']}/run?wait=1").status_code == 202


def test_when_too_many_wait_the_answer_is_202_at_once(
    client: Client, jobs: Any, job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not even look at the run, which has ended."""
    jobs.entry = {"id": "run-1", "status": "success", "finished_at": "2026-01-01T00:00:00"}
    path = f"/scheduler/jobs/{job['id']}/run"
    monkeypatch.setattr(hub, "MOST_WAITING", 0)
    assert client.simulate_post(path, params={"wait": "25"}).status_code == 202
    monkeypatch.setattr(hub, "MOST_WAITING", 1)
    for _ in range(2):
        assert client.simulate_post(path, params={"wait": "25"}).status_code == 200, "the place is free again"


@pytest.mark.parametrize("wait", ["0", "-1", "26", "25.1", "x", "", "1e1", "NaN", "inf", "٣", "1&wait=2"])
def test_a_bad_wait_starts_nothing(client: Client, jobs: Any, job: dict[str, Any], wait: str) -> None:
    """400, and no run."""
    answer = client.simulate_post(f"/scheduler/jobs/{job['id']}/run", query_string=f"wait={wait}")
    assert answer.status_code == 400
    assert answer.json["errors"][0]["field"] == "wait"
    assert jobs.runs == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("true", 200),
        ("false", 200),
        ("True", 200),
        ("yes", 400),
        ("1", 400),
        ("", 400),
        ("true&enabled_only=true", 400),
    ],
)
def test_enabled_only_is_true_or_false(client: Client, sent: str, status: int) -> None:
    """Anything else is 400."""
    assert client.simulate_get("/scheduler/jobs", query_string=f"enabled_only={sent}").status_code == status


def test_filters_reach_the_use_case(client: Client, jobs: Any) -> None:
    client.simulate_get("/scheduler/jobs?enabled_only=true&bot_type=birthday&q=a%20b")
    assert jobs.calls[-1] == (
        "stream",
        {"enabled_only": True, "bot_type": "birthday", "q": "a b", "labels": [], "state": None},
    )
    client.simulate_get("/scheduler/jobs?label=team:crm&label=a:b,c")
    assert jobs.calls[-1][1]["labels"] == ["team:crm", "a:b,c"]


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ("1", 200),
        ("200", 200),
        ("0", 400),
        ("201", 400),
        ("-5", 400),
        ("1.5", 400),
        ("x", 400),
        ("", 400),
        ("99999999999999999999", 400),
        ("%2B5", 400),
        ("٣", 400),
        ("5&limit=6", 400),
    ],
)
def test_historys_limit_is_1_to_200(client: Client, job: dict[str, Any], limit: str, status: int) -> None:
    """Anything else is 400, naming the field."""
    answer = client.simulate_get(f"/scheduler/jobs/{job['id']}/history", query_string=f"limit={limit}")
    assert answer.status_code == status
    if status == 400:
        assert answer.json["errors"][0]["field"] == "limit"


def test_history_has_50_entries_unless_told(client: Client, job: dict[str, Any]) -> None:
    """The contract's default."""
    assert len(client.simulate_get(f"/scheduler/jobs/{job['id']}/history").json) == 50


def test_a_page_links_to_the_next_one(client: Client, job: dict[str, Any]) -> None:
    """The Link header can be followed as it is, keeps the other parameters, and is absent at the end."""
    path = f"/scheduler/jobs/{job['id']}/history"
    answer = client.simulate_get(path, query_string="limit=2")
    assert answer.headers["link"] == f'<{path}?limit=2&cursor=next+page%26more>; rel="next"'
    following = answer.headers["link"].split(">")[0][1:]
    assert "link" not in client.simulate_get(following).headers


def test_jobs_page_when_a_limit_is_given(client: Client, jobs: Any, job: dict[str, Any]) -> None:
    """With `limit` or `cursor` a page; a bad cursor is 400, a bad limit too."""
    assert client.simulate_get("/scheduler/jobs?limit=1").headers["link"]
    asked: dict[str, Any] = {
        "enabled_only": False,
        "bot_type": None,
        "q": None,
        "labels": [],
        "state": None,
        "limit": 1,
        "cursor": None,
    }
    assert jobs.calls[-1] == ("list", asked)
    assert client.simulate_get("/scheduler/jobs?cursor=2").status_code == 200
    for query in ("cursor=rubbish", "cursor=", "limit=0", "limit=1001"):
        assert client.simulate_get(f"/scheduler/jobs?{query}").status_code == 400


def test_the_whole_list_is_streamed(client: Client, jobs: Any) -> None:
    """Thousands of jobs come in pieces, and make one valid array; none make an empty one."""
    assert client.simulate_get("/scheduler/jobs").json == []
    jobs.stored = {str(n): {"id": str(n), "name": "x" * 300} for n in range(5000)}
    answer = client.simulate_get("/scheduler/jobs")
    assert [found["id"] for found in answer.json] == [str(n) for n in range(5000)]
    assert "content-length" not in answer.headers


def test_a_stream_that_breaks_never_looks_whole(client: Client, jobs: Any) -> None:
    """When Redis goes in the middle, the answer is broken off by an error, not ended."""

    def stream(**query: Any) -> Iterator[Sequence[bytes]]:
        yield from ([b'{"name":"%b"}' % (b"x" * 1000)] * 1000 for _ in range(10))
        raise StoreUnavailable("Redis cannot be reached")

    jobs.all = stream
    with pytest.raises(StoreUnavailable):
        client.simulate_get("/scheduler/jobs")


@pytest.mark.parametrize(
    "path",
    [
        "/scheduler/jobs",
        "/scheduler/jobs/{id}",
        "/scheduler/jobs/{id}/history",
        "/scheduler/jobs/{id}/runs/run-1",
        "/scheduler/jobs/{id}/preview",
        "/scheduler/contacts",
        "/scheduler/bots",
        "/scheduler/health",
    ],
)
def test_head_is_get_without_the_body(client: Client, job: dict[str, Any], path: str) -> None:
    """Same status and length; a slash at the end changes nothing."""
    address = path.format(id=job["id"])
    got, head, slashed = client.simulate_get(address), client.simulate_head(address), client.simulate_get(address + "/")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.content))
    assert slashed.content == got.content
    assert got.headers["cache-control"] == (
        "private, no-cache" if "etag" in got.headers and path != "/scheduler/jobs/{id}" else "no-store"
    )


def test_options_says_what_is_allowed(client: Client) -> None:
    """Without a body."""
    answer = client.simulate_options("/scheduler/jobs")
    assert (answer.status_code, answer.headers["allow"]) == (200, "GET, HEAD, POST")


def test_unhealthy_is_503_with_the_same_fields(client: Client, jobs: Any) -> None:
    """So that a monitor sees it by the status alone."""
    healthy = client.simulate_get("/scheduler/health")
    jobs.healthy = False
    unhealthy = client.simulate_get("/scheduler/health")
    assert (healthy.status_code, unhealthy.status_code) == (200, 503)
    assert healthy.json.keys() == unhealthy.json.keys()


def test_previews(client: Client, jobs: Any, job: dict[str, Any]) -> None:
    """Of a body, and of a job with `from` and `count`."""
    assert client.simulate_post("/scheduler/preview", json={}).status_code == 200
    client.simulate_get(f"/scheduler/jobs/{job['id']}/preview?from=2025-01-01T00:00:00&count=3")
    assert jobs.calls[-1] == ("preview_job", ("2025-01-01T00:00:00", 3))
    client.simulate_get(f"/scheduler/jobs/{job['id']}/preview")
    assert jobs.calls[-1] == ("preview_job", (None, 10))
    assert client.simulate_get(f"/scheduler/jobs/{job['id']}/preview?count=1001").status_code == 400


def test_an_address_book_is_imported(client: Client, contacts: Any) -> None:
    """The body arrives as sent; a form, an empty body and one over the limit (1 MiB here) import nothing."""
    card = b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:A\r\nEND:VCARD\r\n"
    path = "/scheduler/contacts/import"
    assert client.simulate_post(path, body=card).json["created"] == 1
    empty = client.simulate_post(path, body=b"")
    assert (empty.status_code, empty.json["detail"]) == (
        400, "The file is empty; send a vCard or CSV file with contacts.",
    )  # fmt: skip
    assert client.simulate_post(path, body=b"x" * (2**20 + 1)).status_code == 413
    form = client.simulate_post(path, body=card, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert form.status_code == 400
    assert "--data-binary" in form.json["detail"]
    assert contacts.imported == [card]


def test_contacts_leave_as_a_file(client: Client) -> None:
    """vCard unless CSV is asked for, under a name to be kept under; any other format is refused by name."""
    client.simulate_post("/scheduler/contacts", json={"name": "Ann"})
    card = client.simulate_get("/scheduler/contacts/export")
    assert card.headers["Content-Type"] == "text/vcard; charset=utf-8" and "FN:Ann\r\n" in card.text
    assert card.headers["Content-Disposition"] == 'attachment; filename="contacts.vcf"'
    table = client.simulate_get("/scheduler/contacts/export?format=csv")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8" and "Ann,Ann,," in table.text
    assert table.headers["Content-Disposition"] == 'attachment; filename="contacts.csv"'
    head = client.simulate_head("/scheduler/contacts/export")
    assert (head.status_code, head.content) == (200, b"")
    for query in ("format=xml", "format=vcard&format=csv", "format=%00", "format=VCARD"):
        refused = client.simulate_get(f"/scheduler/contacts/export?{query}")
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (400, "format"), query


def test_contacts_are_created_read_changed_and_deleted(client: Client) -> None:
    """201, 200, 200, 204, then 404; a twin is 409."""
    assert client.simulate_post("/scheduler/contacts", json={"name": "Ann"}).status_code == 201
    assert client.simulate_post("/scheduler/contacts", json={"name": "Ann"}).status_code == 409
    assert client.simulate_get("/scheduler/contacts").json == [{"name": "Ann", "id": "Ann"}]
    assert client.simulate_put("/scheduler/contacts/Ann", json={"language": "de"}).json["language"] == "de"
    assert client.simulate_get("/scheduler/contacts/Ann").json["language"] == "de"
    assert client.simulate_delete("/scheduler/contacts/Ann").status_code == 204
    assert client.simulate_get("/scheduler/contacts/Ann").status_code == 404


def test_bots_are_told_with_their_schema(client: Client) -> None:
    """Name, description and the config's JSON schema."""
    (bot,) = client.simulate_get("/scheduler/bots").json
    assert (bot["name"], bot["description"]) == ("echo", "Says what it is told.")
    assert bot["config_schema"]["properties"]["dry_run"]["default"] is False


def test_answers_are_utf8_and_survive_a_lone_surrogate() -> None:
    """Letters stay readable; what UTF-8 cannot carry is escaped, not an error."""
    assert dumps({"a": "ä😀", "b": "\ud800"}) == '{"a": "ä😀", "b": "\\ud800"}'.encode()
