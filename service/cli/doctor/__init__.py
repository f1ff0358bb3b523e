"""`bot-scheduler doctor`: checks of everything that a service needs."""
