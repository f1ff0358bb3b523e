"""Changed occurrences: skipped, moved or run with other settings, one by one, by somebody who asked for it."""
