"""The contacts_sync bot: keeps the contacts in step with a CardDAV server."""
