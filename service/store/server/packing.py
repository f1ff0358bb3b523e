"""Packing of commands as Redis' protocol sends them. Short on purpose: all connections need it."""

from __future__ import annotations

from hiredis import pack_command


def packed(*parts: str | bytes | int | float) -> bytes:
    """Pack a command as it is sent."""
    return bytes(pack_command(parts))  # type: ignore[arg-type]
