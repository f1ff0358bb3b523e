"""Which instants a backfill means: found in the job's account, or refused where that knows too little."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from service.domain.backfilling import instants
from service.domain.backfilling.instants import Instant
from service.domain.backfilling.request import MOST_INSTANTS, BackfillRequest
from service.domain.fates.instants import MOST_WALKED
from service.domain.fates.losses import IN_WORDS
from service.domain.timestamps import format_timestamp
from service.errors import ScheduleError, ValidationFailed
from service.usecases.fates.occurrences import Reading, too_long


def find(read: Reading, asked: BackfillRequest) -> list[Instant]:
    """Find the instants that a request means, in order.

    Args:
        read: the job's account.
        asked: the request.

    Raises:
        ValidationFailed: the span reaches into the future, or back to where too little is known, or has too many
            instants.
    """
    now = read.books.now_ms // 1000
    if asked.until > now + 1:
        raise ValidationFailed.of("until", "must not be in the future: what is to come runs by itself")
    until = min(asked.until, instants.decided_until(read.books.record, now))
    try:
        return _few(_meant(read, asked, until))
    except ScheduleError as error:
        raise ValidationFailed.of("since", f"must leave a span that can be worked out: {error}") from error


def _meant(read: Reading, asked: BackfillRequest, until: int) -> Iterable[Instant]:
    if asked.only == "failed":
        return instants.failed(read.account, asked.since, asked.until)
    if asked.only == "all":
        _refuse_before(
            instants.known_since(read.account), asked.since, "how the schedule was before cannot be worked out any more"
        )
        return instants.named(read.account, asked.since, until)
    _refuse_before(
        read.loss.at, asked.since,
        f"{IN_WORDS[read.loss.why]}, and only from then on it is known for which instants nothing ran; for earlier "
        'ones, ask for all of them with "only": "all"',
    )  # fmt: skip
    return _looked_at(instants.missing(read.account, asked.since, until))


def _refuse_before(known: int, since: int, why: str) -> None:
    if since < known:
        raise ValidationFailed.of("since", f"must not be before {format_timestamp(known)}: {why}")


def _looked_at(found: Iterable[Instant | None]) -> Iterator[Instant]:
    for number, one in enumerate(found):
        if number == MOST_WALKED:
            raise too_long()
        if one is not None:
            yield one


def _few(found: Iterable[Instant]) -> list[Instant]:
    few = list(islice(found, MOST_INSTANTS + 1))
    if len(few) > MOST_INSTANTS:
        raise ValidationFailed.of("until", f"must be earlier: a backfill has at most {MOST_INSTANTS:,} instants")
    return few
