"""E-mail addresses and phone numbers in the form to send to, or the reason why none can be sent.

Nothing is guessed. A domain that is not ASCII becomes A-labels (IDNA 2008 after the mapping of UTS 46, as mail programs
do). The rest of an e-mail address stays as it is, character by character.
"""

from __future__ import annotations

import re
import unicodedata

import idna
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from service.messages.outcomes import DeliveryFailed

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
"""The characters of a dot-string (RFC 5321, 4.1.2). Dots may stand anywhere, since some providers have such addresses
(`a..b@`). A server that does not accept one says so."""
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
"""DNS labels, which may have underscores, in at most 253 characters (RFC 1035)."""
_NUMBER = re.compile(r"\+?[\d\s()./-]+")
_SECOND_NUMBER = re.compile(r"/.*/|/\D*(\d\D*){0,3}$")
"""A second slash, or one with too few digits for a number after it: "1234/35" means two numbers."""
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
_DASHES = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")


def email_to_send(address: str) -> str:
    """Return the address for RCPT TO, such as `jos@xn--bcher-kva.example` for `jos@bücher.example`.

    Raises:
        DeliveryFailed: a message cannot be sent to it; the message says why.
    """
    local, at, domain = address.rpartition("@")
    if not at or not local:
        raise DeliveryFailed(f"{address} is not an e-mail address")
    if not local.isascii():
        raise DeliveryFailed(f"{address} cannot get messages: the part before its @ is not ASCII")
    if not _LOCAL.fullmatch(local):
        raise DeliveryFailed(f"{address} cannot get messages: the part before its @ is not a valid mailbox name")
    return f"{local}@{_domain_to_send(address, domain)}"


def _domain_to_send(address: str, domain: str) -> str:
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True, std3_rules=True).decode()
        except UnicodeError as error:  # idna's errors, too
            raise DeliveryFailed(f"{address} cannot get messages: its domain is invalid: {error}") from None
    if not _DOMAIN.fullmatch(domain):
        raise DeliveryFailed(f"{address} cannot get messages: its domain is invalid")
    return domain


def phone_to_send(number: str, region: str | None) -> str:
    """Return the number in E.164, such as `+14155550100` for `(415) 555-0100` in the US.

    Args:
        number: the number as somebody wrote it.
        region: the ISO code of the country whose numbers are written without `+`, or None.

    Raises:
        DeliveryFailed: the number is ambiguous, or no message can be sent to it; the message says why.
    """
    plain = _plain(number)
    if not _NUMBER.fullmatch(plain):
        raise _unusable(number, "it has an extension, or a character that is not dialled")
    if _SECOND_NUMBER.search(plain):
        raise _unusable(number, "it looks like several numbers")
    international = plain.startswith("+")
    if not international and region is None:
        raise _unusable(number, "it has no country code (+…), and PHONE_REGION is not set")
    try:
        parsed = phonenumbers.parse(plain, None if international else region)
    except NumberParseException:
        raise _unusable(number, "it is not a phone number") from None
    _require_one_number(number, plain, parsed, None if international else region)
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def _require_one_number(number: str, plain: str, parsed: PhoneNumber, region: str | None) -> None:
    """Refuse a number that may be wrong.

    A number with a country code needs a possible length only, since numbering plans grow. A number that we complete
    must be valid in its country's plan; so must one with a `(0)`, which some countries do not dial.
    """
    if parsed.extension:
        raise _unusable(number, "it has an extension, which no message reaches")
    if phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        raise _unusable(number, "it is too short, too long, or lacks its area code")
    if region is not None and not phonenumbers.is_valid_number(parsed):
        raise _unusable(number, f"it is not a number of PHONE_REGION ({region}); write it with its country code (+…)")
    if region is None and _TRUNK_ZERO.search(plain) and not _same_without_zero(plain, parsed):
        raise _unusable(number, "it is not certain whether its (0) is dialled; write the number without it")


def _same_without_zero(plain: str, parsed: PhoneNumber) -> bool:
    if phonenumbers.is_valid_number(parsed):
        return True
    try:
        without = phonenumbers.parse(_TRUNK_ZERO.sub("", plain, count=1), None)
    except NumberParseException:
        return False
    return bool(parsed == without)


def _plain(number: str) -> str:
    """Return the number without invisible characters, with the usual hyphen, blank, plus and digits."""
    visible = "".join(char for char in number if unicodedata.category(char) != "Cf")
    return _DASHES.sub("-", unicodedata.normalize("NFKC", visible)).strip()


def _unusable(number: str, reason: str) -> DeliveryFailed:
    return DeliveryFailed(f"the phone number {number} cannot get messages: {reason}")
