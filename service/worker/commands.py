"""RQ's commands to a worker. They come by pub/sub, where any client of the same server may send them.

By default one command is obeyed: to stop the run under way, by its id, which does no more than our own cancel. All
others are ignored, which the log says once a minute. The setting RQ_COMMANDS changes that.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from service.seldom import Seldom
from service.worker.board import UnderWay

log = logging.getLogger(__name__)

Allowed = Literal["stop-job", "all", "none"]

LONGEST = 1024
"""Bytes of a command; RQ's own have about a hundred."""


class _Refused(Exception):
    """Why a command is ignored, for people."""


class Commands:
    """Hears commands on RQ's pub/sub thread, and remembers them until the worker's own thread asks.

    Args:
        allowed: `stop-job`: a cancel of the run under way; `all`: also RQ's `stop-execution`, `kill-horse` and
            `shutdown`; `none`.
        under_way: returns the run under way.
        shut_down: has the worker take no more runs and end.
        clock: monotonic seconds.
    """

    def __init__(
        self, allowed: Allowed, under_way: Callable[[], UnderWay | None], shut_down: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._allowed = allowed
        self._under_way = under_way
        self._shut_down = shut_down
        self._stop: str | None = None
        self._early: str | None = None  # RQ names a run as soon as it is claimed, before its horse has said so
        self._kill: str | None = None
        self._ignored = Seldom(log, logging.WARNING, clock)

    def heard(self, message: Mapping[str, Any]) -> None:
        """Handle whatever came on the channel. Never raise: that would end the thread."""
        try:
            self._obey(*_understood(message.get("data")))
        except _Refused as refusal:
            self._ignored.note(f"Ignored on RQ's channel: {refusal}")
        except Exception as error:  # noqa: BLE001 - see above
            self._ignored.note(f"Ignored on RQ's channel: {type(error).__name__}")

    def is_stopped(self, token: str, run_id: str) -> bool:
        """Return whether the run of this claim is to be cancelled."""
        return self._stop == token or self._early == run_id

    def is_killed(self, token: str) -> bool:
        """Return whether the horse that carries out the run of this claim is to be killed."""
        return self._kill == token

    def _obey(self, command: str, payload: Mapping[str, Any]) -> None:
        run = self._under_way()
        known = {"stop-job": self._stop_job, "stop-execution": self._stop_execution, "kill-horse": self._kill_horse}
        if command != self._allowed and self._allowed != "all":
            raise _Refused(f"{command[:20]!r}; the setting RQ_COMMANDS is {self._allowed}")
        if command == "shutdown":
            self._shut_down()
        elif command not in known:
            raise _Refused(f"{command[:20]!r} is unknown")
        elif run is None or not known[command](run, payload):
            if command == "stop-job":
                self._early = str(payload.get("job_id"))
            raise _Refused(f"{command!r} does not name the run under way")
        else:
            log.info("Run %s: heard RQ's command %s", run.run_id, command, extra=run.ids)

    def _stop_job(self, run: UnderWay, payload: Mapping[str, Any]) -> bool:
        if payload.get("job_id") != run.run_id:
            return False
        self._stop = run.token
        return True

    def _stop_execution(self, run: UnderWay, payload: Mapping[str, Any]) -> bool:
        return payload.get("execution_id") == run.token and self._stop_job(run, payload)

    def _kill_horse(self, run: UnderWay, payload: Mapping[str, Any]) -> bool:
        self._kill = run.token
        return True


def _understood(data: object) -> tuple[str, Mapping[str, Any]]:
    """Return a command's name and its payload.

    Raises:
        _Refused: it is not one of RQ's.
    """
    if not isinstance(data, bytes) or len(data) > LONGEST:
        raise _Refused(f"{len(data):,} bytes" if isinstance(data, bytes) else "not text")
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError):
        raise _Refused("invalid JSON") from None
    command = payload.get("command") if isinstance(payload, dict) else None
    if not isinstance(command, str):
        raise _Refused("no command in it")
    return command, payload
