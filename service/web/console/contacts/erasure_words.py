"""Erasure of a person in people's words: where they may be found, and what an erasure cannot reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PLACES: Mapping[str, str] = {
    "contacts": "Contact",
    "cards": "Cards of synced address books",
    "address_books": "Reasons why cards were skipped",
    "results": "Results and errors of runs",
    "logs": "Lines of logs",
    "alerts": "Alerts that wait to be sent",
    "pauses": "Reasons of pauses, and who made them",
    "edits": "Reasons of changed occurrences, and who changed them",
    "ledger": "Texts of the record of what is done once",
    "ledger_entries": "Entries of that record under the person’s id",
    "revisions": "Former definitions of jobs",
    "deleted_jobs": "Deleted jobs",
    "audit": "Entries of the audit log",
    "idempotency": "Answers to requests with an Idempotency-Key",
    "memory": "What bots remember of pages",
    "rq": "Records of the queue",
}
"""Place, as `service.usecases.erasure` names it -> its name for people."""

REMOVED: Sequence[str] = (
    "the contact, with what its synced cards gave",
    "their name, e-mail addresses, phone numbers and URLs from results, logs, alerts, pauses, changed occurrences, the "
    "audit log, former definitions of jobs, deleted jobs and the queue; “[erased]” stands there then, and everything "
    "still counts",
    "plain identities: digests under a secret key stand for the person, so that whoever comes back within 400 days is "
    "not greeted twice",
)
"""What an erasure takes away."""

BEYOND: Sequence[str] = (
    "messages and alerts that were sent, standard output and where its lines went",
    "backups and snapshots, and Redis’ append-only file until it is rewritten",
    "the present definitions of jobs, which the erasure names, so that you can change them",
    "a card on a CardDAV server: delete it there, or the person comes back when it changes",
)
"""What an erasure cannot take away, and people have to clear themselves."""
