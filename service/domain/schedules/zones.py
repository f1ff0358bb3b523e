"""Time zones, by the IANA names of the pinned `tzdata` package alone.

The host's own zone files do not count, so that every process of an installation computes the same instants, and names
that only a file system knows (`localtime`, `../…`) are invalid.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from service.domain.input.refusals import echo
from service.domain.schedules.zone_advice import zone_advice
from service.errors import ScheduleError, ValidationFailed


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every known name, such as `UTC` and `Europe/Paris`."""
    return frozenset(_ordered_names())


@lru_cache(maxsize=1)
def _ordered_names() -> list[str]:
    """List the names in the package's order: those of today before those that are kept for the past."""
    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return [name for name in names if name != "Factory"]


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return the rules of a zone.

    Raises:
        ScheduleError: the zone is not known (any more).
    """
    if name not in zone_names():
        raise ScheduleError(f"The time zone {echo(name)} is not known.")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def load_zones() -> None:
    """Read the rules of all zones, 0.1 s and 1 MiB, so that no request of the event loop waits for a file."""
    for name in zone_names():
        zone(name)


def parse_zone(value: object, field: str) -> str:
    """Return the name itself, if it is one.

    Raises:
        ValidationFailed: it is not; another name of a zone is answered with the one that is meant.
    """
    if isinstance(value, str) and value in zone_names():
        return value
    ending = zone_advice(value, _ordered_names()) if isinstance(value, str) else ""
    raise ValidationFailed.of(
        field, f'must be an IANA time zone name such as "UTC" or "Europe/Paris", not {echo(value)}{ending}'
    )
