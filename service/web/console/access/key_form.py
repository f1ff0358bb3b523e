"""Forms to make a key, and to change, rotate and revoke one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.domain.access.key_requests import LONGEST_OVERLAP, NOTE_LIMIT
from service.domain.access.scopes import SETS, Scope
from service.domain.heartbeats.terms import HEARTBEAT
from service.usecases.access.keys import StoredKeys
from service.usecases.access.sight import seen_bots
from service.usecases.jobs import Jobs
from service.web.console.access.offers import KEYS, may_change, may_rotate, tabs
from service.web.console.access.scope_words import in_words, offered_scopes, offered_sets, set_of
from service.web.console.page import RenderedPage, show
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool
from service.web.services import Bots

JOBS_READ, LABELS_OFFERED = 200, 12
"""Jobs that are looked at, and how many of their labels the form offers at a click."""
OVERLAPS = (
    (0, "at once"), (3600, "after 1 hour"), (86_400, "after 1 day"), (LONGEST_OVERLAP, "after 1 week"),
)  # fmt: skip
"""When the former secret of a rotated key stops working: seconds, words."""
USUAL_OVERLAP = 3600
LIFETIMES = ((30, "In 30 days"), (90, "In 90 days"), (365, "In a year"))
"""Days after which a key may expire, at a click."""


class NewKey(RenderedPage):
    """`/access/keys/new`."""

    access = BY_SESSION.needing(get=Scope.ADMIN)

    def __init__(self, pool: Pool, keys: StoredKeys, jobs: Jobs, bots: Bots) -> None:
        super().__init__(pool)
        self._keys = keys
        self._jobs = jobs
        self._bots = bots

    def render(self, req: Request, resp: Response) -> None:
        """Show an empty form: a viewer, within the limits of the reader's own key."""
        own, limits = self._keys.me(), caller().limits
        key = {
            "id": None, "name": "", "note": None, "scopes": [scope.value for scope in SETS["viewer"] & caller().scopes],
            "labels": own["labels"], "bot_types": None if limits.bot_types is None else sorted(limits.bot_types),
            "expires_at": own["expires_at"],
        }  # fmt: skip
        _show(resp, key, own, sorted(seen_bots(self._bots)), _labels_of(self._jobs), _watched(self._jobs))


class EditKey(RenderedPage):
    """`/access/keys/{key_id}`."""

    access = BY_SESSION.needing(get=Scope.ADMIN)

    def __init__(self, pool: Pool, keys: StoredKeys, jobs: Jobs, bots: Bots) -> None:
        super().__init__(pool)
        self._keys = keys
        self._jobs = jobs
        self._bots = bots

    def render(self, req: Request, resp: Response, key_id: str) -> None:
        """Show the key, and to those who may change it the form with its terms."""
        key = self._keys.get(key_id)
        bots = sorted({*seen_bots(self._bots), *(key["bot_types"] or ())})
        _show(resp, key, self._keys.me(), bots, _labels_of(self._jobs))


def _show(
    resp: Response, key: Mapping[str, Any], own: Mapping[str, Any], bots: Sequence[str],
    offered_labels: Sequence[str], watched: Sequence[tuple[str, str]] = (),
) -> None:  # fmt: skip
    show(
        resp,
        "access_key.html",
        KEYS,
        tabs=tabs(),
        key=key,
        own=own,
        bots=bots,
        may_change=may_change(key),
        may_rotate=may_rotate(key, own),
        labels=_label_lines(key["labels"]),
        offered_labels=offered_labels,
        watched=watched,
        scopes=offered_scopes(),
        sets=offered_sets(),
        chosen_set=set_of(key["scopes"]),
        in_words=in_words,
        overlaps=OVERLAPS,
        usual_overlap=USUAL_OVERLAP,
        lifetimes=LIFETIMES,
        note_limit=NOTE_LIMIT,
    )


def _watched(jobs: Jobs) -> list[tuple[str, str]]:
    """Return the ids and names of the reader's oldest heartbeat jobs: a key for pings is bound to one of them."""
    found = jobs.list(limit=JOBS_READ, bot_type=HEARTBEAT).data
    return [(job["id"], job["name"]) for job in found]


def _labels_of(jobs: Jobs) -> list[str]:
    """Return labels that the reader's oldest jobs have, the most frequent first, as the form takes them."""
    found = Counter(
        f"{label}:{value}" for job in jobs.list(limit=JOBS_READ).data for label, value in job["labels"].items()
    )
    return [label for label, _ in found.most_common(LABELS_OFFERED)]


def _label_lines(labels: Mapping[str, Sequence[str]] | None) -> str:
    """Return labels as the form shows and takes them: `team:crm`, one on each line."""
    return "\n".join(f"{label}:{value}" for label, values in (labels or {}).items() for value in values)
