"""Names of addresses, which show no secret: `ALERT_URL/1`, `BOT_SECRET_OPS/2`, `channel:ops/1`.

The number counts the URLs that a setting holds.
"""

from __future__ import annotations

SERVICE = "ALERT_URL"
OF_A_CHANNEL = "channel:"


def channel_of(address: str) -> str | None:
    """Return the name of the channel that an address belongs to, if it is one's."""
    name = address.rpartition("/")[0]
    return name.removeprefix(OF_A_CHANNEL) if name.startswith(OF_A_CHANNEL) else None


def shown(address: str) -> str:
    """Name an address for people."""
    name, _, number = address.rpartition("/")
    if name == SERVICE:
        return f"URL {number} of {name}"
    name = name.removeprefix(OF_A_CHANNEL)
    return name if number == "1" else f"{name}, URL {number}"
