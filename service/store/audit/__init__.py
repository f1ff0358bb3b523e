"""The audit log in Redis: who changed what, written by the script that makes the change."""
