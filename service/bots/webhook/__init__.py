"""The webhook bot: sends one signed HTTP request."""
