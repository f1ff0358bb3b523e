"""The contacts_sync bot: keeps the contacts in step with an address book on a CardDAV server. It never writes there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from bot_scheduler import Context
from service.bots.contacts_sync.book_sync import BookSync, Tally
from service.bots.contacts_sync.carddav import find
from service.bots.contacts_sync.dav import Dav
from service.bots.support.address_book import address_book
from service.bots.support.config import SparseConfig
from service.bots.support.fetching import user_agent
from service.bots.support.locks import Stopped
from service.egress import Egress
from service.errors import ServiceError

LOOK_AGAIN = 0.5
"""Seconds between two looks of a waiting run at whether the other run has ended."""


class ContactsSyncConfig(SparseConfig):
    """The contacts_sync bot's `bot_config`."""

    dry_run: bool = Field(default=False, description="Change nothing and remember nothing; show what would change.")
    address_book: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The address book's name, or the last part of its address, if CONTACTS_URL leads to several.",
    )


class NoAddressBook(ServiceError):
    """`CONTACTS_URL` is not set."""


class ContactsSyncBot:
    """Adds, changes and removes contacts as the cards of an address book come, change and go."""

    name: ClassVar[str] = "contacts_sync"
    description: ClassVar[str] = "Keeps the contacts in step with an address book on a CardDAV server."
    Config: ClassVar[type[BaseModel]] = ContactsSyncConfig
    uses_settings: ClassVar[tuple[str, ...]] = ("CONTACTS_URL",)
    safe_to_rerun: ClassVar[bool] = True
    handles_persons: ClassVar[bool] = True
    """A second run finds the cards unchanged."""

    def run(self, context: Context) -> dict[str, Any]:
        """Read the changes since the last run, or everything, and apply them here.

        Raises:
            NoAddressBook: CONTACTS_URL is not set.
            BookFailed: the address book cannot be read, or not to its end. The work done so far is its `result`.
        """
        secret = context.settings.contacts_url
        if secret is None:
            raise NoAddressBook("CONTACTS_URL is not set, so there is no address book to sync with")

        def beat() -> None:
            if context.cancelled:
                raise Stopped

        tally = Tally()
        try:
            egress = Egress.of(context.settings.network_allow, everything_private=True)
            agent = user_agent(context.settings.visitor_contact)
            with Dav(secret.get_secret_value(), agent, beat, egress) as dav:
                remote = find(dav, context.config.address_book)
                local = address_book(context).synced(remote.address)
                with _alone(context, f"book:{local.id}", beat):
                    BookSync(context, remote, local, tally).run()
        except Stopped:
            context.log.info("Asked to stop; the next run goes on from here")
        except BaseException as error:
            error.result = _result(context, tally)  # type: ignore[attr-defined]
            raise
        return _result(context, tally)


def _result(context: Context, tally: Tally) -> dict[str, Any]:
    rehearsed = {"dry_run": True, "changes": tally.changes} if context.config.dry_run else {}
    return tally.as_dict() | rehearsed


@contextmanager
def _alone(context: Context, key: str, beat: Callable[[], None]) -> Iterator[None]:
    """Wait until no other run works on this address book. A dead run does not count; a rehearsal need not wait."""
    if context.config.dry_run:
        yield
        return
    waits = False
    while context.ledger.claim(key, retake=True) != "claimed":
        if not waits:
            context.log.info("Another run is working on this address book; waiting for it")
            waits = True
        beat()
        time.sleep(LOOK_AGAIN)
    try:
        yield
    finally:
        with suppress(ServiceError):  # the claim can be retaken once the run has ended
            context.ledger.settle(key, "released")
