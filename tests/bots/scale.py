"""A large address book: how long its import takes, how much memory, and how soon today's birthdays are found in it.

python -m tests.bots.scale --contacts 100000
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import Redis

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.valkey import ValkeyServer

DAY = datetime(2025, 4, 12, 8, tzinfo=UTC)


def write_book(path: Path, contacts: int) -> None:
    """A vCard file with so many people, as many each day of the year, every hundredth with a photo of 100 KB."""
    photo = "PHOTO;ENCODING=b;TYPE=JPEG:" + "\r\n ".join(["QUJD" * 18] * 1_400)
    with path.open("w", newline="") as file:
        for number in range(contacts):
            born = datetime(1988, 1, 1, tzinfo=UTC) + timedelta(days=number % 366)
            lines = [
                "BEGIN:VCARD", "VERSION:3.0", f"UID:{number}", f"N:Person;{number};;;", f"FN:{number} Person",
                f"BDAY:{born:%Y-%m-%d}", f"EMAIL;TYPE=INTERNET:p{number}@example.org", f"TEL;TYPE=CELL:+1 555 {number}",
                f"URL:https://example.org/{number}", *([photo] if number % 100 == 0 else []), "END:VCARD", "",
            ]  # fmt: skip
            file.write("\r\n".join(lines))


def measure(client: Redis, path: Path) -> None:
    """Imports the file and rehearses a birthday run, in a process that has done nothing else."""
    start, cpu = time.monotonic(), time.process_time()
    with path.open("rb") as file:
        report = ContactBook(client, Keys()).import_stream(file)
    took, cpu = time.monotonic() - start, time.process_time() - cpu
    print(f"import: {report['created']:,} contacts in {took:.1f} s, {cpu:.1f} s of them this process' own")
    start = time.monotonic()
    context = Run(client, configured(BirthdayConfig, dry_run=True, max_messages_per_run=100_000), now=DAY)
    result = BirthdayBot().run(context)
    print(
        f"birthdays: {result['found']} found and {result['would_send']} to be sent in {time.monotonic() - start:.2f} s"
    )
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most", flush=True)


def main() -> int:
    """Returns the measured process' exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_book(Path(folder, "book.vcf"), asked.contacts)
        with ValkeyServer(Path(folder), "--appendonly", "no") as server:
            child = os.fork()
            if child == 0:
                measure(server.client(), Path(folder, "book.vcf"))
                os._exit(0)
            return os.waitpid(child, 0)[1]


if __name__ == "__main__":
    sys.exit(main())
