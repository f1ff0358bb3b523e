"""Use case of the record of alerts: who was told what, when, and by how many tries."""

from __future__ import annotations

from service.alerting.alert_texts import OF_THE_SERVICE
from service.domain.alerting.rule import KINDS
from service.domain.ids import is_id
from service.domain.input.refusals import Refusals, echo, listed
from service.domain.timestamps import parse_period
from service.store.alerting import record
from service.store.alerting.record import STATES, RecordFilter
from service.store.scripts import Scripts
from service.usecases.views import Page

OTHER_KINDS = ("breach_over", *OF_THE_SERVICE)
"""Kinds of alerts that rules know by another name."""
FILTER_KINDS = (*KINDS, *OTHER_KINDS)
"""What a filter may name: the name of a kind, or `service`, as rules call all that belongs to no job."""


class ToldAlerts:
    """Alerts that were sorted, with their deliveries.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def page(
        self, *, limit: int, cursor: str | None = None, kind: str | None = None, channel: str | None = None,
        state: str | None = None, job_id: str | None = None, since: str | None = None, until: str | None = None,
    ) -> Page:  # fmt: skip
        """Read a page of alerts, newest first.

        Args:
            limit: the most alerts on the page.
            cursor: the `next_cursor` of the page before.
            kind: only these, of `FILTER_KINDS`.
            channel: only those told to this channel.
            state: only those with a delivery that is `waiting`, `sent` or `given_up`; of the channel, if it is named.
            job_id: only those of this job.
            since: only those at or after this timestamp.
            until: only those before this timestamp.

        Returns:
            The page. With a filter it may be short although more alerts follow.

        Raises:
            ValidationFailed: a filter or the cursor is invalid.
        """
        refusals = Refusals()
        if cursor is not None and not is_id(cursor):
            refusals.add("cursor", "must be the cursor of an earlier page")
        if kind is not None and kind not in FILTER_KINDS:
            refusals.add("kind", f"must be {listed(FILTER_KINDS)}, not {echo(kind)}")
        if state is not None and state not in STATES:
            refusals.add("state", f"must be {listed(STATES)}, not {echo(state)}")
        if job_id is not None and not is_id(job_id):
            refusals.add("job_id", f"must be the id of a job, not {echo(job_id)}; leave it out for all")
        refusals.raise_any()
        start, end = parse_period(since, until)
        kinds = OF_THE_SERVICE if kind == "service" else () if kind is None else (kind,)
        wanted = RecordFilter(
            kinds, channel, state, job_id, None if start is None else start * 1000, None if end is None else end * 1000
        )
        return Page(*record.page(self._scripts, limit, cursor, wanted))
