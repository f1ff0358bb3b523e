"""Pages to sign in with the API key, and to sign out."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import falcon
from falcon.asgi import Request, Response

from service.web.console.page import SIGN_IN, Page, show
from service.web.http import query
from service.web.http.access import OPEN_PAGE
from service.web.http.body import OPEN_LIMIT, read, refuse_longer
from service.web.http.refusals import Refusals
from service.web.http.sessions import Sessions, drop_cookie, set_cookie

MOST_FIELDS = 20
"""The most fields that a sign-in form may have. It needs one."""
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


class SignIn(Page):
    """`/sign-in`."""

    access = OPEN_PAGE

    def __init__(self, sessions: Sessions, refusals: Refusals) -> None:
        self._sessions = sessions
        self._refusals = refusals

    async def on_get(self, req: Request, resp: Response) -> None:
        """Show the form, or redirect somebody who is already signed in."""
        then = own_path(query.text(req, "next"))
        if self._sessions.signed_in(req):
            raise falcon.HTTPSeeOther(then)
        show(resp, "sign_in.html", then=then, refused=False)

    on_head = on_get

    async def on_post(self, req: Request, resp: Response) -> None:
        """Check the key, set the cookie, and redirect.

        The address has the next page, so that the body can be short. The form of the previous release sends it too.
        """
        form = await _read_form(req)
        then = own_path(query.text(req, "next") or form.get("next"))
        token = self._sessions.open(form.get("key", "").strip(" \t\r\n").encode("utf-8", "surrogateescape"))
        if token is None:
            self._refusals.note(req.remote_addr)
            show(resp, "sign_in.html", then=then, refused=True)
            resp.status = falcon.HTTP_403
            return
        set_cookie(req, resp, token)
        raise falcon.HTTPSeeOther(then)


class SignOut(Page):
    """`/sign-out`."""

    access = OPEN_PAGE

    async def on_post(self, req: Request, resp: Response) -> None:
        """Drop the cookie."""
        refuse_longer(req, OPEN_LIMIT)
        drop_cookie(req, resp)
        raise falcon.HTTPSeeOther(SIGN_IN)


class SessionCheck(Page):
    """`/session`, where the sign-in page asks whether one is signed in.

    Browsers send the cookie from our own pages only. Somebody who follows a link in an alert's mail therefore reaches
    the sign-in page even with a session; its script asks here, and leads on.
    """

    access = OPEN_PAGE

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def on_get(self, req: Request, resp: Response) -> None:
        """Tell whether the request is signed in."""
        resp.media = {"signed_in": self._sessions.signed_in(req)}

    on_head = on_get


def own_path(path: str | None) -> str:
    r"""Return `path` if it is one of ours, else the overview's. `//host` and `/\host` would lead to another site."""
    return path if path is not None and len(path) <= 2000 and _OWN_PATH.fullmatch(path) else "/"


async def _read_form(req: Request) -> dict[str, str]:
    text = (await read(req, OPEN_LIMIT)).decode("ascii", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_FIELDS)
    except ValueError:  # the only reason that a body can bring about is too many fields
        raise falcon.HTTPBadRequest(description=f"The form has more than {MOST_FIELDS} fields") from None
    return {name: values[0] for name, values in fields.items()}
