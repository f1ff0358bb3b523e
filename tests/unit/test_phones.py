"""Phone numbers as they go out: the one that is meant in E.164, or a refusal that names it."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.contacts.cleaning import clean_phone
from service.messages.addresses import phone_to_send
from service.messages.outcomes import DeliveryFailed


@pytest.mark.parametrize(
    ("number", "region", "dialled"),
    [
        ("(415) 555-0100", "US", "+14155550100"),
        ("415.555.0100", "US", "+14155550100"),
        ("1-415-555-0100", "US", "+14155550100"),
        ("011 44 20 7946 0000", "US", "+442079460000"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("(020) 7946 0000", "GB", "+442079460000"),
        ("07911 123456", "GB", "+447911123456"),
        ("030/1234567", "DE", "+49301234567"),
        ("0171 / 123 45 67", "DE", "+491711234567"),
        ("0049 30 123456", "DE", "+4930123456"),
        ("00 33 1 23 45 67 89", "DE", "+33123456789"),
        ("06 1234567", "IT", "+39061234567"),
        ("8 495 123-45-67", "RU", "+74951234567"),
        ("011 15 2345-6789", "AR", "+5491123456789"),
        ("03-1234-5678", "JP", "+81312345678"),
        ("+49 (0)30 123", None, "+4930123"),
        ("+49 (0) 30 / 123456", None, "+4930123456"),
        ("+44 (0)20 7946 0000", "US", "+442079460000"),
        ("+33 (0)1.23.45.67.89", None, "+33123456789"),
        ("+39 (0)6 1234567", None, "+39061234567"),
        ("+1 (415) 555-0100", "DE", "+14155550100"),
        ("+1-418-656-9254", None, "+14186569254"),
        ("+15550100100", None, "+15550100100"),
        ("\u202a+1\u2011418\u2011656\u20119254\u202c", None, "+14186569254"),
        ("+44\u00a020\u20097946\u20130000", None, "+442079460000"),
        ("\uff0b\uff14\uff19 30 123456", None, "+4930123456"),
        ("+٤٩ ٣٠ ١٢٣٤٥٦", None, "+4930123456"),
    ],
)
def test_a_number_goes_out_as_it_is_dialled_from_everywhere(number: str, region: str | None, dialled: str) -> None:
    """A country code of its own comes before PHONE_REGION."""
    assert phone_to_send(number, region) == dialled


@pytest.mark.parametrize(
    ("number", "region", "reason"),
    [
        ("(415) 555-0100", None, "PHONE_REGION is not set"),
        ("020 7946 0000", None, "PHONE_REGION is not set"),
        ("0049 30 123456", None, "PHONE_REGION is not set"),
        ("14155550100", None, "PHONE_REGION is not set"),
        ("020 7946 0000", "DE", "not a number of PHONE_REGION (DE)"),
        ("(415) 555-0100", "FR", "too short, too long"),
        ("555-0100", "US", "area code"),
        ("911", "US", "too short"),
        ("110", "DE", "area code"),
        ("32665", "US", "too short"),
        ("12345", "DE", "not a number of"),
        ("*100#", "DE", "not dialled"),
        ("+1-418-656-9254;ext=102", None, "extension"),
        ("+1 418 656 9254 ext. 5", None, "extension"),
        ("+1 418 656 9254 x5", None, "extension"),
        ("+1 418 656 9254,,5", None, "not dialled"),
        ("1-800-FLOWERS", "US", "not dialled"),
        ("+49 30 1234/35", None, "several numbers"),
        ("030 123456 / 0171 999 / 5", "DE", "several numbers"),
        ("+1 (0)415 555 0100", None, "too long"),
        ("+372 (0) 123 4567", None, "(0)"),
        ("+999 123456", None, "not a phone number"),
        ("+", None, "not dialled"),
        ("+49 +30 123456", None, "not dialled"),
        ("++49 30 123456", None, "not dialled"),
        ("+4930123456789012345", None, "too long"),
        ("someone@example.org", "US", "not dialled"),
        ("", "US", "not dialled"),
    ],
)
def test_a_number_of_which_it_is_not_certain_who_is_meant_is_refused_by_name(
    number: str, region: str | None, reason: str
) -> None:
    """Nothing is guessed."""
    with pytest.raises(DeliveryFailed) as failure:
        phone_to_send(number, region)
    assert reason in str(failure.value) and f"the phone number {number} cannot get messages" in str(failure.value)


_REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@given(region=st.sampled_from(_REGIONS), shape=st.sampled_from(["NATIONAL", "INTERNATIONAL", "E164", "RFC3966"]))
@settings(max_examples=300, deadline=None)
def test_every_countrys_example_number_is_read_as_it_is_written_there(region: str, shape: str) -> None:
    """As the library's own data has it."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        return
    written = clean_phone(phonenumbers.format_number(example, getattr(phonenumbers.PhoneNumberFormat, shape)))
    assert written is not None
    assert phone_to_send(written, region) == phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)


@example(number="+110000000000", region=None)
@given(number=st.from_regex(r"\+[1-9][0-9 ()./-]{0,20}", fullmatch=True), region=st.sampled_from([None, "US", "DE"]))
@settings(max_examples=500, deadline=None)
def test_a_number_with_a_country_code_keeps_its_digits(number: str, region: str | None) -> None:
    """But for a trunk prefix, none is added, dropped or exchanged; PHONE_REGION does not matter."""
    try:
        dialled = phone_to_send(number, region)
    except DeliveryFailed:
        return
    digits = "".join(char for char in number if char.isdigit())
    assert dialled == phone_to_send(number, None)
    assert dialled[1] == digits[0]  # North America's trunk prefix is its country code again
    left = iter(digits)
    assert all(char in left for char in dialled[1:]) or dialled.startswith(("+52", "+54", "+55"))
