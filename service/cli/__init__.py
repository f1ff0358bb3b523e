"""The command line, `bot-scheduler`: a client of the API. Only `doctor` also reads Redis."""
