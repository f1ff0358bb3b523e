"""Use cases of the service, for the API, the console and the bots. Parsed JSON comes in, views go out."""
