"""Fixtures with a real server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.web_process import COMMAND, Web, serving

CONFIG = """
from service.gunicorn_config import *
from service.web.server.connection import Connection
wsgi_app = "tests.support.asgi_app:app"
"""

Serve = Callable[..., contextlib.AbstractContextManager[Web]]


def serve(folder: Path, config: str = "", **settings: str) -> contextlib.AbstractContextManager[Web]:
    """One process, with more lines in its configuration, and other settings."""
    path = folder / "config.py"
    path.write_text(CONFIG + config)
    return serving([*COMMAND[:-1], str(path)], **{"WEB_CONCURRENCY": "1", **settings})


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A server with the deadlines that it always has."""
    with serve(tmp_path_factory.mktemp("small")) as web:
        yield web


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A server in which a head, and the next request of a connection, have a second."""
    with serve(tmp_path_factory.mktemp("hasty"), "Connection.head_seconds = 1.0\nkeepalive = 1\n") as web:
        yield web
