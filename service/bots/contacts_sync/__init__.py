"""The bot that keeps contacts in step with a CardDAV server."""
