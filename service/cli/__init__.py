"""The command line, `bot-scheduler`: a client of the API and of nothing else; only `doctor` also looks at Redis."""
