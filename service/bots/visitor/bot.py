"""The visitor bot: visits profile pages politely and notices when one changes. It never logs in or disguises itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from bot_scheduler import Context
from service.bots.support.address_book import address_book
from service.bots.support.config import StrictConfig
from service.bots.support.fetching import HOST_DELAY, Fetched, Fetcher, NotFetched, Version
from service.bots.support.own_day import own_day, why_not_today
from service.bots.visitor.pages import read_page
from service.domain.people.contact import Contact, Visit
from service.egress import Egress
from service.errors import StoreUnavailable

log = logging.getLogger(__name__)

SHOWN = 100
"""The most pages, and failures, in the result."""


class VisitorConfig(StrictConfig):
    """The visitor bot's `bot_config`."""

    dry_run: bool = Field(default=False, description="List whom it would visit, and visit nobody.")
    limit: int = Field(
        default=50, ge=1, le=500, title="Most pages per run", description="At most this many pages in one run."
    )


@dataclass(slots=True)
class Findings:
    """The findings of a run, as its result shows them."""

    day: str
    answered: int = 0
    changed: int = 0
    pages: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    failed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the findings, JSON-ready. The lists show at most `SHOWN` entries."""
        return {
            "day": self.day,
            "profiles_visited": self.answered,
            "changed": self.changed,
            "failed": self.failed,
            "pages": self.pages[:SHOWN],
            "failures": self.failures[:SHOWN],
        }


class VisitorBot:
    """Visits the profile pages that were visited the longest ago."""

    name: ClassVar[str] = "visitor"
    description: ClassVar[str] = "Visits contacts' profile pages, least recently visited first, and notices changes."
    Config: ClassVar[type[BaseModel]] = VisitorConfig
    uses_settings: ClassVar[tuple[str, ...]] = ()
    safe_to_rerun: ClassVar[bool] = True
    handles_persons: ClassVar[bool] = True
    """Another visit to a page does no harm."""

    host_delay: ClassVar[float] = HOST_DELAY

    def run(self, context: Context) -> dict[str, Any]:
        """Visit up to `limit` pages. Report a page that cannot be read with its reason, and go on."""
        contacts = address_book(context).least_recently_visited(context.config.limit)
        if context.config.dry_run:
            would = [{"contact_id": c.id, "name": c.name, "url": c.profile} for c in contacts]
            return {"day": str(own_day(context)), "profiles_visited": 0, "dry_run": True, "would_visit": would}
        if why := why_not_today(context):
            context.log.info("This run visits pages although %s: they are those that were not visited since", why)
        findings = Findings(str(own_day(context)))
        settings = context.settings
        with Fetcher(
            settings.visitor_contact,
            Egress.of(settings.network_allow, settings.visitor_allow_private),
            lambda: context.cancelled,
            self.host_delay,
            context.memory,
        ) as fetcher:
            for done, contact in enumerate(contacts):
                if context.cancelled:
                    break
                context.progress(done, len(contacts))
                try:
                    self._visit(context, contact, fetcher, findings)
                except BaseException as error:
                    error.result = findings.as_dict()  # type: ignore[attr-defined]
                    raise
            else:
                context.progress(len(contacts), len(contacts))
        return findings.as_dict()

    def _visit(self, context: Context, contact: Contact, fetcher: Fetcher, findings: Findings) -> None:
        url = contact.profile or ""
        told: dict[str, Any] = {"contact_id": contact.id, "name": contact.name, "url": url}
        at = int(context.now.timestamp())
        before = contact.visit if contact.visit and contact.visit.url == url else None
        try:
            with _costs_itself():
                page = fetcher.fetch(url, _known(before))
                visit = _compared(before, url, page, at).noted(at)
                address_book(context).record_visit(contact.id, at, visit)
        except NotFetched as error:
            if context.cancelled:
                return
            findings.failed += 1
            findings.failures.append(told | {"reason": str(error)})
            context.log.warning("%s: not visited: %s", contact.name, error)
            # so that an unreadable page does not keep the others from their turn
            address_book(context).record_visit(
                contact.id, at, _unanswered(before, url).noted(at) if error.asked else None
            )
            return
        findings.answered += 1
        findings.changed += bool(visit.changed)
        findings.pages.append(told | {"status": page.status, "title": visit.title, "changed": visit.changed})
        context.log.info("%s: %s answered %s", contact.name, url, page.status)


@contextmanager
def _costs_itself() -> Iterator[None]:
    """Turn any error over one page, its server or its record into the reason why the page was not read.

    Raises:
        NotFetched: the page could not be read, or may not be.
        StoreUnavailable: Redis is away, so that the other pages would fail as well.
    """
    try:
        yield
    except (NotFetched, StoreUnavailable):
        raise
    except Exception as error:
        log.exception("A page could not be read")
        raise NotFetched(f"it cannot be read ({type(error).__name__})", asked=True) from error


def _known(before: Visit | None) -> Version | None:
    """Return the version that the last visit saw, which need not be sent again."""
    if before is None or before.answered_by is None or before.status is None or before.status >= 400:
        return None
    return Version(before.answered_by, before.etag, before.last_modified)


def _unanswered(before: Visit | None, url: str) -> Visit:
    """Return a visit that saw nothing. It keeps the version seen before, to compare the next one with."""
    return replace(before or Visit(url, None, None, None, None), status=None, title=None, changed=None)


def _compared(before: Visit | None, url: str, page: Fetched, at: int) -> Visit:
    """Return the visit, compared with the one before. An error page is not compared: the last page seen is kept."""
    if page.status == 304 and before is not None and _known(before) is not None:
        return replace(before, changed=False)
    title, content_hash = read_page(page.body, page.content_type)
    if page.status >= 400 or page.status == 304:
        return replace(before or Visit(url, None, None, None, None), status=page.status, title=title, changed=None)
    changed = None if before is None or before.content_hash is None else before.content_hash != content_hash
    version = page.version
    return Visit(
        url=url,
        status=page.status,
        title=title,
        content_hash=content_hash,
        changed=changed,
        changed_at=at if changed else before.changed_at if before else None,
        answered_by=version.url if version.conditions else None,
        etag=version.etag,
        last_modified=version.last_modified,
        history=before.history if before else (),
    )
