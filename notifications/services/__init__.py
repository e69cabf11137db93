"""The only way to tell somebody something."""

from notifications.services.queue import queue_message
from notifications.services.send import send_queued, sweep_outbox

__all__ = ["queue_message", "send_queued", "sweep_outbox"]
