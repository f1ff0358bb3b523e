"""`bot-scheduler contacts …`: the address book."""
