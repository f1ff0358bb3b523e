"""The address book: read from the files that people's programs export, kept, and changed."""
