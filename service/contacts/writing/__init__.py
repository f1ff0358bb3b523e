"""Writing address books as files that others read."""
