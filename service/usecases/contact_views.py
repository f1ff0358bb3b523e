"""Contacts as the API shows them."""

from __future__ import annotations

from typing import Any

from service.domain.people.contact import Contact, Visit
from service.domain.timestamps import format_timestamp


def as_json(contact: Contact) -> dict[str, Any]:
    """Return a contact as the API shows it."""
    return {
        "id": contact.id,
        "name": contact.name,
        "given_name": contact.given_name,
        "family_name": contact.family_name,
        "birthday": contact.birthday,
        "emails": list(contact.emails),
        "phones": list(contact.phones),
        "urls": list(contact.urls),
        "language": contact.language,
        "deceased": contact.deceased,
        "source": contact.source,
        "last_messaged_at": _timestamp(contact.last_messaged_at),
        "last_visited_at": _timestamp(contact.last_visited_at),
        "page": _page(contact.visit) if contact.visit else None,
    }


def _page(visit: Visit) -> dict[str, Any]:
    return {
        "url": visit.url,
        "status": visit.status,
        "title": visit.title,
        "changed": visit.changed,
        "changed_at": _timestamp(visit.changed_at),
        "history": [
            {
                "status": period.status,
                "since": _timestamp(period.since),
                "until": _timestamp(period.until),
                "visits": period.visits,
            }
            for period in visit.history
        ],
    }


def _timestamp(at: int | None) -> str | None:
    return None if at is None else format_timestamp(at)
