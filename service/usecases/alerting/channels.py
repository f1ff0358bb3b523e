"""Use cases of channels: list, read, create, change, delete and test them.

As in `service.usecases.jobs`, parsed JSON comes in, answers go out, and refusals are `service.errors`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Protocol

from service.alerting.alert_addresses import Addresses, Unusable, of_a_channel
from service.clock import Clock
from service.domain.alerting.channel import Channel, parse_channel
from service.domain.alerting.quiet_hours import local_time
from service.domain.input.names import is_name
from service.domain.timestamps import format_ms
from service.errors import (
    ConcurrentChange,
    Conflict,
    DeliveryFailed,
    NotFound,
    PreconditionFailed,
    SettingsError,
)
from service.messages import announce
from service.store.alerting.channel_store import ChannelRecord, ChannelStore
from service.store.alerting.record import waiting_for
from service.store.alerting.rule_store import RuleStore
from service.store.audit.entries import Entry, entry_of
from service.store.scripts import Scripts
from service.usecases.paging import invalid_cursor
from service.usecases.views import Page

TRIES = 20
SUBJECT = "A test message from Bot Scheduler"


class Actions(Protocol):
    """The audit log, as far as this use case needs it."""

    def note(self, entry: Entry, /) -> object:
        """Note an action before it is made."""


class Channels:
    """The use cases of channels.

    Args:
        scripts: the scripts of this installation.
        clock: Redis' clock.
        actions: notes each test message in the audit log before it is sent; None for nowhere.
        environment: where the secrets are that hold the channels' URLs.
    """

    def __init__(
        self, scripts: Scripts, clock: Clock, actions: Actions | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:  # fmt: skip
        self._scripts = scripts
        self._store = ChannelStore(scripts)
        self._rules = RuleStore(scripts)
        self._clock = clock
        self._actions = actions
        self._addresses = Addresses(None, environment)

    def page(self, limit: int, cursor: str | None = None) -> Page:
        """Read a page of channels, in the order of their names.

        Args:
            limit: the most channels on the page.
            cursor: the `next_cursor` of the page before.

        Raises:
            ValidationFailed: the cursor is invalid.
        """
        if cursor is not None and not is_name(cursor):
            raise invalid_cursor()
        found = [one for one in self._store.all() if cursor is None or one.channel.name > cursor]
        return Page(self._answers(found[:limit]), found[limit - 1].channel.name if len(found) > limit else None)

    def get(self, name: str) -> dict[str, Any]:
        """Read one channel. Raises NotFound."""
        return self._answer(self._stored(name))

    def create(self, body: object) -> dict[str, Any]:
        """Create a channel.

        Raises:
            ValidationFailed: it is invalid.
            Conflict: there is one of this name, or there are too many.
        """
        channel, now = parse_channel(body), self._clock.now_ms()
        # The revision begins with the time, so that a channel that is deleted and made again has none of the former.
        record = ChannelRecord(channel, now, now, now)
        if not self._store.save(record, None):
            raise Conflict(f"There is a channel {channel.name} already")
        return self._answer(record)

    def update(self, name: str, body: object, revisions: Collection[int] = ()) -> dict[str, Any]:
        """Change the fields that the body names. What waits for the channel follows the new ones.

        Args:
            name: the channel's.
            body: the fields with their new values.
            revisions: the revisions that the channel may have (`If-Match`); if empty, any.

        Raises:
            NotFound: there is no such channel.
            ValidationFailed: the changed one is invalid.
            PreconditionFailed: the channel is at another revision.
            ConcurrentChange: others change it all the time.
        """
        for _ in range(TRIES):
            record = self._stored(name, revisions)
            channel = parse_channel(body, record.channel)
            if channel == record.channel:
                return self._answer(record)
            now = self._clock.now_ms()
            changed = replace(record, channel=channel, revision=record.revision + 1, updated_at=now)
            if self._store.save(changed, record):
                return self._answer(changed)
        raise _keeps_changing(name)

    def delete(self, name: str, revisions: Collection[int] = ()) -> None:
        """Delete a channel that no rule names. What waits for it is given up.

        Args:
            name: the channel's.
            revisions: as in `update`.

        Raises:
            NotFound: there is no such channel.
            Conflict: rules name it.
            PreconditionFailed: the channel is at another revision.
            ConcurrentChange: others change it all the time.
        """
        for _ in range(TRIES):
            deleted = self._store.delete(self._stored(name, revisions))
            if isinstance(deleted, tuple):
                rules = ", ".join(deleted[:10])
                raise Conflict(f"The channel {name} is named by {'rules' if len(deleted) > 1 else 'the rule'} {rules}")
            if deleted is not None:
                return
        raise _keeps_changing(name)

    def test(self, name: str) -> dict[str, Any]:
        """Send a test message to each of a channel's URLs, now, and wait until they have taken it.

        Raises:
            NotFound: there is no such channel.
            Conflict: its secret is not set here, or must not go to its host.
            DeliveryFailed: a URL did not take the message; the message says why.
        """
        channel = self._stored(name).channel
        try:
            found = [self._addresses.find(one, channel) for one in self._addresses.told([of_a_channel(channel)])]
        except (Unusable, SettingsError) as error:
            raise Conflict(f"{error}") from error
        if self._actions is not None:
            self._actions.note(entry_of("channel.test", name))
        when = local_time(self._clock.now_ms(), channel.pace.timezone)
        body = f"This message proves that the channel {name} works. It was sent by hand, at {when}.\n"
        for address in found:
            try:
                announce(address.url, SUBJECT, body, redirects=address.redirects)
            except DeliveryFailed:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a channel's plugin raises; its text may be secret
                raise DeliveryFailed(f"the channel broke off ({type(error).__name__})") from None
        return {"sent": True, "to": name, "subject": SUBJECT}

    def _stored(self, name: str, revisions: Collection[int] = ()) -> ChannelRecord:
        record = self._store.get(name) if is_name(name) else None
        if record is None:
            raise NotFound(f"Channel {name[:80]} not found")
        if revisions and record.revision not in revisions:
            raise PreconditionFailed(f"Channel {name} has changed; read it again and send its current ETag in If-Match")
        return record

    def _answer(self, record: ChannelRecord) -> dict[str, Any]:
        return self._answers([record])[0]

    def _answers(self, records: Collection[ChannelRecord]) -> list[dict[str, Any]]:
        if not records:
            return []
        rules = [one.rule.channel for one in self._rules.all()]
        waiting = waiting_for(self._scripts, [record.channel.name for record in records])
        return [
            {
                **record.channel.answer(), "rules": rules.count(record.channel.name),
                "waiting": waiting[record.channel.name].waiting, "failing": waiting[record.channel.name].failing,
                "problem": self._problem(record.channel),
                "created_at": format_ms(record.created_at), "updated_at": format_ms(record.updated_at),
                "revision": record.revision,
            }
            for record in records
        ]  # fmt: skip

    def _problem(self, channel: Channel) -> str | None:
        """Return why nothing can be sent to a channel, as far as this process' settings say."""
        try:
            for address in self._addresses.told([of_a_channel(channel)]):
                self._addresses.find(address, channel)
        except (Unusable, SettingsError) as error:
            return str(error)
        return None


def _keeps_changing(name: str) -> ConcurrentChange:
    return ConcurrentChange(f"Channel {name} keeps changing; try again")
