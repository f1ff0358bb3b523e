"""Count of the enabled jobs: a number beside the jobs, which the scheduler's sweep compares with the jobs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.store.server.exchange import execute
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)


def enabled_jobs(answer: Any) -> int:
    """Read Redis' answer to a GET of the count; one that outside hands have damaged counts as 0."""
    return max(0, _number(answer) or 0)


def _number(answer: Any) -> int | None:
    try:
        return int(answer or 0)
    except (ValueError, TypeError):
        return None


class EnabledCount:
    """Mends the count, should outside hands have changed it or a job.

    A round over the jobs takes a while, and jobs change meanwhile. So a round only counts if its pages have the same
    numbers of enabled jobs as in the round before: then these were the numbers at the instant between the two.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys.enabled_jobs
        self._former: list[int] = []
        self._pages: list[int] = []
        self._stood: int | None = None

    def take_in(self, job_ids: Sequence[str], *, ends: bool) -> None:
        """Count the enabled jobs of a round's next page; mend the count after the last page, if it is wrong.

        Args:
            job_ids: the page.
            ends: whether it is the last one of the round.
        """
        stood, *enabled = ask(
            self._scripts, ("GET", self._key), *(("HGET", self._scripts.keys.job(one), "enabled") for one in job_ids)
        )
        if not self._pages:
            self._stood = _number(stood)
        self._pages.append(enabled.count(b"1"))
        if ends:
            if self._pages == self._former:
                self._mend(sum(self._pages))
            self._former, self._pages = self._pages, []

    def _mend(self, counted: int) -> None:
        """Correct the count by as much as it was wrong when this round began; changes since then have been counted."""
        if self._stood == counted:
            return
        log.warning("The count of enabled jobs was %s, not %d; mended", self._stood, counted)
        if self._scripts.gate is not None:
            self._scripts.gate.write()
        with translate_errors():
            # Without a second try: a connection that breaks may have counted it already.
            if self._stood is None:
                execute(self._scripts.client, "SET", self._key, counted)
            else:
                execute(self._scripts.client, "INCRBY", self._key, counted - self._stood)
