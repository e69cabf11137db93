"""What lines are compared with: collections with attempts, what went out with transfers, and back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One kind of line and what it can be of, as pieces of SQL; `l` is the line, `t` the other.

    `done` is whether we hold it to have happened, `expected` how much came or went then, `asked` how
    much was to. `taken` is whether a line has been confirmed for it; one more is for bucket `again`.
    `otherwise` are the WHENs that say which bucket the line is for where `done` does not hold.
    """

    lines: str
    table: str
    column: str
    amount: str
    done: str
    expected: str
    asked: str
    phone: str
    created: str
    taken: str
    otherwise: str
    again: str = "duplicate_payment"
    only: str = "1 = 1"
    joined: str = ""


ATTEMPTS = "mobile_money_transactions t"
ITS_PAYMENT = "JOIN payments_payment p ON p.id = t.payment_id"
# Another try for the same thing was paid for: this is more money, not late news.
PAID_ALREADY = """NOT (t.status = 'completed') AND (EXISTS (
    SELECT 1 FROM mobile_money_transactions other
    WHERE other.payment_id = p.id AND other.id <> t.id AND other.status = 'completed')
  OR p.subject <> '' AND EXISTS (
    SELECT 1 FROM payments_payment other
    WHERE other.subject = p.subject AND other.id <> p.id AND other.state = 'completed'))"""

COLLECTIONS = Side(
    lines="l.kind IN ('collection', 'other') AND l.amount > 0",
    table=ATTEMPTS,
    joined=ITS_PAYMENT,
    column="attempt_id",
    amount="l.amount",
    done="t.status = 'completed'",
    expected="p.paid_amount",
    asked="(p.amount - p.from_credit)",
    phone="t.customer_phone",
    created="t.created_at",
    taken="""EXISTS (SELECT 1 FROM payments_match m
      WHERE m.attempt_id = t.id AND m.holds_attempt = 1)""",
    otherwise=f"""WHEN {PAID_ALREADY} THEN 'duplicate_payment'
      WHEN t.status = 'expired' THEN 'late_success'
      WHEN NOT (t.status = 'completed') THEN 'status_conflict'""",
)

DISBURSEMENTS = Side(
    lines="l.kind IN ('disbursement', 'other') AND l.amount < 0",
    table="payments_transfer t",
    column="transfer_id",
    amount="(-l.amount)",
    done="t.state = 'succeeded'",
    expected="t.amount",
    asked="t.amount",
    phone="t.phone",
    created="t.created_at",
    taken="""EXISTS (SELECT 1 FROM payments_match m
      WHERE m.transfer_id = t.id AND m.holds_transfer = 1)""",
    only="t.method = 'disbursement'",
    otherwise="WHEN NOT (t.state = 'succeeded') THEN 'status_conflict'",
)

# Of which collection it is: by Linked Transaction ID, else the collection's own receipt again.
LINKED = "CASE WHEN l.linked_receipt <> '' THEN l.linked_receipt ELSE l.receipt END"

REVERSALS = Side(
    lines="l.kind = 'reversal' AND l.amount < 0",
    table="payments_transfer t",
    column="transfer_id",
    amount="(-l.amount)",
    done="t.state = 'succeeded'",
    expected="t.amount",
    asked="t.amount",
    phone="t.phone",
    created="t.created_at",
    taken="""EXISTS (SELECT 1 FROM payments_match m
      WHERE m.transfer_id = t.id AND m.holds_transfer = 1)""",
    again="reversed",
    only="t.method = 'reversal'",
    otherwise="WHEN NOT (t.state = 'succeeded') THEN 'reversed'",
)

TAKEN_BACK = Side(
    lines="l.kind = 'reversal' AND l.amount < 0",
    table=ATTEMPTS,
    joined=ITS_PAYMENT,
    column="attempt_id",
    amount="(-l.amount)",
    done="p.reversed_at IS NOT NULL",
    expected="p.paid_amount",
    asked="p.amount",
    phone="t.customer_phone",
    created="t.created_at",
    taken="""EXISTS (SELECT 1 FROM payments_match m WHERE m.attempt_id = t.id AND m.is_live
      AND m.state = 'confirmed' AND m.rule = 'R8')""",
    again="reversed",
    otherwise="WHEN p.reversed_at IS NULL OR p.paid_amount <> -l.amount THEN 'reversed'",
)

COME_BACK = Side(
    lines="l.kind = 'reversal' AND l.amount > 0",
    table="payments_transfer t",
    column="transfer_id",
    amount="l.amount",
    done="1 = 0",  # what a provider gives back of what we sent is for staff, always
    expected="t.amount",
    asked="t.amount",
    phone="t.phone",
    created="t.created_at",
    taken="1 = 0",
    only="t.method = 'disbursement'",
    otherwise="WHEN 1 = 1 THEN 'reversed'",
)
