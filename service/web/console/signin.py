"""Signing in with the API key, and out."""

from __future__ import annotations

import io
import re
from urllib.parse import parse_qs

import falcon

from service.web.console.page import SIGN_IN, Page, show
from service.web.http import query, sessions
from service.web.http.access import OPEN_PAGE
from service.web.http.body import OPEN_LIMIT, copy, refuse_longer
from service.web.http.refusals import Refusals
from service.web.http.sessions import Sessions

FIELDS = 20
"""The most that a sign-in form may have; it needs one."""
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


class SignIn(Page):
    """`/sign-in`"""

    access = OPEN_PAGE

    def __init__(self, known: Sessions, refusals: Refusals) -> None:
        self._sessions = known
        self._refusals = refusals

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The form; whoever is signed in goes on to where they wanted."""
        then = own_path(query.text(req, "next"))
        if self._sessions.signed_in(req):
            raise falcon.HTTPSeeOther(then)
        show(resp, "sign_in.html", then=then, refused=False)

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Take the key; give the cookie and lead on.

        Where to stands in the address, so that the body need not be long. A form of the release before sends it too.
        """
        form = _read_form(req)
        then = own_path(query.text(req, "next") or form.get("next"))
        token = self._sessions.open(form.get("key", "").strip(" \t\r\n").encode("utf-8", "surrogateescape"))
        if token is None:
            self._refusals.note(req.remote_addr)
            show(resp, "sign_in.html", then=then, refused=True)
            resp.status = falcon.HTTP_403
            return
        sessions.set_cookie(req, resp, token)
        raise falcon.HTTPSeeOther(then)


class SignOut(Page):
    """`/sign-out`"""

    access = OPEN_PAGE

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Take the cookie back."""
        refuse_longer(req, OPEN_LIMIT)
        sessions.drop_cookie(req, resp)
        raise falcon.HTTPSeeOther(SIGN_IN)


class SessionCheck(Page):
    """`/session`

    A link from elsewhere, such as from an alert's mail, comes without the cookie, since that is sent by our own pages
    only. The sign-in page asks here before it bothers anybody for the key.
    """

    access = OPEN_PAGE

    def __init__(self, known: Sessions) -> None:
        self._sessions = known

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Whether one is signed in."""
        resp.media = {"signed_in": self._sessions.signed_in(req)}

    on_head = on_get


def own_path(path: str | None) -> str:
    """Where to go on: a path of ours, else the overview. `//host` and `/\\host` would be another site's."""
    return path if path is not None and len(path) <= 2000 and _OWN_PATH.fullmatch(path) else "/"


def _read_form(req: falcon.Request) -> dict[str, str]:
    buffer = io.BytesIO()
    copy(req, buffer, OPEN_LIMIT)
    text = buffer.getvalue().decode("ascii", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=FIELDS)
    except ValueError:  # of those that it raises, more fields than that is the only one that a body can bring about
        raise falcon.HTTPBadRequest(description=f"The form has more than {FIELDS} fields") from None
    return {name: values[0] for name, values in fields.items()}
