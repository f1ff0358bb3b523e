"""The address book: read from the files that people's programs export, kept, and changed."""

from service.store.contact_records import Contact, Visit

__all__ = ["Contact", "Visit"]
