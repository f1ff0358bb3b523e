"""Every route × method × spelling × what a stranger may bring, over raw sockets: only what is meant to open opens."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping

import pytest

from service.web.api.heartbeats.pings import ROUTES
from tests.api.spellings import elsewhere, refused, same
from tests.support.installation import API_KEY
from tests.support.wire import Answer, request
from tests.support.world import (
    JOB,
    KEY,
    MARK,
    MORE_STRANGERS,
    OWN_ORIGIN,
    STRANGERS,
    VISITED,
    World,
    basic,
    cookie,
    world_in,
)

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="every address is asked as every stranger"),
]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
LOOKS = ("GET", "HEAD", "OPTIONS")

Statuses = tuple[dict[str, int], int]
READ = {"GET": 200, "HEAD": 200, "OPTIONS": 200, "BREW": 400}
UNWELL = {**READ, "GET": 503, "HEAD": 503}  # no scheduler runs here
FORM = {"GET": 200, "HEAD": 200, "OPTIONS": 200}
OPEN: dict[str, Statuses] = {
    "/scheduler/health": (UNWELL, 405),
    "/openapi.json": (READ, 405),
    "/docs": (READ, 405),
    "/docs/api.md": (READ, 405),
    "/llms.txt": (READ, 405),
    "/static": ({**READ, "GET": 404, "HEAD": 404}, 405),
    "/static/console.css": (READ, 405),
    "/static/sign-in.js": (READ, 405),
    "/sign-in": (FORM, 403),
    "/session": (FORM, 403),
    "/sign-out": ({"GET": 405, "HEAD": 405, "OPTIONS": 200}, 403),
}
"""All that is meant to be open: path -> the statuses by method, and the status of all other methods."""
FROM_OWN_PAGES: dict[str, Statuses] = {
    "/sign-in": ({**READ, "POST": 403}, 405),
    "/session": (READ, 405),
    "/sign-out": ({"GET": 405, "HEAD": 405, "OPTIONS": 200, "POST": 303, "BREW": 400}, 405),
}
"""The same of requests with our own Origin, where that makes a difference."""
PAGES = (
    "/", "/jobs", "/jobs/new", "/jobs/{job_id}", "/jobs/{job_id}/edit", "/jobs/{job_id}/yaml", "/export.yaml",
    "/jobs/{job_id}/runs/{run_id}", "/jobs/{job_id}/runs/{run_id}/events", "/runs", "/contacts", "/contacts/new",
    "/jobs/deleted", "/jobs/{job_id}/backfills", "/jobs/{job_id}/occurrences", "/jobs/{job_id}/revisions",
    "/jobs/{job_id}/revisions/{revision}",
    "/contacts/{contact_id}", "/contacts.vcf", "/contacts.csv", "/contacts/duplicates", "/find", "/runs.csv",
    "/calendars", "/calendars/{name}", "/calendars/{name}/edit", "/new-calendar", "/clock-changes", "/coming",
    "/pauses", "/alerts",
    "/access", "/access/keys/new", "/access/keys/{key_id}", "/access/sessions", "/access/audit",
)  # fmt: skip
"""What a session shows; a stranger is led to the sign-in."""
BADGES = ("/badge/{token}.svg", "/badge/{token}.json", "/status/{token}")
BY_ADDRESS = ("/feed/{token}.ics", *BADGES)
LINK = "/link/{token}"
"""Open to all, who find nothing behind an invalid link: see `tests/console/test_link_page.py`."""
OF_A_FEED: Mapping[str, int] = {"GET": 403, "HEAD": 403, "POST": 403, "OPTIONS": 200}
"""What a feed's key is answered where pings go."""
REFUSED = {
    401: (
        "The key in this address is not valid",
        "An API key is required: send it in the X-API-Key header",
        "The API key in the X-API-Key header is not valid",
        "Enter the API key as the password; the user name does not matter",
    ),
    403: ("The request did not come from a page of this console (no matching Origin)",),
    404: ("There is nothing at this address",),
}
"""All that a stranger is told."""

MALFORMED = (
    "The first line of the request is malformed",
    "The method in the first line of the request is malformed",
)
"""What the server says of requests that it does not hand over."""

Asked = tuple[str, str, str, str]
"""Path, method, target and headers of a request."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all: no test changes it."""
    with world_in(tmp_path_factory.mktemp("crossing")) as found:
        yield found


def detail(answer: Answer) -> str:
    """The sentence of an error."""
    try:
        return str(json.loads(answer.body)["detail"])
    except (ValueError, KeyError, TypeError):
        return ""


def is_refusal(method: str, answer: Answer) -> bool:
    """Whether nothing is open here, and no more is told than that."""
    if answer.status == 303:
        return re.match(r"/sign-in($|\?next=)", answer.location) is not None
    if method == "HEAD":
        return answer.status in (400, *REFUSED)
    if answer.status == 400:  # the server's own; Falcon's tells of a method, and that there is a route
        return detail(answer) in MALFORMED
    return detail(answer) in REFUSED.get(answer.status, ())


def is_page(world: World, path: str) -> bool:
    """Whether it is one of the console's pages that need a session."""
    return path in map(world.fill, PAGES)


def meant(world: World, path: str, method: str, headers: str) -> int:
    """The status that a stranger is to get at an address in its own spelling."""
    from_own_page = OWN_ORIGIN in headers
    if method == "BREW":  # the server hands no unknown method over
        return 400
    if path in map(world.fill, BY_ADDRESS):  # a key stands in the address; it opens no more than this
        return READ.get(method, 405)
    if path in map(world.fill, ROUTES):
        return OF_A_FEED.get(method, 405)
    if path == world.fill(LINK):
        return (
            200
            if method == "OPTIONS"
            else 404
            if method in LOOKS or (from_own_page and method == "POST")
            else (405 if from_own_page else 403)
        )
    if path in OPEN:
        by_method, otherwise = FROM_OWN_PAGES.get(path, OPEN[path]) if from_own_page else OPEN[path]
        return by_method.get(method, otherwise)
    if is_page(world, path):
        return 303 if method in LOOKS or from_own_page else 403
    return 401


def is_right(world: World, asked: Asked, answer: Answer) -> bool:
    """Whether a stranger was answered as is meant."""
    path, method, target, headers = asked
    if MARK.encode() in answer.body or (answer.status == 303 and not is_refusal(method, answer)):
        return False
    if path == world.fill(LINK) and target.startswith("/link/"):  # whatever stands there is another invalid link
        return answer.status in (400, 404, meant(world, path, method, headers))
    if path in map(world.fill, BADGES) and target == f"{path}?x=y" and method in ("GET", "HEAD"):
        return answer.status == 400  # no parameter is passed over
    if target in same(path):
        return answer.status == meant(world, path, method, headers)
    if target.startswith("/static/") and method not in ("GET", "HEAD"):  # asked for openly, whatever the name
        return answer.status in (200, 400, 404, 405)
    return is_refusal(method, answer)


def odd(world: World, path: str) -> list[str]:
    """What is no address' own spelling."""
    plain = {target for other in world.paths for target in same(other)}
    return [target for target in (*refused(path).values(), *elsewhere(path).values()) if target not in plain]


def cross(world: World, plan: list[Asked]) -> list[Answer]:
    """Asks all. Bodies are such as would make a job where they got through."""
    body = {method: json.dumps(JOB).encode() for method in ("POST", "PUT", "PATCH")}
    return world.ask_all(
        [request(method, target, headers, body.get(method, b"")) for _, method, target, headers in plan]
    )


def plan_of(world: World) -> Iterator[Asked]:
    """Every route with all that strangers bring, and further addresses of a route without a key."""
    for paths in world.addresses.values():
        for path in paths:
            brought = STRANGERS if path == paths[0] else {"no key": ""}
            for target in [*same(path), *odd(world, path)]:
                for method in METHODS:
                    yield from ((path, method, target, headers) for headers in brought.values())


def shown(world: World) -> dict[str, int]:
    """What everybody is answered who brings what is asked for there."""
    headers = [cookie() if is_page(world, path) else KEY + basic(API_KEY) for path in world.paths]
    answers = cross(world, [(path, "GET", path, brought) for path, brought in zip(world.paths, headers, strict=True)])
    return dict(zip(world.paths, [answer.status for answer in answers], strict=True))


def wrong_of(world: World, plan: list[Asked]) -> list[tuple[str, str, str, int, bytes]]:
    """Asks all. Returns what strangers were not to be answered."""
    return [
        (method, target, headers, answer.status, answer.body[:80])
        for (path, method, target, headers), answer in zip(plan, cross(world, plan), strict=True)
        if not is_right(world, (path, method, target, headers), answer)
    ]


def test_only_what_is_meant_to_be_open_is_open_to_strangers(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """However an address is spelled, whatever the method, whatever is brought; nothing is changed and nothing told."""
    plan = list(plan_of(world))
    assert (len(METHODS), len(STRANGERS)) == (9, 4)
    assert len(odd(world, "/scheduler/jobs")) >= 60
    assert len(world.addresses) >= 44
    assert len(plan) >= 100_000
    before, shown_before = world.stored(), shown(world)
    started = time.monotonic()
    wrong = wrong_of(world, plan)
    with capsys.disabled():
        print(f"\n{len(plan)} requests to {len(world.paths)} addresses in {time.monotonic() - started:.0f} s")
    assert wrong == []
    assert world.stored() == before
    assert shown(world) == shown_before, "who brings the key is answered the same as before"
    assert not set(shown_before.values()) & {401, 303, 500}
    assert list(shown_before.values()).count(200) >= 40


def test_nothing_else_that_a_stranger_brings_opens_anything(world: World) -> None:
    """Another's cookie, wrong passwords, doubled headers, and headers that other servers take for the address."""
    before = world.stored()
    plan = [
        (path, method, target, headers)
        for path in world.paths
        for target in (path, f"/{path}", f"/%2f{path[1:]}")
        for method in METHODS
        for headers in MORE_STRANGERS.values()
    ]
    assert len(plan) >= 18_000
    assert wrong_of(world, plan) == []
    assert world.stored() == before


def test_pages_of_other_sites_act_nowhere_with_somebodys_cookie(world: World) -> None:
    """A browser sends it along; it shows pages, which another site cannot read, and does nothing else."""
    before = world.stored()
    plan = [
        (path, method, target, headers)
        for path in world.paths
        for target in (path, f"/{path}", f"/%2f{path[1:]}", f"http://x{path}")
        for method in METHODS
        for headers in VISITED.values()
    ]
    wrong = [
        (method, target, headers, answer.status)
        for (path, method, target, headers), answer in zip(plan, cross(world, plan), strict=True)
        if answer.status != visited(world, path, method, target)
        and not (path.startswith("/rq") and method in ("GET", "HEAD") and target == path)
    ]
    assert wrong == []
    assert world.stored() == before


def visited(world: World, path: str, method: str, target: str) -> int:
    """The status that is meant for a request with a cookie from elsewhere."""
    if method == "BREW":
        return 400
    if target != path:
        return 404
    if path == "/sign-in" and method in ("GET", "HEAD"):
        return 303
    if path.endswith("/events") and method == "HEAD":
        return 405
    if is_page(world, path):
        return 200 if method in LOOKS else 403
    if path.startswith("/rq"):
        return 403
    return meant(world, path, method, "")


def test_an_odd_spelling_is_the_same_404_with_the_key_as_without(world: World) -> None:
    """No address has another spelling, and whoever tries them learns nothing by the answer's head or body."""
    targets = [target for path in world.paths for target in refused(path).values() if target not in same(path)]
    assert len(targets) >= 2_500
    tellings: list[list[tuple[int, list[bytes], bytes]]] = []
    for headers in ("", KEY, cookie() + OWN_ORIGIN, basic(API_KEY)):
        answers = cross(world, [("", "GET", target, headers) for target in targets])
        tellings.append([(answer.status, names(answer), answer.body) for answer in answers])
    assert [target for target, telling in zip(targets, tellings[0], strict=True) if telling[0] not in (400, 404)] == []
    assert [telling[0] for telling in tellings[0]].count(404) >= 2_000
    for telling in tellings[1:]:
        assert telling == tellings[0]


def names(answer: Answer) -> list[bytes]:
    """The names of its headers."""
    return [line.partition(b":")[0] for line in answer.head.splitlines()[1:]]
