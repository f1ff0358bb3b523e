"""Keeping secrets out of whatever the service stores, sends or logs."""
