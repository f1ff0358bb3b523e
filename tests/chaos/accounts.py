"""Accounts of occurrences, asked of the product's own route: it must find nothing lost, doubled or out of the blue.

The audit beside this one (`check_occurrences`) knows each job's steps and the moments of its changes, and asks the
history alone. This one knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.chaos.audit import Findings

BEFORE, AFTER = "1970-01-01T00:00:00", "2100-01-01T00:00:00"
"""The whole of the time that there is. The counts end now in any case."""
WHOLE = ("the job was created then", "what its schedule was before is not kept")
"""Why an account may begin where it does: all of it is known, or the job was switched more often than is kept."""


def check_accounts(found: Findings, ask: Callable[[str], Mapping[str, Any]], jobs: Iterable[tuple[str, str]]) -> int:
    """Look at the account of each job.

    Args:
        found: takes a sentence for each thing that is wrong.
        ask: answers a job's account of all time.
        jobs: their ids, and what to call them.

    Returns:
        How many instants the schedules named.
    """
    named = 0
    for job_id, name in jobs:
        account = ask(job_id)
        named += account["named"]
        if account["unaccounted"]:
            found.lost.append(f"{name}: {account['unaccounted']} of {account['named']} occurrences are unaccounted for")
        if account["doubled"]:
            found.doubled.append(f"{name}: {account['doubled']} entries beyond the first of their occurrence")
        if account["strays"]:
            found.wrong.append(f"{name}: {account['strays']} occurrences that its schedule never named")
        if account["complete_because"] not in WHOLE:
            found.wrong.append(f"{name}: known since {account['complete_since']} only: {account['complete_because']}")
    return named
