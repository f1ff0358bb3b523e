"""Client for bots that waits while Redis refuses all writes."""

from __future__ import annotations

import logging
import time
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from service.errors import StoreUnavailable, WritesRefused
from service.outage import outage
from service.store.server import answers

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.0
"""Seconds between two tries."""


class PatientRedis(Redis):
    """A client that waits for as long as Redis refuses all writes, so that runs do not fail for that.

    Redis did not carry out a command that it refused, so it is safe to send it again. The run's watchdog ends the wait
    when the run's time is up.
    """

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Execute a command as the base class does, as often as needed."""
        while True:
            try:
                return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except ResponseError as error:
                if not self.has_waited_for(error):
                    raise

    def has_waited_for(self, *found: object) -> bool:
        """Wait a moment if one of these answers is such a refusal, and return whether there was one."""
        refused = next((error for error in found if is_refusal(error)), None)
        if refused is None:
            return False
        outage.tell(log, answers.of_answer(str(refused)) or StoreUnavailable(), "A bot waits to write")
        time.sleep(PATIENCE_SECONDS)
        return True


def is_refusal(answer: object) -> bool:
    """Return whether Redis refused a write as it refuses everybody's."""
    return isinstance(answer, ResponseError) and isinstance(answers.of_answer(str(answer)), WritesRefused)
