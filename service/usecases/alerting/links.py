"""Use cases of links in alerts: tell what one would do, and do it, once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from service.alerting.alert_addresses import pace_of
from service.clock import Clock
from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import Scope
from service.domain.alerting.address_names import channel_of
from service.domain.alerting.link import Link, read
from service.domain.alerting.quiet_hours import local_time
from service.domain.alerting.snooze import CHOICES, end_of, shown_to
from service.domain.input.refusals import listed
from service.errors import Conflict, Forbidden, NotFound, ValidationFailed
from service.store.alerting.channel_store import ChannelStore
from service.store.alerting.link_secrets import LinkSecrets
from service.store.alerting.snooze_store import SnoozeStore, Use, asked_by
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.usecases.runs import Runs

ACTOR = "link"
"""The actor of what a link does, for the audit log and the history."""
NEEDS_WRITE = (
    "The run had a bot_config of its own. To do it again needs a key with the scope write: open the run in the console"
)
State = Literal["ready", "done", "used", "expired", "no_job", "refused"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A link as its page shows it. Times are told in the zone of whom it was sent to.

    Args:
        link: the link.
        state: whether it can be used, or was: `done` just now, `used` before.
        job: the job's name; empty without a job.
        via: whom it was sent to.
        until: when it can no longer be used.
        choices: for how long it may snooze, of `CHOICES`: until when that is.
        used_at: when it was used; empty for never.
        used_via: whom that link was sent to by which it was used.
        made: what came of it: the id of the run, or until when alerts wait.
        refusal: why nothing was done, a sentence without a dot.
    """

    link: Link
    state: State
    job: str
    via: str
    until: str
    choices: tuple[tuple[str, str], ...] = ()
    used_at: str = ""
    used_via: str = ""
    made: str = ""
    refusal: str = ""


class AlertLinks:
    """What people may do by the links in alerts.

    Args:
        scripts: the scripts of this installation.
        clock: Redis' clock.
        runs: does a run again.
    """

    def __init__(self, scripts: Scripts, clock: Clock, runs: Runs) -> None:
        self._scripts = scripts
        self._secrets = LinkSecrets(scripts)
        self._snoozes = SnoozeStore(scripts)
        self._channels = ChannelStore(scripts)
        self._clock = clock
        self._runs = runs

    def look(self, token: str) -> Shown:
        """Tell what a link would do. This changes nothing, and does not use it up.

        Raises:
            NotFound: no link of ours looks like it.
        """
        link = read(token, self._secrets.accepted())
        if link is None:
            raise NotFound("This link is not valid. Open the newest alert, and copy the whole link")
        now, zone = self._clock.now_ms() // 1000, self._zone(link)
        (name,) = ask(self._scripts, ("HGET", self._scripts.keys.job(link.job_id), "name"))
        job = name.decode(errors="replace") if isinstance(name, bytes) else ""
        shown = Shown(link, "ready", job, shown_to(link.to), local_time(link.expires_at * 1000, zone))
        use = self._snoozes.use(link.alert_id, link.action)
        if use is not None:
            return self._as_used(shown, use)
        if now >= link.expires_at:
            return replace(shown, state="expired")
        if name is None:
            return replace(shown, state="no_job")
        if link.action == "again":
            return shown
        ends = tuple((choice, local_time(end_of(choice, now, zone) * 1000, zone)) for choice in CHOICES)
        return replace(shown, choices=ends)

    def follow(self, token: str, choice: str | None, address: str | None) -> Shown:
        """Do what a link says, unless it was done before.

        Args:
            token: as it stands in the address.
            choice: for how long to snooze, of `CHOICES`; of no account to another link.
            address: the network address that the request came from.

        Raises:
            NotFound: no link of ours looks like it.
            ValidationFailed: it snoozes, and the choice is not valid.
        """
        shown = self.look(token)
        if shown.state != "ready":
            return shown
        about = f"an alert of run {shown.link.run_id}" if shown.link.run_id else "an alert"
        who = Caller(
            ACTOR, f"a link from {about} via {shown.via}", frozenset({Scope.RUN}), address=address
        )  # fmt: skip
        before = act_for(who)
        try:
            return self._again(shown) if shown.link.action == "again" else self._snoozed(shown, choice)
        finally:
            act_as_before(before)

    def _again(self, shown: Shown) -> Shown:
        link = shown.link
        try:
            made = self._runs.again_by_link(link.job_id, link.run_id or "", asked_by(link))
        except Forbidden:
            return replace(shown, state="refused", refusal=NEEDS_WRITE)
        except (Conflict, NotFound, ValidationFailed) as error:
            return replace(shown, state="refused", refusal=f"{error}")
        if isinstance(made, Use):
            return self._as_used(shown, made)
        return replace(shown, state="done", made=made)

    def _snoozed(self, shown: Shown, choice: str | None) -> Shown:
        if choice not in CHOICES:
            raise ValidationFailed.of("for", f"must be {listed(CHOICES)}")
        zone, now = self._zone(shown.link), self._clock.now_ms() // 1000
        made = self._snoozes.make(shown.link, end_of(choice, now, zone) * 1000)
        if made == "gone":
            return replace(shown, state="no_job")
        if isinstance(made, Use):
            return self._as_used(shown, made)
        return replace(shown, state="done", made=local_time(made.until, zone))

    def _as_used(self, shown: Shown, use: Use) -> Shown:
        zone, made = self._zone(shown.link), use.made
        if shown.link.action == "snooze" and made.isdigit():
            made = local_time(int(made), zone)
        at, via = local_time(use.at, zone), shown_to(use.to)
        return replace(shown, state="used", choices=(), used_at=at, used_via=via, made=made)

    def _zone(self, link: Link) -> str:
        name = channel_of(f"{link.to}/1")
        record = self._channels.get(name) if name else None
        return pace_of(None if record is None else record.channel).timezone
