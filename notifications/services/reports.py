"""What channels report of a message's delivery, kept as it came and read into the message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from notifications.channels.registry import REPORTS
from notifications.channels.reports import Delivery
from notifications.models import DeliveryReport, Message
from notifications.services.opt_outs import end_opt_out, note_opt_out

# The message has it, and forgets it when it must; a text that somebody wrote to us names its writer.
PHONES = frozenset({"dest_addr", "phoneNumber", "from", "to"})
FACTS_MAX = 20
CHARACTERS_MAX = 200


def keep_report(*, channel: str, facts: Mapping[str, Any]) -> DeliveryReport:
    """Store a report and apply it to its message, where there is one."""
    report = REPORTS[channel](facts)
    kept = DeliveryReport.objects.create(
        channel=channel,
        reference=report.reference[:100],
        word=report.word[:40],
        facts=_shortened(facts),
    )
    if kept.reference:
        apply_reports(channel=channel, reference=kept.reference)
        if report.is_unwanted:
            _note_wish(kept, report.reason)
    return kept


def apply_reports(*, channel: str, reference: str) -> None:
    """Bring the message up to what was reported; a report may be there before its message's reference.

    A final state never goes back, in whatever order reports come: the first final one stands.
    """
    told = DeliveryReport.objects.filter(channel=channel, reference=reference).order_by("pk")
    states = [REPORTS[channel](report.facts).delivery for report in told]
    final = next((state for state in states if state != Delivery.PENDING), None)
    open_ = Message.objects.filter(
        channel=channel, reference=reference, delivery__in=["", Delivery.PENDING]
    )
    if final is not None:
        for message in open_ if final == Delivery.DELIVERED else ():
            end_opt_out(message)
        open_.update(delivery=final, ask_at=None)
    elif states:
        open_.update(delivery=Delivery.PENDING)


def _note_wish(report: DeliveryReport, why: str) -> None:
    theirs = Message.objects.filter(channel=report.channel, reference=report.reference, to__gt="")
    for phone in theirs.values_list("to", flat=True):
        note_opt_out(phone=phone, channel=report.channel, why=why)


def _shortened(facts: Mapping[str, Any]) -> dict[str, str]:
    """What a report says, without its phone; of a body that is no report, not more than this."""
    said = [(str(name)[:40], str(value)) for name, value in facts.items() if name not in PHONES]
    return {name: value[:CHARACTERS_MAX] for name, value in said[:FACTS_MAX]}
