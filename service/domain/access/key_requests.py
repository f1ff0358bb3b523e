"""Requests about stored keys: what a body may say, and what its caller may decide."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from service.domain.access.callers import Caller
from service.domain.access.key_records import READ_ONLY_FIELDS, KeyTerms
from service.domain.access.labels import LABEL_IN_WORDS, is_label
from service.domain.access.limits import Limits
from service.domain.access.scopes import Scope
from service.domain.ids import is_id
from service.domain.input.refusals import Refusals, echo, joined, key_name, listed, require_object
from service.domain.job_fields import checked_name
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import Forbidden, ValidationFailed

NOTE_LIMIT = 500
LABELS_LIMIT, VALUES_LIMIT = 20, 100
"""Labels of a key, and values of each of them."""
LONGEST_OVERLAP = 604_800
"""A week, in seconds."""
_DEFAULTS: Mapping[str, Any] = {"labels": None, "bot_types": None, "expires_at": None, "note": None, "job_id": None}
_FIELDS = ("name", "scopes", *_DEFAULTS)


def parse_terms(body: object, bot_types: Collection[str], now: int, current: KeyTerms | None = None) -> KeyTerms:
    """Parse the terms of a new key, or those that a change makes of the current ones.

    Args:
        body: names the fields to set; read-only ones are ignored.
        bot_types: the known ones.
        now: epoch seconds.
        current: the terms before; None for a new key.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    refusals = Refusals()
    given = {name: value for name, value in require_object(body, "").items() if name not in READ_ONLY_FIELDS}
    refusals.unknown(given, _FIELDS, "", "a key")
    before = _DEFAULTS if current is None else current.answer()
    fields = {**before, **given}
    name = refusals.attempt(lambda: checked_name(fields))
    scopes = refusals.attempt(lambda: _scopes(fields))
    labels = refusals.attempt(lambda: _labels(fields["labels"]))
    bots = refusals.attempt(lambda: _bot_types(fields["bot_types"], [*bot_types, *(before["bot_types"] or ())]))
    is_new = current is None or fields["expires_at"] != before["expires_at"]
    expires_at = refusals.attempt(lambda: _expiry(fields["expires_at"], now if is_new else 0))
    note = refusals.attempt(lambda: _note(fields["note"]))
    job_id = refusals.attempt(lambda: _job_id(fields["job_id"], scopes, current))
    refusals.raise_any()
    assert name is not None and scopes is not None and labels is not None
    return KeyTerms(name, scopes, Limits(labels, bots), expires_at, note, job_id)


def parse_overlap(body: object | None) -> int:
    """Parse for how many seconds a rotation accepts the old secret, too.

    Raises:
        ValidationFailed: the body is not `{"overlap_seconds": 0–604800}`; it may be absent, which means 0.
    """
    fields = {} if body is None else require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, ("overlap_seconds",), "", "the body")
    value = fields.get("overlap_seconds", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_OVERLAP:
        refusals.add("overlap_seconds", f"must be a whole number from 0 to {LONGEST_OVERLAP}, not {echo(value)}")
    refusals.raise_any()
    return int(value)


def require_within(who: Caller, terms: KeyTerms, doing: str) -> None:
    """Refuse a key that may do more than the key that makes or changes it.

    Args:
        who: asks for it.
        terms: of the key.
        doing: what is asked for, such as `make`, for the sentence.

    Raises:
        Forbidden: the key would exceed its maker.
    """
    sentence = f"This key may not {doing} a key with more rights than its own"
    if lacked := [scope.value for scope in Scope if scope in terms.scopes - who.scopes]:
        raise Forbidden(f"{sentence}: it lacks the scope{'s' * (len(lacked) > 1)} {listed(lacked, 'and')}")
    if not terms.limits.within(who.limits):
        raise Forbidden(f"{sentence}: it is limited to some jobs, and the other key would reach more")


def require_no_longer(ends: int | None, terms: KeyTerms, doing: str) -> None:
    """Refuse a key that would outlive the key that makes, changes or rotates it.

    Otherwise, a key that ends soon could make one that never ends.

    Args:
        ends: when the asking key expires, epoch seconds; None for never.
        terms: of the key.
        doing: as in `require_within`.

    Raises:
        Forbidden: the key would be valid for longer.
    """
    if ends is not None and (terms.expires_at is None or terms.expires_at > ends):
        raise Forbidden(
            f"This key may not {doing} a key that outlasts it: set expires_at to "
            f"{format_timestamp(ends)}, when this key expires, or earlier"
        )


def _scopes(fields: Mapping[str, Any]) -> frozenset[Scope]:
    known = [scope.value for scope in Scope]
    expected = f"a list of one or more of {listed(map(echo, known), 'and')}"
    if "scopes" not in fields:
        raise ValidationFailed.of("scopes", f"is required: {expected}")
    value = fields["scopes"]
    if not isinstance(value, list) or not value:
        raise ValidationFailed.of(
            "scopes", f"must be {expected}, not {'an empty list' if value == [] else echo(value)}"
        )
    if wrong := [scope for scope in value if scope not in known]:
        raise ValidationFailed.of("scopes", f"must be {expected}, not {echo(wrong[0])}")
    return frozenset(map(Scope, value))


def _labels(value: object) -> Mapping[str, frozenset[str]]:
    if value is None:
        return MappingProxyType({})
    if not isinstance(value, dict) or not 1 <= len(value) <= LABELS_LIMIT:
        raise ValidationFailed.of(
            "labels", f'must be 1 to {LABELS_LIMIT} labels with their values, as {{"team": ["crm"]}}, or null'
        )
    found = {}
    for label, values in value.items():
        field = joined("labels", key_name(label))
        if not is_label(label):
            raise ValidationFailed.of(field, f"must have a name of {LABEL_IN_WORDS}, as labels of jobs have")
        if not isinstance(values, list) or not 1 <= len(values) <= VALUES_LIMIT:
            raise ValidationFailed.of(field, f"must be a list of 1 to {VALUES_LIMIT} values")
        for value in values:
            if not is_label(value):
                raise ValidationFailed.of(field, f"must have values of {LABEL_IN_WORDS}, not {echo(value)}")
        found[label] = frozenset(values)
    return MappingProxyType(found)


def _bot_types(value: object, known: Collection[str]) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or any(one not in known for one in value):
        names = listed([echo(name) for name in sorted(set(known))], "and")
        raise ValidationFailed.of("bot_types", f"must be a list of one or more of {names}, or null")
    return frozenset(value)


def _expiry(value: object, now: int) -> int | None:
    if value is None:
        return None
    seconds = parse_timestamp(value, "expires_at")
    if seconds <= now:
        raise ValidationFailed.of("expires_at", f"must be after now, {format_timestamp(now)}, not {echo(value)}")
    return seconds


def _job_id(value: object, scopes: frozenset[Scope] | None, current: KeyTerms | None) -> str | None:
    """Check to which job a key is bound, for good: one for pings to its job, one for badges perhaps, others to none."""
    is_for_pings = scopes == frozenset({Scope.PING})
    may_be_bound = is_for_pings or scopes == frozenset({Scope.BADGE})
    if current is not None and value != current.job_id:
        raise ValidationFailed.of("job_id", "cannot change after the key is made; make another key")
    if value is None and not (is_for_pings and current is None):
        return None
    if not may_be_bound and scopes is not None:
        raise ValidationFailed.of("job_id", "must be null, unless the scope ping or badge is the only one")
    if not isinstance(value, str) or not is_id(value):
        kind = "heartbeat job that this key for pings" if is_for_pings else "job that this key"
        raise ValidationFailed.of("job_id", f"must be the id of the {kind} is bound to")
    return value


def _note(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > NOTE_LIMIT:
        raise ValidationFailed.of("note", f"must be text of at most {NOTE_LIMIT} characters or null, not {echo(value)}")
    return value
