"""Pauses in Redis. Whether one covers an occurrence is decided in `service/store/lua/shared/pauses.lua`."""
