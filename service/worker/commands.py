"""RQ's commands to a worker. They come by pub/sub, where any client of the same server may send them.

Of these, one is obeyed that names the run under way, and it means no more than our own cancel. Everything else is
passed over and told once in a while, unless the setting RQ_COMMANDS has it otherwise.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from service.worker.ipc import Began

log = logging.getLogger(__name__)

Allowed = Literal["stop-job", "all", "none"]

LONGEST = 1024
"""Bytes of a command; RQ's own have about a hundred."""
TELL_EVERY = 60.0
"""Seconds between two log lines about commands that are ignored."""


class _Refused(Exception):
    """Why a command is ignored, for people."""


class Commands:
    """Hears commands on RQ's pub/sub thread, and keeps what the worker is to do until its own thread asks.

    Args:
        allowed: `stop-job`: a cancel of the run under way; `all`: also RQ's `stop-execution`, `kill-horse` and
            `shutdown`; `none`.
        under_way: tells the run that the worker is at.
        shut_down: has the worker take no more runs and end.
    """

    def __init__(self, allowed: Allowed, under_way: Callable[[], Began | None], shut_down: Callable[[], None]) -> None:
        self._allowed = allowed
        self._under_way = under_way
        self._shut_down = shut_down
        self._stop: str | None = None
        self._kill: str | None = None
        self._ignored = 0
        self._tell_at = 0.0

    def heard(self, message: Mapping[str, Any]) -> None:
        """Takes what came on the channel, whatever it is. Never raises: that would end the thread."""
        try:
            self._obey(*_understood(message.get("data")))
        except _Refused as refusal:
            self._tell(str(refusal))
        except Exception as error:  # noqa: BLE001 - see above
            self._tell(type(error).__name__)

    def is_stopped(self, token: str) -> bool:
        """Whether the run of this claim is to be cancelled."""
        return self._stop == token

    def is_killed(self, token: str) -> bool:
        """Whether the horse is to be killed that carries out the run of this claim."""
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
            raise _Refused(f"{command!r} names no run that this worker is at")
        else:
            log.info("Run %s: RQ's command %s is heard", run.run_id, command, extra=run.ids)

    def _stop_job(self, run: Began, payload: Mapping[str, Any]) -> bool:
        if payload.get("job_id") != run.run_id:
            return False
        self._stop = run.token
        return True

    def _stop_execution(self, run: Began, payload: Mapping[str, Any]) -> bool:
        return payload.get("execution_id") == run.token and self._stop_job(run, payload)

    def _kill_horse(self, run: Began, payload: Mapping[str, Any]) -> bool:
        self._kill = run.token
        return True

    def _tell(self, why: str) -> None:
        self._ignored += 1
        if time.monotonic() >= self._tell_at:
            log.warning("Ignored on RQ's channel: %s (%d since the last such line)", why, self._ignored)
            self._ignored, self._tell_at = 0, time.monotonic() + TELL_EVERY


def _understood(data: object) -> tuple[str, Mapping[str, Any]]:
    """A command's name and all of it.

    Raises:
        _Refused: it is none of RQ's.
    """
    if not isinstance(data, bytes) or len(data) > LONGEST:
        raise _Refused(f"{len(data):,} bytes" if isinstance(data, bytes) else "no text")
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError):
        raise _Refused("what is not JSON") from None
    command = payload.get("command") if isinstance(payload, dict) else None
    if not isinstance(command, str):
        raise _Refused("what is no command")
    return command, payload
