"""The address book: read from the files that people's programs export, kept, and changed."""

from service.store.contacts import Contact, Visit

__all__ = ["Contact", "Visit"]
