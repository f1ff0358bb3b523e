"""The courier: sorts alerts into deliveries, and sends these, each address on its own.

The scripts put a note into an outbox in the same step as what happened, once a streak of failures and at most once an
hour for missed occurrences. A thread sorts and sends them, so that no run and no tick waits for a mail server. Each
message is sent by a thread of its own, so that an address that is slow or dead holds up no other; what an address does
not take is tried again for a day.

A note becomes deliveries exactly once, and a delivery is told at least once: twice if this process dies between the
moment at which the address took the message and the one at which Redis has noted it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from service.alerting import alert_texts, wording
from service.alerting.alert_addresses import Address, Addresses, NoSuchChannel, Unusable, pace_of
from service.alerting.places import Places
from service.alerting.run_links import RunLinks, without_links
from service.alerting.sorting import Sorter
from service.alerting.waiting import waiting_in
from service.alerting.wording import Message
from service.domain.alerting.address_names import channel_of, shown
from service.domain.alerting.channel import Channel
from service.domain.alerting.snooze import Snooze, of_address
from service.domain.alerting.turns import Turn, by_turns, next_turn
from service.errors import DeliveryFailed, ServiceError, SettingsError
from service.messages import announce
from service.outage import outage
from service.secrecy.redaction import Redaction
from service.store.alerting.channel_store import ChannelStore
from service.store.alerting.deliveries import Deliveries, Line, Queued, Told
from service.store.alerting.snooze_store import SnoozeStore
from service.store.outbox import Outbox
from service.store.scripts import Scripts

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
SORT_SECONDS = 1.0
"""For how long notes are sorted before sorted alerts are looked at."""
LAST_SECONDS = 0.8
"""For how long a process that stops waits for messages that are on their way."""
TRIES_BEFORE_TOLD = 3
"""Tries in a row that fail, about half a minute, after which the watch hears of it."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that was on its way: the address' line, what it told of, and why the address did not take it."""

    line: Line
    told: Sequence[Told]
    reason: str | None


class Alerts:
    """The thread that sorts and sends alerts while `leads()` says so.

    Args:
        scripts: on a connection of its own, since other threads use the process'.
        alert_url: `ALERT_URL`: Apprise URLs separated by spaces, or None.
        leads: whether this process is the courier.
        environment: where the secrets are that hold URLs.
        public_url: `PUBLIC_URL`, for links; None for none.
        persons: the bots whose logs are about persons, so that no alert shows them.
        token: returns this process' token of the courier's lease; None if the sender need not be the courier.
        run_links: whether alerts have links of one use; they need `public_url`.
    """

    def __init__(
        self, scripts: Scripts, alert_url: str | None, leads: Callable[[], bool],
        environment: Mapping[str, str] = os.environ, public_url: str | None = None, persons: Collection[str] = (),
        token: Callable[[], str] | None = None, run_links: bool = False,
    ) -> None:  # fmt: skip
        self._outbox = Outbox(scripts, token)
        self._redaction = Redaction.of(environment)
        self._addresses = Addresses(alert_url, environment)
        self._sorter = Sorter(scripts, self._outbox, self._addresses, self._redaction, persons)
        self._deliveries = Deliveries(scripts)
        self._channels = ChannelStore(scripts)
        self._snoozes = SnoozeStore(scripts)
        self._leads = leads
        self._public_url = (public_url or "").rstrip("/") or None
        self._links = RunLinks(scripts, self._public_url) if run_links and self._public_url else None
        self._on_the_way = Places()
        self._has_more = False  # whether notes are left to be sorted
        self._back: queue.Queue[_Sent | None] = queue.Queue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(self._stop,), name="alerts", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 0.0) -> bool:
        """Ask the thread to end. The next courier sends again what is on its way just now.

        Args:
            seconds: how long to wait for it.

        Returns:
            Whether it has ended, and nothing is on its way.
        """
        self._stop.set()
        self._back.put(None)
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive() and not self._on_the_way

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.step(POLL_SECONDS)
            except (ServiceError, RedisError, OSError) as error:
                outage.tell(log, error, "Alerts wait")
                stop.wait(POLL_SECONDS)
        with contextlib.suppress(ServiceError, RedisError, OSError):  # the next courier tells it again then
            self._settle_last()

    def _settle_last(self) -> None:
        """Note what comes back in a moment, so that the next courier does not tell it again."""
        end = time.monotonic() + LAST_SECONDS
        while self._on_the_way and (left := end - time.monotonic()) > 0:
            self._settle_all(left)

    def step(self, seconds: float = 0.0) -> bool:
        """Note what has come back, sort what is new, and send what may go.

        Args:
            seconds: how long to wait first for a message to come back, if there is nothing else to do.

        Returns:
            Whether there is more to do, or something on its way.

        Raises:
            StoreUnavailable: Redis is away.
        """
        self._settle_all(0.0 if self._has_more else seconds)
        if not self._leads() or self._stop.is_set() or not self._outbox.is_courier():
            self._has_more = False
            return bool(self._on_the_way)
        self._has_more = self._sort()
        now, addresses = self._deliveries.due()
        addresses = [address for address in addresses if address not in self._on_the_way]
        channels = {one.channel.name: one.channel for one in self._channels.all()} if addresses else {}
        snoozes = self._snoozes.all() if addresses else []
        for address in addresses:
            self._look_at(address, channels.get(channel_of(address) or ""), of_address(snoozes, address), now)
        return bool(addresses or self._on_the_way or self._has_more)

    def _sort(self) -> bool:
        """Sort what is new, for a second: a storm must not hold up what is sorted. Return whether there is more."""
        end = time.monotonic() + SORT_SECONDS
        self._sorter.look_again()
        while self._sorter.sort_next():
            if time.monotonic() > end or not self._leads():
                return True
        return False

    def _settle_all(self, seconds: float) -> None:
        try:
            back = self._back.get(timeout=seconds) if seconds else self._back.get_nowait()
            while True:
                if back is not None:
                    self._settle(back)
                back = self._back.get_nowait()
        except queue.Empty:
            pass

    def _look_at(self, address: str, channel: Channel | None, snoozes: Sequence[Snooze], now: int) -> None:
        """Send what an address may be told now, or note when it may be."""
        line = self._deliveries.line(address)
        if not line.queued:
            self._deliveries.settle(address, line.progress, None, [])
            return
        try:
            found: Address | str = self._addresses.find(address, channel)
        except NoSuchChannel as error:
            gone = self._deliveries.told(address, line.queued)
            done = [(one.queued, one.delivery.given_up(str(error))) for one in gone]
            self._deliveries.settle(address, line.progress, None, done)
            log.error("Giving up %d alerts for %s: %s", len(done), shown(address), error)
            return
        except (Unusable, SettingsError) as error:
            found = str(error)
        waiting = waiting_in(line, snoozes, now, self._deliveries)
        if not waiting.free:
            self._deliveries.wait(address, line.progress, waiting.held_until or now, now)
            return
        pace = pace_of(channel)
        since = [one.since for one in waiting.free]
        turn = next_turn(pace, since, line.progress, now, waiting.snoozed)
        if turn.at > now:
            self._deliveries.wait(address, line.progress, waiting.next_at(turn.at), now)
        elif self._on_the_way.has_room(has_failed=line.progress.failures > 0):
            free = waiting.free
            if turn.is_gathered or turn.is_last:
                free = waiting_in(line, snoozes, now, self._deliveries, whole=True).free
            first, rest = self._to_tell(free, turn)
            told = self._deliveries.told(address, first)
            if any(one.queued.alert_id and not one.says for one in told):
                self._drop_empty(address, line, told)
                return
            note = wording.gathered_from_now(pace, len(free) - turn.count) if turn.is_last else ""
            message = self._message(address, pace.timezone, told, len(rest), note, tells_all=turn.is_gathered)
            told = told[: message.count]
            if turn.is_gathered:
                told += self._deliveries.standings(address, [*first[len(told) :], *rest])
            self._begin(found, message, _Sent(line, told, None))

    def _to_tell(self, free: Sequence[Queued], turn: Turn) -> tuple[Sequence[Queued], Sequence[Queued]]:
        """Return of which alerts a message may have a line, and of which it only has the number."""
        if not turn.is_gathered or len(free) == 1:
            return free[: turn.count], ()
        order = [free[place] for place in by_turns(self._deliveries.jobs(free))]
        return order[: wording.MOST_LINES], order[wording.MOST_LINES :]

    def _drop_empty(self, address: str, line: Line, told: Sequence[Told]) -> None:
        """Let go of alerts whose text outside hands have taken away."""
        done = [(one.queued, one.delivery.given_up("its text is gone")) for one in told if not one.says]
        self._deliveries.settle(address, line.progress, None, done)
        log.error("Giving up %d alerts for %s: their texts are gone", len(done), shown(address))

    def _message(
        self, address: str, timezone: str, told: Sequence[Told], more: int, note: str, *, tells_all: bool
    ) -> Message:
        """Write the message, without secrets; of `more` alerts it has the number alone."""
        template = told[0].says.get("templates", {}).get(channel_of(address) or "")
        try:
            if len(told) == 1:
                links = {} if self._links is None else self._links.of(told[0].queued, told[0].says, address)
                return wording.in_full(
                    told[0].says, timezone, self._public_url, template, links, note, self._redaction.applied
                )
            return wording.together(
                [one.says for one in told], timezone, self._public_url, more, note, self._redaction.applied,
                tells_all=tells_all,
            )  # fmt: skip
        except alert_texts.NOT_FACTS:
            return Message("An alert that cannot be read", "Its record in Redis is damaged.")

    def _begin(self, address: Address | str, message: Message, sending: _Sent) -> None:
        self._on_the_way.take(sending.line.address, has_failed=sending.line.progress.failures > 0)
        if isinstance(address, str):
            self._back.put(_Sent(sending.line, sending.told, address))
            return

        def send() -> None:
            reason = attempt(address, message.subject, message.body)
            self._back.put(_Sent(sending.line, sending.told, reason and without_links(reason)))

        # No pool: its threads would keep a process from ending while they wait for a server.
        threading.Thread(target=send, name="alert", daemon=True).start()

    def _settle(self, sent: _Sent) -> None:
        """Note how a try went. If Redis is away, it is noted later."""
        line, name = sent.line, shown(sent.line.address)
        try:
            now, _ = self._deliveries.due()
            channel = self._channels.get(channel_of(line.address) or "")
            most = pace_of(None if channel is None else channel.channel).max_per_hour
            progress = line.progress.took(now, most) if sent.reason is None else line.progress.refused(now)
            done = [(one.queued, one.delivery.tried(now, sent.reason, len(sent.told))) for one in sent.told]
            self._deliveries.settle(line.address, progress, progress.retry_at or None, done)
        except (ServiceError, RedisError, OSError):
            self._back.put(sent)
            raise
        self._on_the_way.leave(line.address)
        if sent.reason is None and line.progress.failures >= TRIES_BEFORE_TOLD:
            self._outbox.note_delivery(name)
        if sent.reason is not None:
            if progress.failures >= TRIES_BEFORE_TOLD:
                self._outbox.note_delivery(name, self._redaction.applied(sent.reason))
            log.warning("An alert was not taken by %s (try %d): %s", name, progress.failures, sent.reason)
            if any(delivery.ended for _, delivery in done):
                log.error("Giving up an alert, because %s has not accepted it for a day", name)


def attempt(address: Address, subject: str, body: str) -> str | None:
    """Send once. Return why the address did not take it, without secrets; None if it did."""
    try:
        announce(address.url, subject, body, redirects=address.redirects)
    except DeliveryFailed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a channel's own defect must not end the thread; its text may be secret
        return f"the channel broke off ({type(error).__name__})"
    return None
