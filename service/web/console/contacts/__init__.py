"""Pages of the address book: list, form, duplicates."""
