"""Jobs of a document of definitions, checked one by one before they meet the stored jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.domain.ids import is_id
from service.domain.input.refusals import Refusals, echo, joined, require_object
from service.domain.job import JobDefinition
from service.domain.job_fields import Configs
from service.domain.job_requests import parse_create
from service.errors import ValidationFailed
from service.usecases.access.sight import is_limited, require_within_limits
from service.usecases.documents.document import VERSION
from service.usecases.edits.document_edits import FIELD, Wanted, checked_edits

BESIDE_JOBS = ("calendars", "channels", "rules")
"""The other lists that a document may have, in the order in which an export has them."""


@dataclass(frozen=True, slots=True)
class Item:
    """One job of a document.

    Args:
        field: its place in the document, such as `jobs[3]`.
        id: the id that the document gives it, if any.
        definition: the job's definition.
        edits: its changed occurrences; None if the document does not say.
    """

    field: str
    id: str | None
    definition: JobDefinition
    edits: Wanted | None = None


def parse_document(document: object, configs: Configs, prune: bool = False) -> list[Item]:
    """Check a document and each of its jobs by itself.

    Args:
        document: the parsed document.
        configs: each bot's `Config`, by `bot_type`.
        prune: whether all other jobs are to be deleted: then a document without jobs is refused.

    Returns:
        The document's jobs.

    Raises:
        ValidationFailed: naming the fields of every invalid job.
    """
    fields = require_object(document, "")
    refusals = Refusals()
    refusals.unknown(fields, ("version", *BESIDE_JOBS, "jobs"), "", "the document")
    if type(fields.get("version")) is not int or fields["version"] != VERSION:
        refusals.add(
            "version", f"must be {VERSION}" + (f", not {echo(fields['version'])}" if "version" in fields else "")
        )
    jobs, has_jobs = fields.get("jobs", []), "jobs" in fields
    if prune and not has_jobs:
        refusals.add("jobs", "is required with prune, which deletes all jobs that are not in it")
    elif not isinstance(jobs, list) or not (has_jobs or any(name in fields for name in BESIDE_JOBS)):
        refusals.add("jobs", "must be a list of jobs")
        jobs = []
    items = []
    for index, job in enumerate(jobs):
        if refusals.full:
            break
        item = refusals.attempt(lambda index=index, job=job: _item(f"jobs[{index}]", job, configs))  # type: ignore[misc]
        if item is not None:
            items.append(item)
    _refuse_twins(items, refusals)
    refusals.raise_any()
    return items


def _item(field: str, job: object, configs: Configs) -> Item:
    job_id = job.get("id") if isinstance(job, dict) else None
    if job_id is not None and not is_id(job_id):
        raise ValidationFailed.of(f"{field}.id", f"must be the UUID of a job, or left out, not {echo(job_id)}")
    edits = None
    try:
        if isinstance(job, dict) and FIELD in job:
            edits = checked_edits(job[FIELD], FIELD)
            job = {name: value for name, value in job.items() if name != FIELD}
        definition = parse_create(job, configs)
    except ValidationFailed as refusal:
        raise within(field, refusal) from None
    return Item(field, job_id, definition, edits)


def _refuse_twins(items: list[Item], refusals: Refusals) -> None:
    ids: set[str] = set()
    names: set[str] = set()
    for item in items:
        if item.id is not None:
            if item.id in ids:
                refusals.add(f"{item.field}.id", "is in the document twice")
            ids.add(item.id)
        else:
            if item.definition.name in names:
                refusals.add(f"{item.field}.name", "is in the document twice, without an id to tell the two apart")
            names.add(item.definition.name)


def within(field: str, refusal: ValidationFailed) -> ValidationFailed:
    """Turn the refusal of one job into a refusal of the document."""
    paths = ("" if error.field == "body" else error.field for error in refusal.errors)
    return ValidationFailed(
        [
            replace(error, field=joined(field, path) if path else field)
            for error, path in zip(refusal.errors, paths, strict=True)
        ]
    )


def refuse_beyond_limits(item: Item, is_new: bool) -> None:
    """Refuse a job of a document that the caller's limits forbid. `is_new`: there is no such job yet."""
    if is_limited() and item.id is not None and is_new:
        raise ValidationFailed.of(f"{item.field}.id", "must be left out of a new job, because this key has limits")
    try:
        require_within_limits(item.definition)
    except ValidationFailed as refusal:
        raise within(item.field, refusal) from None
