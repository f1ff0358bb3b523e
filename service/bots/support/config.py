"""Base classes of the built-in bots' configs."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class StrictConfig(BaseModel):
    """A config that refuses unknown keys and coerces no types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SparseConfig(StrictConfig):
    """A config that leaves out some fields while they are None.

    A job that does not use a newer field then reads as it did in the release before, which refuses unknown fields.
    """

    LEFT_OUT: ClassVar[frozenset[str] | None] = None
    """The fields to leave out while they are None; None means every field."""

    @model_serializer(mode="wrap")
    def _without_unset(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in dump(self).items() if value is not None or not self._is_left_out(name)}

    def _is_left_out(self, name: str) -> bool:
        return self.LEFT_OUT is None or name in self.LEFT_OUT
