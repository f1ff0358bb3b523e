"""The bots on real parts: a real server, real SMTP, real HTTP."""
