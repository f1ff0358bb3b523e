"""Pages about access: keys, sessions, audit log."""
