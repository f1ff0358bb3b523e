"""Judges the jobs of which something is expected: late, slow, or with an empty result.

Nothing here ends a run. The scripts note what happens in the step in which it does, the rules are pure
(`service.domain.expectations.verdict`), and a script writes the verdict only if its facts still hold, together with
what is told of it. So a scheduler that dies at any moment has told a breach or has not, and the next one tells no
breach twice.
"""

from __future__ import annotations

import logging

from service.store.jobs.expectations import ExpectationStore
from service.store.scripts import Scripts

log = logging.getLogger(__name__)

ASIDE_MS = 300_000
"""A job that cannot be judged is looked at again after this."""


class Expectations:
    """The leading scheduler's look at the jobs of which something is expected.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._store = ExpectationStore(scripts)

    def step(self) -> float | None:
        """Judge what is due. Return the seconds until there is more to do; None if nothing is foreseen."""
        now_ms, due, left = self._store.due()
        if not due:
            return left
        for one in self._store.judge(due, now_ms):
            extra = {"job_id": one.job_id}
            if one.word not in ("judged", "stale", "gone"):
                log.error("Job %s: what is expected of it %s", one.job_id, one.word, extra=extra)
                self._store.put_off(one.job_id, now_ms + ASIDE_MS)
            elif one.word == "judged" and one.verdict is not None:
                for kind, said in one.verdict.notes:
                    log.info("Job %s: %s of %s: %s", one.job_id, kind, said["expectation"], said["said"], extra=extra)
        _, due, left = self._store.due()
        return 0.0 if due else left
