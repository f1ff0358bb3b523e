"""What the doctor says of the settings for messages."""

from __future__ import annotations

import pytest

from service.cli.doctor.local_checks import check_settings
from service.settings import Settings


def findings(**settings: str) -> dict[str, str]:
    """The states of what is found, by check."""
    return {finding.check: finding.state for finding in check_settings(Settings.model_validate(settings))}


@pytest.mark.parametrize(
    ("url", "region", "state"),
    [
        ("signal://localhost/15551231234/{phone}", None, "warning"),
        ("signal://localhost/15551231234/{phone}", "US", None),
        ("json://localhost/{email}", None, None),
    ],
)
def test_a_missing_country_is_told_where_phone_numbers_are_reached(
    url: str, region: str | None, state: str | None
) -> None:
    """Numbers without + get no message then."""
    given = {"message_url": url} | ({"phone_region": region} if region else {})
    found = findings(**given)
    assert (found["message_url"], found.get("phone_region")) == ("ok", state)


@pytest.mark.parametrize(
    "settings",
    [
        {"message_url": "mailto://mx.example.org?from=me@example.org&to={email}&pgp=sign"},
        {"message_url": "mailto://mx.example.org?from=me@example.org&to={email},josé@example.org"},
        {"message_url": "json://localhost/x?y={phone}"},
        {
            "message_url": "mailto://mx.example.org?from=me@example.org&to={email}",
            "message_list_unsubscribe": "https://example.org/{who}",
        },
    ],
)
def test_what_could_reach_nobody_or_somebody_else_is_a_problem(settings: dict[str, str]) -> None:
    """Before any message."""
    assert findings(**settings)["message_url"] == "problem"
