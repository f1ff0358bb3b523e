"""Record of who was told what: alerts that were sorted, newest first, and what waits for a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.alerting_names import channel_of, shown
from service.domain.timestamps import format_ms
from service.store.alerting.deliveries import Delivery, address_fields, hash_of
from service.store.scripts import Scripts
from service.store.server.asking import ask, scored
