"""What a resource declares is what the guard goes by; without a declaration nothing is served."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import falcon
import falcon.testing
import pytest

from service.domain.access.scopes import Scope
from service.web.api.app import App
from service.web.callers.lookups import Lookups
from service.web.callers.recognition import Callers
from service.web.http import errors
from service.web.http.access import BY_KEY, BY_SENT_KEY, BY_SESSION, OPEN, Access, Undeclared
from service.web.http.auth import ApiKeys
from service.web.http.guard import Guard
from service.web.http.sessions import COOKIE
from tests.support.fakes import FakeAccess
from tests.support.installation import ROOT
from tests.support.web_process import COMMAND, environment
from tests.support.world import session_of, token_of

pytestmark = pytest.mark.processes

KEYS = ApiKeys(["k"])
SESSIONS = FakeAccess()


class Answers:
    """A resource that says nothing of who may ask it."""

    async def on_get(self, req: falcon.Request, resp: falcon.Response, **_: str) -> None:
        """Something."""
        resp.media = {"told": True}

    on_post = on_get


class Open(Answers):
    """One that is open."""

    access = OPEN


class Inherits(Open):
    """One that was made of an open one, by somebody who thought of something else."""


class Keyed(Answers):
    """One of the API's."""

    access = BY_KEY.needing(get=Scope.READ, post=Scope.WRITE)


class Measures(Answers):
    """One for machines."""

    access = BY_SENT_KEY.needing(get=Scope.READ, post=Scope.WRITE)


class Shown(Answers):
    """A page."""

    access = BY_SESSION.needing(get=Scope.READ, post=Scope.WRITE)


class Named(Answers):
    """One that says it in a way that nobody understands."""

    access = "open"


class Empty(Answers):
    """One that is false as long as nothing is in it, such as a list is."""

    access = BY_KEY.needing(get=Scope.READ, post=Scope.WRITE)

    def __len__(self) -> int:
        return 0


class Doubtful(Answers):
    """One that says itself that it is false."""

    access = BY_KEY.needing(get=Scope.READ, post=Scope.WRITE)

    def __bool__(self) -> bool:
        return False


class Forgetful(Answers):
    """One that was given a method, and no scope for it."""

    access = BY_KEY.needing(get=Scope.READ)


class Hasty(Answers):
    """One that declares a scope for a method that it does not answer."""

    access = BY_KEY.needing(get=Scope.READ, post=Scope.WRITE, put=Scope.WRITE)


@pytest.fixture
def app() -> App:
    """An application with the guard and nothing else."""
    made = App(middleware=[Guard(Callers(KEYS, SESSIONS, SESSIONS, Lookups()), "/sign-in")])
    errors.install(made)
    return made


def opened(resource: Answers) -> Answers:
    """The same, with what its class should have said."""
    resource.access = OPEN  # type: ignore[attr-defined]
    return resource


@pytest.mark.parametrize(
    "resource", [Answers(), Inherits(), Named(), opened(Answers()), Empty(), Doubtful(), Forgetful(), Hasty(), Answers]
)
@pytest.mark.parametrize("add", ["add_route", "add_page", "add_tree"])
def test_a_route_that_nobody_would_guard_is_refused(app: App, resource: Any, add: str) -> None:
    """By a sentence that names it: no declaration, one that a parent made, one of the object alone, no true one; and
    a resource that Falcon would not show to the guard.
    """
    with pytest.raises(Undeclared, match=r"^The route /some/route cannot be served: "):
        getattr(app, add)("/some/route", resource)
    answer = falcon.testing.TestClient(app).simulate_get("/some/route")
    assert answer.status_code == 404


def test_what_falcon_shows_no_middleware_is_refused(app: App, tmp_path: Path) -> None:
    """Sinks and static routes are answered without a resource."""
    with pytest.raises(Undeclared, match="sink"):
        app.add_sink(lambda req, resp: None, "/x")
    with pytest.raises(Undeclared, match="static"):
        app.add_static_route("/x", str(tmp_path))


def test_what_got_past_the_start_is_refused_all_the_same(app: App) -> None:
    """A route that was put into the router itself is an error, not an opening."""
    app._router.add_route("/behind", Answers(), _asgi=True)
    answer = falcon.testing.TestClient(app).simulate_get("/behind", headers={"X-API-Key": "k"})
    assert (answer.status_code, answer.json) == (500, {"detail": "Internal server error"})


@pytest.mark.slow(reason="a real web process starts")
def test_a_route_without_a_declaration_stops_the_start(tmp_path: Path, free_port: int) -> None:
    """The real process ends at once with one line that names the route; it never listens."""
    (tmp_path / "forgetful.py").write_text(
        "from service.web.api.contacts import Contact\nfrom service.asgi import build\ndel Contact.access\n"
    )
    ended = subprocess.run(
        [*COMMAND, "--pythonpath", f"{ROOT},{tmp_path}", "forgetful:build()"],
        cwd=ROOT,
        env=environment(PORT=str(free_port), API_KEY="k"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "Listening" not in ended.stdout + ended.stderr
    assert ended.stderr == (
        "The route /scheduler/contacts/{contact_id} cannot be served: Contact does not declare who may ask it: "
        "give that class `access`\n"
    )


TOKEN = token_of("k")
SESSIONS.open(session_of(TOKEN, "k"), "root", "", "", "")
OWN = {"Cookie": f"{COOKIE}={TOKEN}", "Origin": "http://falconframework.org"}
ELSEWHERE = {"Cookie": f"{COOKIE}={TOKEN}", "Origin": "http://evil.example"}
BEARER = {"Authorization": "Bearer k"}
KEY = {"X-API-Key": "k"}


@pytest.mark.parametrize(
    ("resource", "method", "headers", "status"),
    [
        (Open(), "POST", {}, 200),
        (Keyed(), "GET", {}, 401),
        (Keyed(), "GET", KEY, 200),
        (Keyed(), "GET", OWN, 200),
        (Keyed(), "GET", ELSEWHERE, 401),
        (Keyed(), "GET", BEARER, 200),
        (Keyed(), "GET", OWN | {"X-API-Key": "wrong"}, 401),
        (Keyed(), "PUT", {}, 401),
        (Keyed(), "PUT", KEY, 405),
        (Keyed(), "OPTIONS", {}, 401),
        (Keyed(), "OPTIONS", KEY, 200),
        (Measures(), "GET", KEY, 200),
        (Measures(), "GET", BEARER, 200),
        (Measures(), "GET", OWN, 401),
        (Measures(), "GET", BEARER | {"X-API-Key": "wrong"}, 401),
        (Shown(), "GET", {}, 303),
        (Shown(), "GET", KEY, 303),
        (Shown(), "GET", ELSEWHERE, 200),
        (Shown(), "POST", ELSEWHERE, 403),
        (Shown(), "POST", OWN, 200),
        (Shown(), "POST", {"Origin": OWN["Origin"]}, 303),
        (Shown(), "PUT", {}, 403),
    ],
)
def test_the_guard_goes_by_the_declaration(
    app: App, resource: Answers, method: str, headers: dict[str, str], status: int
) -> None:
    """Which proofs count, where from, and before the method is looked at."""
    app.add_page("/x", resource)
    client = falcon.testing.TestClient(app)
    assert client.simulate_request(method, "/x", headers=headers).status_code == status


def test_a_declaration_without_a_proof_is_what_is_called_open() -> None:
    """No other is."""
    assert OPEN.is_open
    assert not any(access.is_open for access in (BY_KEY, BY_SENT_KEY, BY_SESSION))
    assert Access(frozenset(), own_pages_change=True).is_open
