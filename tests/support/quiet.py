"""An application of which nothing goes on after its test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.asgi import make_services
from service.settings import Settings
from service.store.keys import Keys
from service.store.server.connection import connect
from service.web.api.app import create_app
from service.web.http.throttling.guesses import Guesses


def quiet_application(url: str, root: str, guess_limit: int | None = None, **more: Any) -> Any:
    """The API, which counts wrong keys by itself and notes no refusal: both are sent to Redis later, in its own time.

    Args:
        url: Redis.
        root: the root key.
        guess_limit: wrong keys of one sender in a minute.
        more: further settings.
    """
    settings = Settings.model_validate({"redis_url": url, "api_key": root, "message_url": None, **more})
    services = make_services(settings, connect(settings, "web"), Keys())
    return create_app(replace(services, guesses=Guesses(limit=guess_limit), refusal_notes=None))
