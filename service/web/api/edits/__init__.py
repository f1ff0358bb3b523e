"""Routes that change single occurrences."""
