"""Routes of keys, sessions and the audit log."""
