"""Use cases of access: keys and sessions, what exists for the caller, and who changed what."""
