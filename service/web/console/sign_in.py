"""Pages to sign in with the API key, and to sign out."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import falcon
from falcon.asgi import Request, Response

from service.errors import Forbidden
from service.web.callers.recognition import Callers, looks_mistyped
from service.web.console.page import SIGN_IN, Page, show
from service.web.http import query
from service.web.http.access import OPEN_PAGE
from service.web.http.body import OPEN_LIMIT, read, refuse_longer
from service.web.http.sessions import drop_cookie, set_cookie
from service.web.http.throttling.guesses import Guesses

WRONG = "Wrong key. Enter the value of the setting API_KEY, or a key that somebody made for you."
MISTYPED = "This key is mistyped or incomplete: its checksum does not match."
MOST_FIELDS = 20
"""The most fields that a sign-in form may have. It needs one."""
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


class SignIn(Page):
    """`/sign-in`."""

    access = OPEN_PAGE

    def __init__(self, callers: Callers, guesses: Guesses) -> None:
        self._callers = callers
        self._guesses = guesses

    async def on_get(self, req: Request, resp: Response) -> None:
        """Show the form, or redirect somebody who is already signed in."""
        then = own_path(query.text(req, "next"))
        if await self._callers.by_session(req) is not None:
            raise falcon.HTTPSeeOther(then)
        show(resp, "sign_in.html", then=then, refusal=None)

    on_head = on_get

    async def on_post(self, req: Request, resp: Response) -> None:
        """Check the key, set the cookie, and redirect.

        The address has the next page, so that the body can be short. The form of the previous release sends it too.
        """
        form = await read_form(req)
        then = own_path(query.text(req, "next") or form.get("next"))
        key = form.get("key", "").strip(" \t\r\n").encode("utf-8", "surrogateescape")
        try:
            token = await self._callers.sign_in(key, req)
        except Forbidden as error:
            refuse(resp, then, f"{error}.")
            return
        if token is None:
            await self._guesses.refuse(req)
            ended = await self._callers.lapsed(key)
            refuse(resp, then, f"{ended}." if ended else MISTYPED if looks_mistyped(key) else WRONG)
            return
        set_cookie(req, resp, token)
        raise falcon.HTTPSeeOther(then)


class SignOut(Page):
    """`/sign-out`."""

    access = OPEN_PAGE

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def on_post(self, req: Request, resp: Response) -> None:
        """End the session, and drop the cookie. While Redis is away, both are kept."""
        refuse_longer(req, OPEN_LIMIT)
        await self._callers.sign_out(req)
        drop_cookie(req, resp)
        raise falcon.HTTPSeeOther(SIGN_IN)


class SessionCheck(Page):
    """`/session`, where the sign-in page asks whether one is signed in.

    Browsers send the cookie from our own pages only. Somebody who follows a link in an alert's mail therefore reaches
    the sign-in page even with a session; its script asks here, and leads on.
    """

    access = OPEN_PAGE

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def on_get(self, req: Request, resp: Response) -> None:
        """Tell whether the request is signed in."""
        resp.media = {"signed_in": await self._callers.by_session(req) is not None}

    on_head = on_get


def refuse(resp: Response, then: str, sentence: str) -> None:
    """Show the form again, and why."""
    show(resp, "sign_in.html", then=then, refusal=sentence)
    resp.status = falcon.HTTP_403


def own_path(path: str | None) -> str:
    r"""Return `path` if it is one of ours, else the overview's. `//host` and `/\host` would lead to another site."""
    return path if path is not None and len(path) <= 2000 and _OWN_PATH.fullmatch(path) else "/"


async def read_form(req: Request) -> dict[str, str]:
    """Read a short form, the first value of each field."""
    text = (await read(req, OPEN_LIMIT)).decode("ascii", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_FIELDS)
    except ValueError:  # the only reason that a body can bring about is too many fields
        raise falcon.HTTPBadRequest(description=f"The form has more than {MOST_FIELDS} fields") from None
    return {name: values[0] for name, values in fields.items()}
