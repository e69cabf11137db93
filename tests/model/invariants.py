"""What the rows alone must fulfil: after every step, each as one quick query; at rest, all we promise."""

# ruff: noqa: S608 - the queries are put together from this page's own words

from __future__ import annotations

from functools import cache

from django.db import connection

from backoffice.invariants import INVARIANTS
from cases.models import Case
from payments.states import MOVES, TRANSFER_MOVES


def broken_invariants() -> list[str]:
    """What is wrong with the rows, in words; nothing when all holds."""
    broken = []
    with connection.cursor() as cursor:
        for name, query in _queries().items():
            cursor.execute(query)
            broken += [f"{name}: {row}" for row in cursor.fetchall()]
    return broken


def broken_at_rest() -> list[str]:
    """What `manage.py check_money` would find now, when nothing is due any more."""
    return [
        f"{invariant.id} {offender.subject}: {offender.trouble}"
        for invariant in INVARIANTS
        if invariant.id not in OF_THE_SCHEMA
        for offender in invariant.find()
    ]


def open_cases(*subjects: str) -> set[str]:
    """The kinds of the cases that are open about one of the subjects."""
    return set(Case.objects.filter(open_subject__in=subjects).values_list("kind", flat=True))


def _listed(moves: object) -> str:
    """A table of moves as SQL: ('from>to', …)."""
    assert isinstance(moves, dict)
    return ", ".join(f"'{one}>{other}'" for one, others in moves.items() for other in others)


OF_THE_SCHEMA = ("I-04", "M-19")  # which no step changes, and which takes long to read
NAMES = {  # texts that are put together from columns
    "from_to": ("e.from_state", "'>'", "e.to_state"),
    "subject_of_u": ("'purchase:'", "u.id"),
    "sale_of_u": ("'sale:purchase:'", "u.id"),
    "credit_of_u": ("'credit:'", "u.id"),
    "case_of_p": ("'payment:'", "p.public_id"),
    "case_of_t": ("'transfer:'", "t.reference"),
}
OPEN = "('requested', 'queued', 'pending')"
NOT_GONE = "('requested', 'queued', 'pending', 'succeeded')"
GOING_BACK = f"""
    (SELECT COALESCE(SUM(t.amount), 0) FROM payments_transfer t
     WHERE t.payment_id = p.id AND t.state IN {NOT_GONE})"""
LAST = "(SELECT MAX(l.id) FROM {events} l WHERE l.{owner} = {alias}.id)"
BEFORE = "(SELECT MAX(b.id) FROM {events} b WHERE b.{owner} = e.{owner} AND b.id < e.id)"
PAYMENT_CASE = """
    (SELECT 1 FROM cases_case c WHERE c.state = 'open' AND c.kind = 'unresolved_payment'
     AND c.subject = {subject})"""

WRONG = {
    "a posting does not sum to zero": """
        SELECT p.source, SUM(e.amount) FROM payments_posting p
        JOIN payments_entry e ON e.posting_id = p.id
        GROUP BY p.source HAVING SUM(e.amount) <> 0""",
    "a transfer's account does not hold what is under way": f"""
        SELECT t.reference, t.state, t.amount, SUM(e.amount) FROM payments_transfer t
        JOIN payments_posting p ON p.transfer_id = t.id
        JOIN payments_entry e ON e.posting_id = p.id AND e.account LIKE 'transfer:%'
        GROUP BY t.id, t.reference, t.state, t.amount
        HAVING SUM(e.amount) <> CASE WHEN t.state IN {OPEN} THEN -t.amount ELSE 0 END""",
    "a payment did not move by the table": f"""
        SELECT e.payment_id, e.from_state, e.to_state FROM payments_paymentevent e
        LEFT JOIN payments_paymentevent o
        ON o.id = {BEFORE.format(events="payments_paymentevent", owner="payment_id")}
        WHERE e.from_state <> COALESCE(o.to_state, '')
        OR (e.from_state <> '' AND {{from_to}} NOT IN ({_listed(MOVES)}))""",
    "a payment is not where its history ends": f"""
        SELECT p.id, p.state, a.status, e.to_state FROM payments_payment p
        JOIN mobile_money_transactions a ON a.payment_id = p.id
        JOIN payments_paymentevent e
        ON e.id = {LAST.format(events="payments_paymentevent", owner="payment_id", alias="p")}
        WHERE p.state <> e.to_state OR a.status <> e.to_state""",
    "a transfer did not move by the table": f"""
        SELECT e.transfer_id, e.from_state, e.to_state FROM payments_transferevent e
        LEFT JOIN payments_transferevent o
        ON o.id = {BEFORE.format(events="payments_transferevent", owner="transfer_id")}
        WHERE e.from_state <> COALESCE(o.to_state, '')
        OR (e.from_state <> '' AND {{from_to}} NOT IN ({_listed(TRANSFER_MOVES)}))""",
    "a transfer is not where its history ends": f"""
        SELECT t.id, t.state, e.to_state FROM payments_transfer t
        JOIN payments_transferevent e
        ON e.id = {LAST.format(events="payments_transferevent", owner="transfer_id", alias="t")}
        WHERE t.state <> e.to_state""",
    "two payments are alive for one purchase": """
        SELECT subject, COUNT(*) FROM payments_payment WHERE state IN ('initiated', 'pending')
        GROUP BY subject HAVING COUNT(*) > 1""",
    "one receipt pays twice": """
        SELECT provider, provider_transaction_id FROM mobile_money_transactions
        WHERE provider_transaction_id IS NOT NULL
        GROUP BY provider, provider_transaction_id HAVING COUNT(*) > 1""",
    "somebody is served unpaid": """
        SELECT a.purchase_id, p.state, p.disposition, p.paid_amount, u.price
        FROM bundles_activation a JOIN bundles_purchase u ON u.id = a.purchase_id
        LEFT JOIN payments_posting s ON s.source = {sale_of_u}
        LEFT JOIN payments_payment p ON p.id = s.payment_id AND p.subject = {subject_of_u}
        WHERE COALESCE(p.state, '') <> 'completed' OR p.disposition <> 'fulfilled'
        OR COALESCE(p.paid_amount, 0) + p.from_credit < u.price OR u.state <> 'paid'""",
    "something is paid, fulfilled or sold, and not activated": """
        SELECT u.id, u.state, p.disposition FROM bundles_purchase u
        LEFT JOIN payments_payment p ON p.subject = {subject_of_u} AND p.disposition = 'fulfilled'
        LEFT JOIN payments_posting s ON s.source = {sale_of_u}
        WHERE (u.state = 'paid' OR p.id IS NOT NULL OR s.id IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM bundles_activation a WHERE a.purchase_id = u.id)
        AND NOT EXISTS (SELECT 1 FROM bundles_gift g WHERE g.purchase_id = u.id)""",
    "a purchase is fulfilled twice": """
        SELECT subject FROM payments_payment WHERE disposition = 'fulfilled'
        GROUP BY subject HAVING COUNT(*) > 1""",
    "somebody has the money back and is served": f"""
        SELECT p.id, p.paid_amount, p.reversed_at FROM payments_payment p
        JOIN bundles_purchase u ON {{subject_of_u}} = p.subject
        JOIN bundles_activation a ON a.purchase_id = u.id AND a.withdrawn_at IS NULL
        WHERE p.disposition = 'fulfilled'
        AND (p.reversed_at IS NOT NULL OR {GOING_BACK} >= p.paid_amount + p.from_credit)""",
    "more goes back than was paid": f"""
        SELECT p.id, p.paid_amount FROM payments_payment p
        WHERE {GOING_BACK} > COALESCE(p.paid_amount, 0)""",
    "somebody keeps money of a payment that was reversed": """
        SELECT p.id, SUM(e.amount) FROM payments_payment p
        JOIN payments_posting o ON o.payment_id = p.id
        JOIN payments_entry e ON e.posting_id = o.id
        WHERE p.reversed_at IS NOT NULL AND e.account NOT LIKE 'provider:%'
        AND e.account NOT LIKE 'transfer:%' AND e.account NOT LIKE 'credit:%'
        GROUP BY p.id HAVING SUM(e.amount) < 0""",
    "receipts do not hold what is undecided": """
        SELECT p.id, p.disposition, p.paid_amount, p.from_credit, SUM(e.amount)
        FROM payments_payment p
        JOIN payments_posting o ON o.payment_id = p.id
        JOIN payments_entry e ON e.posting_id = o.id AND e.account = 'receipts'
        WHERE p.disposition <> 'refunded'
        GROUP BY p.id, p.disposition, p.paid_amount, p.from_credit
        HAVING SUM(e.amount) <> CASE WHEN p.disposition = ''
        THEN -COALESCE(p.paid_amount, 0) - p.from_credit ELSE 0 END""",
    "an attempt is forgotten": f"""
        SELECT a.id, a.status FROM mobile_money_transactions a
        JOIN payments_payment p ON p.id = a.payment_id
        WHERE a.next_check_at IS NULL AND (a.status IN ('initiated', 'pending')
        OR (a.status = 'expired' AND a.reason <> 'unavailable'
        AND NOT EXISTS {PAYMENT_CASE.format(subject="{case_of_p}")}))""",
    "a payment is forgotten": """
        SELECT id FROM payments_payment
        WHERE state = 'completed' AND disposition = '' AND follow_up_at IS NULL""",
    "a delivery is forgotten": """
        SELECT id FROM payments_webhookdelivery WHERE state = 'received' AND next_try_at IS NULL""",
    "a transfer is forgotten": """
        SELECT t.reference, t.state FROM payments_transfer t
        WHERE t.state IN ('queued', 'pending') AND t.next_check_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM cases_case c
        WHERE c.state = 'open' AND c.subject = {case_of_t})""",
    "a subscription has no seat": """
        SELECT s.id FROM bundles_subscription s WHERE s.state = 'active' AND NOT EXISTS
        (SELECT 1 FROM bundles_seat e WHERE e.bundle_id = s.bundle_id
        AND e.customer_id = s.customer_id AND e.held_until IS NULL)""",
    "a seat is used by no subscription": """
        SELECT e.id FROM bundles_seat e
        WHERE e.held_until IS NULL AND e.purchase_id IS NULL AND NOT EXISTS
        (SELECT 1 FROM bundles_subscription s WHERE s.bundle_id = e.bundle_id
        AND s.customer_id = e.customer_id AND s.state = 'active')""",
    "a bundle is oversold": """
        SELECT b.id FROM bundles_bundle b WHERE b.max_clients <
        (SELECT COUNT(*) FROM bundles_seat e WHERE e.bundle_id = b.id)""",
    "a subscription does not give what was bought": """
        SELECT s.id, s.data_limit_bytes FROM bundles_subscription s
        WHERE s.state = 'active' AND s.data_limit_bytes <>
        (SELECT COALESCE(SUM(a.data_bytes), 0) FROM bundles_activation a
        WHERE a.subscription_id = s.id AND a.withdrawn_at IS NULL)""",
    "somebody without a subscription is connected": """
        SELECT p.id FROM vpn_peer p JOIN bundles_subscription s ON s.id = p.subscription_id
        WHERE p.state = 'active' AND s.state <> 'active'""",
    "credit is overdrawn": """
        SELECT u.id, SUM(e.amount) FROM accounts_user u
        JOIN payments_entry e ON e.account = {credit_of_u}
        WHERE NOT EXISTS (SELECT 1 FROM payments_payment p
        WHERE p.payer_id = u.id AND p.reversed_at IS NOT NULL)
        GROUP BY u.id HAVING SUM(e.amount) > 0""",
}


@cache
def _queries() -> dict[str, str]:
    """The queries as this database writes texts that are put together."""
    form = "CONCAT({})" if connection.vendor == "mysql" else "({})"
    between = ", " if connection.vendor == "mysql" else " || "
    names = {name: form.format(between.join(parts)) for name, parts in NAMES.items()}
    return {name: query.format(**names) for name, query in WRONG.items()}
