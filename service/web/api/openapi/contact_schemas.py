"""Schemas of contacts, imports and duplicates."""

from __future__ import annotations

from service.contacts.cleaning import MAX_NAME, MAX_VALUES
from service.contacts.intake.merging import MOST_MERGED
from service.web.api.openapi.building import BOOLEAN, COUNT, TEXT, TIMESTAMP, UUID, Schema, array, or_null, record, ref


def contacts() -> dict[str, Schema]:
    """Return the schemas of the address book."""
    text = {"type": "string", "maxLength": MAX_NAME}
    values = {"type": "array", "items": TEXT, "maxItems": MAX_VALUES}
    fields: dict[str, Schema] = {
        "name": {**text, "minLength": 1},
        "given_name": or_null(text),
        "family_name": or_null(text),
        "birthday": or_null({**TEXT, "description": "1990-04-12, or --04-12 where the year is unknown."}),
        "emails": values,
        "phones": values,
        "urls": values,
        "language": or_null({**TEXT, "description": "A language tag such as fr or de-AT."}),
        "deceased": {**BOOLEAN, "description": "Whether the person has died; the birthday bot greets only the living."},
    }
    answered: dict[str, Schema] = {
        "source": or_null({"enum": ["vcard", "csv", "api", "carddav"]}),
        "last_messaged_at": or_null(TIMESTAMP),
        "last_visited_at": or_null(TIMESTAMP),
        "page": or_null(ref("VisitedPage")),
    }
    ignored: Schema = {"readOnly": True, "description": "Ignored in a body."}
    sent = fields | dict.fromkeys(("id", *answered), ignored)
    counted = "The entry's number, from 1; headings and blank lines do not count."
    skipped = record({"position": {"type": "integer", "minimum": 1, "description": counted}, "reason": TEXT})
    warning = record({
        "position": {"type": ["integer", "null"], "minimum": 1, "description": "Null: about the whole file."},
        "name": or_null(TEXT),
        "reason": TEXT,
    })  # fmt: skip
    counts = dict.fromkeys(("created", "updated", "unchanged"), COUNT)
    return {
        "Contact": record({"id": UUID, **fields, **answered}),
        "VisitedPage": _visited_page(),
        "CreateContact": record(sent, ("name",), additionalProperties=False),
        "UpdateContact": record(sent, (), additionalProperties=False),
        "MergeContacts": record({"from": {**array(UUID), "minItems": 1, "maxItems": MOST_MERGED, "uniqueItems": True}},
                                additionalProperties=False),
        "Merged": record({
            "contact": ref("Contact"),
            "left_out": {
                **array(record({"field": TEXT, "value": TEXT})),
                "description": "Values that the contact did not take over, because it has its own or is full.",
            },
        }),
        "Erased": record({
            "contact_id": UUID,
            "erased_as": {**UUID, "description": "Stands for the person from now on, also if they come back."},
            "found": {
                "type": "object", "additionalProperties": COUNT,
                "description": "Where the person was found, and how often: places by their names.",
            },
            "left": {
                **array(TEXT), "maxItems": 100,
                "description": "Keys in which the person still stands, such as a job's definition: change it yourself.",
            },
            "under_way": {
                **array(record({"run_id": UUID, "job_id": UUID, "bot_type": TEXT})),
                "description": "Runs under way that may write the person again.",
            },
        }),
        "Duplicates": record({
            "reasons": {**array(TEXT), "description": "Why they may be one person."},
            "contacts": {**array(ref("Contact")), "minItems": 2, "maxItems": 50},
        }),
        "Imported": record({
            **counts, "skipped": {**array(skipped), "maxItems": 1000}, "skipped_total": COUNT,
            "warnings": {**array(warning), "maxItems": 1000}, "warnings_total": COUNT,
            "ignored_columns": {
                **array(TEXT), "description": "Headings of columns with values that were not understood.",
            },
            "with_birthday": {**COUNT, "description": "How many of the imported people have a birthday."},
            "with_address": {**COUNT, "description": "How many have an e-mail address or a phone number."},
        }),
    }  # fmt: skip


def _visited_page() -> Schema:
    status: Schema = {"type": ["integer", "null"], "description": "Null where nothing answered."}
    period = record({"status": status, "since": TIMESTAMP, "until": TIMESTAMP, "visits": {**COUNT, "minimum": 1}})
    return record({
        "url": TEXT, "status": status, "title": or_null(TEXT),
        "changed": {"type": ["boolean", "null"], "description": "Null where there is nothing to compare with."},
        "changed_at": or_null(TIMESTAMP),
        "history": {**array(period), "maxItems": 20, "description": "Its statuses, the newest first."},
    })  # fmt: skip
