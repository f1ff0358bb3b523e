"""The command: one line for each file and its reasons, then the sum."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

from tests.corpora.reading import Reading, address_books, read

SHOWN = 20
"""Kinds of reasons and headings of one file, or of all, that are shown."""


def main() -> int:
    """Reads all that `CORPUS` has. Returns the exit status: 0, 1 for a failure, 2 where there is nothing to read."""
    folder = Path(os.environ.get("CORPUS") or "-")
    if not folder.is_dir():
        print("CORPUS must name a folder of .vcf, .vcard and .csv files", file=sys.stderr)
        return 2
    total = Reading()
    for path in address_books(folder):
        reading = read(path)
        _tell(str(path.relative_to(folder)), reading)
        total += reading
    _tell("all", total)
    return 1 if total.failed else 0


def _tell(title: str, reading: Reading) -> None:
    print(
        f"{_line(title)}: {reading.files} read, {reading.taken} taken ({reading.with_birthday} with a birthday, "
        f"{reading.with_address} with an address), {reading.skipped.total()} skipped, "
        f"{reading.warnings.total()} warnings, {reading.seconds:.2f} s"
    )
    _reasons("refused", reading.refused)
    _reasons("skipped", reading.skipped)
    _reasons("warning", reading.warnings)
    _reasons("ignored column", reading.ignored)
    for failure in reading.failed:
        print(f"  FAILED {_line(failure)}")


def _reasons(what: str, counts: Counter[str]) -> None:
    for reason, count in counts.most_common(SHOWN):
        print(f"  {what} {count}×: {_line(reason)}")
    if len(counts) > SHOWN:
        print(f"  {what}: … and {len(counts) - SHOWN} more kinds")


def _line(text: str) -> str:
    """The text in one line, whatever a stranger's file has in it."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


if __name__ == "__main__":
    sys.exit(main())
