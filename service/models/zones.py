"""Time zones, by the IANA names of the pinned `tzdata` package alone.

The host's own zone files are not asked, so that every process of an installation computes the same instants, and
names that only a file system knows (`localtime`, `../…`) mean nothing.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from service.errors import ScheduleError, ValidationFailed
from service.models.refusals import echo


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every known name, such as `UTC` and `Europe/Paris`."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split()) - {"Factory"}


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The rules of a zone.

    Raises:
        ScheduleError: the zone is not known (any more).
    """
    if name not in zone_names():
        raise ScheduleError(f"The time zone {echo(name)} is not known.")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def parse_zone(value: object, field: str) -> str:
    """The name itself, if it is one.

    Raises:
        ValidationFailed: it is not; a near miss is answered with the name that was probably meant.
    """
    if isinstance(value, str) and value in zone_names():
        return value
    hint = _near(value) if isinstance(value, str) else None
    ending = f"; did you mean {echo(hint)}?" if hint else ""
    raise ValidationFailed.of(
        field, f'must be an IANA time zone name such as "UTC" or "Europe/Paris", not {echo(value)}{ending}'
    )


def _near(text: str) -> str | None:
    if len(text) > 64:
        return None
    by_lower = {name.lower(): name for name in sorted(zone_names())}
    found = difflib.get_close_matches(text.lower().replace(" ", "_"), by_lower, n=1, cutoff=0.8)
    return by_lower[found[0]] if found else None
