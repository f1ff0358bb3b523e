"""Callers: who sent a request, by the key or the session that it brings, and what Redis knows of them."""
