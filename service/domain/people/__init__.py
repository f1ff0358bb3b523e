"""People: contacts, names, and the traits that identify somebody."""
