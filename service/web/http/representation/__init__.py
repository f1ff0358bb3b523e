"""Representations of what is sent: content codings, and validators that save sending it again (RFC 9110, 8)."""
