"""`bot-scheduler up` (`make up`): everything on one machine, with a Valkey of its own."""
