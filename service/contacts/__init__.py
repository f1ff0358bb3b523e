"""The address book: imports from people's programs, storage and changes."""
