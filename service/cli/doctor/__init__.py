"""`bot-scheduler doctor`: the command, its checks, and their findings."""
