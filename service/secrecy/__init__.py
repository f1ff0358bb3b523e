"""Secrets: their names, their hosts, and their removal from whatever the service stores, sends or logs."""
