"""Erasure of a person from everything that Redis holds."""

from service.store.erasure.contact import ContactEraser
from service.store.erasure.texts import Found, TextEraser

__all__ = ["ContactEraser", "Found", "TextEraser"]
