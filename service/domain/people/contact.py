"""Contact, and the findings on its profile page, as Redis stores them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

TEXTS = ("name", "given_name", "family_name", "birthday", "language", "source", "parts")
LISTS = ("emails", "phones", "urls", "uids")
WORDS = ("identities", "former_ids")
PERIODS = 20
"""Most periods in a page's history of statuses."""


@dataclass(frozen=True, slots=True)
class Period:
    """Consecutive visits to a page with the same finding.

    Args:
        status: the HTTP status answered; None if nothing answered.
        since, until: the first and the last of those visits, epoch seconds.
        visits: how many there were.
    """

    status: int | None
    since: int
    until: int
    visits: int


@dataclass(frozen=True, slots=True)
class Visit:
    """Finding of the last visit to a contact's profile page.

    Args:
        url: the requested page.
        status: the HTTP status answered; None if nothing answered.
        title: the page's title, if it has one.
        content_hash: of the page's visible text, to detect a change; None if it could not be read.
        changed: whether the page differs from the visit before; None if there is nothing to compare with.
        changed_at: when a visit last found it different, epoch seconds.
        answered_by: the page that answered, after redirects, to which `etag` and `last_modified` belong.
        etag, last_modified: the server's marks of this version, to ask whether there is a newer one.
        history: the page's statuses, the newest first.
    """

    url: str
    status: int | None
    title: str | None
    content_hash: str | None
    changed: bool | None
    changed_at: int | None = None
    answered_by: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    history: tuple[Period, ...] = ()

    def noted(self, at: int) -> Visit:
        """Return the visit with its own status at the head of the history, which keeps at most `PERIODS`."""
        newest = self.history[0] if self.history else None
        if newest is not None and newest.status == self.status:
            head = replace(newest, until=at, visits=newest.visits + 1)
            return replace(self, history=(head, *self.history[1:]))
        return replace(self, history=(Period(self.status, at, at, 1), *self.history[: PERIODS - 1]))


@dataclass(frozen=True, slots=True)
class Contact:
    """One person of the address book.

    Args:
        id: derived from the person's identity.
        name: the name to show; never empty.
        birthday: `YYYY-MM-DD`, or `--MM-DD` where the year is unknown.
        emails, phones, urls: the preferred one first.
        language: a language tag such as `fr` or `de-AT`.
        source: `vcard`, `csv`, `api` or `carddav`: where it first came from.
        deceased: whether the person is known to have died.
        last_messaged_at, last_visited_at: epoch seconds.
        visit: the finding of the last visit.
        uids: of the cards that it came from, as the cards give them.
        identities: digests of the traits that lead to it, see `service.contacts.matching.identity`.
        former_ids: of the contacts that were merged into it.
        parts: the contacts that a person merged into it, as text, see `service.contacts.matching.parts`.
    """

    id: str
    name: str
    given_name: str | None = None
    family_name: str | None = None
    birthday: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    language: str | None = None
    source: str | None = None
    deceased: bool = False
    last_messaged_at: int | None = None
    last_visited_at: int | None = None
    visit: Visit | None = None
    uids: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    former_ids: tuple[str, ...] = ()
    parts: str = ""

    @property
    def profile(self) -> str | None:
        """The page to visit: the first HTTP(S) address."""
        return profile_of(self.urls)


def profile_of(urls: Iterable[str]) -> str | None:
    """Return the first HTTP(S) address among `urls`."""
    return next((url for url in urls if url.lower().startswith(("http://", "https://"))), None)


def pairs_of(fields: Mapping[str, object]) -> list[str]:
    """Return the script's arguments for `fields`; lists become JSON."""
    pairs: list[str] = []
    for field, value in fields.items():
        if field in LISTS:
            pairs += [field, json.dumps(list(value), ensure_ascii=False) if value else ""]  # type: ignore[call-overload]
        elif isinstance(value, Visit):
            pairs += [field, visit_text(value)]
        elif isinstance(value, bool):
            pairs += [field, "1" if value else ""]
        else:
            pairs += [field, str(value) if value is not None else ""]
    if "urls" in fields:
        pairs += ["profile", profile_of(fields["urls"] or ()) or ""]  # type: ignore[arg-type]
    return pairs


def visit_text(visit: Visit) -> str:
    """Write the finding of a visit as text."""
    return json.dumps(asdict(visit), ensure_ascii=False)


def contact_of(contact_id: str, row: Mapping[bytes, bytes]) -> Contact:
    """Read a contact from the fields of its hash."""
    values: dict[str, Any] = {key.decode(): value.decode() for key, value in row.items()}
    for field in LISTS:
        values[field] = tuple(json.loads(values[field])) if field in values else ()
    for field in ("last_messaged_at", "last_visited_at"):
        values[field] = int(values[field]) if field in values else None
    for field in WORDS:
        values[field] = tuple(values.get(field, "").split())
    values["visit"] = _visit(json.loads(values["visit"])) if "visit" in values else None
    values["deceased"] = "deceased" in values
    known = (*TEXTS, *LISTS, *WORDS, "deceased", "last_messaged_at", "last_visited_at", "visit")
    return Contact(id=contact_id, **{field: values[field] for field in known if field in values})


def _visit(values: dict[str, Any]) -> Visit:
    history = tuple(Period(**period) for period in values.pop("history", ()))
    return Visit(**values, history=history)
