"""A database in which many payments are finished, and some wait; written by SQL alone, in minutes."""

from __future__ import annotations

from django.db import connection

# MariaDB's sequence tables number the rows; four payments of five were paid.
PAYMENTS = """
INSERT INTO payments_payment (
    id, public_id, payer_id, subject, amount, currency, payment_method, state, reason,
    paid_amount, from_credit, disposition, created_at, updated_at, paid_at, fulfilled_at,
    follow_up_tries)
SELECT seq, LPAD(seq, 32, '0'), %(payer)s, CONCAT('finished:', seq), 1000, 'TZS', 'tigo_pesa',
    IF(seq %% 5, 'completed', 'failed'), IF(seq %% 5, '', 'cancelled'),
    IF(seq %% 5, 1000, NULL), 0, IF(seq %% 5, 'fulfilled', ''),
    at, at, IF(seq %% 5, at, NULL), IF(seq %% 5, at, NULL), 0
FROM (SELECT seq, UTC_TIMESTAMP(6) - INTERVAL 1 DAY - INTERVAL seq SECOND AS at
      FROM seq_1_to_1000000 WHERE seq BETWEEN %(first)s AND %(last)s) AS numbered
"""
ATTEMPTS = """
INSERT INTO mobile_money_transactions (
    id, payment_id, provider, provider_transaction_id, customer_phone, provider_status, status,
    created_at, updated_at, expires_at, dialect, reference, callback_token, reason, posted_at,
    sends, resend_due, checks)
SELECT id, id, payment_method, IF(paid_at, CONCAT('MFS', id), NULL),
    CONCAT('+25571', LPAD(id, 7, '0')), '', state, created_at, updated_at,
    created_at + INTERVAL 10 MINUTE, payment_method, LPAD(id, 12, '0'), LPAD(id, 32, '0'), reason,
    created_at, 1, 0, 0
FROM payments_payment WHERE id BETWEEN %(first)s AND %(last)s
"""
DELIVERIES = """
INSERT INTO payments_webhookdelivery (
    id, dialect, channel, received_at, source, trust, attempt_token, headers, body, body_bytes,
    state, note, attempt_id, tries, processed_at)
SELECT id, dialect, 'callback', created_at, '127.0.0.1', 'secret_path', '',
    '{"Content-Type": "application/json"}',
    CONCAT('{"Status": true, "ReferenceID": "KNK', reference, '", "Amount": "1000"}'), 64,
    'applied', 'Paid', id, 0, created_at
FROM mobile_money_transactions WHERE id BETWEEN %(first)s AND %(last)s
"""
# What waits: pending and overdue, of a provider that cannot be asked; not due yet.
WAITING_PAYMENTS = """
INSERT INTO payments_payment (
    id, public_id, payer_id, subject, amount, currency, payment_method, state, reason,
    from_credit, disposition, created_at, updated_at, follow_up_tries)
SELECT %(count)s + seq, LPAD(%(count)s + seq, 32, '0'), %(payer)s, CONCAT('purchase:', seq),
    1000, 'TZS', 'tigo_pesa', 'pending', '', 0, '', at, at, 0
FROM (SELECT seq, UTC_TIMESTAMP(6) - INTERVAL 1 HOUR AS at
      FROM seq_1_to_1000000 WHERE seq <= %(waiting)s) AS numbered
"""
WAITING_ATTEMPTS = """
INSERT INTO mobile_money_transactions (
    id, payment_id, provider, customer_phone, provider_status, status, created_at, updated_at,
    expires_at, dialect, reference, callback_token, reason, posted_at, sends, resend_due, checks)
SELECT id, id, payment_method, CONCAT('+25571', LPAD(id, 7, '0')), '', state, created_at,
    updated_at, created_at + INTERVAL 10 MINUTE, payment_method, LPAD(id, 12, '0'),
    LPAD(id, 32, '0'), '', created_at, 1, 0, 0
FROM payments_payment WHERE id > %(count)s
"""
WAITING_DELIVERIES = """
INSERT INTO payments_webhookdelivery (
    id, dialect, channel, received_at, source, trust, attempt_token, headers, body, body_bytes,
    state, note, tries)
SELECT id, dialect, 'callback', created_at, '127.0.0.1', 'secret_path', '', '{}', '{}', 2,
    'received', '', 0
FROM mobile_money_transactions WHERE id > %(count)s
"""
FINISHED = (PAYMENTS, ATTEMPTS, DELIVERIES)
WAITING = (WAITING_PAYMENTS, WAITING_ATTEMPTS, WAITING_DELIVERIES)
TABLES = "payments_payment, mobile_money_transactions, payments_webhookdelivery"
ROWS_AT_ONCE = 25_000  # what is written well within the connection's read time-out


def fill(*, payer: int, count: int, waiting: int) -> None:
    """Payments 1 to `count` are finished, each with attempt and delivery; `waiting` more are pending.

    Those are for the purchases 1 to `waiting`. `count` is at most a million. The statistics are what
    a server's would be after a while.
    """
    with connection.cursor() as cursor:
        # Checks that these rows pass by their making, and that would take most of the time.
        cursor.execute("SET unique_checks = 0, foreign_key_checks = 0")
        for first in range(1, count + 1, ROWS_AT_ONCE):
            last = min(count, first + ROWS_AT_ONCE - 1)
            for statement in FINISHED:
                cursor.execute(statement, {"payer": payer, "first": first, "last": last})
        for statement in WAITING:
            cursor.execute(statement, {"payer": payer, "count": count, "waiting": waiting})
        cursor.execute("SET unique_checks = 1, foreign_key_checks = 1")
        cursor.execute(f"ANALYZE TABLE {TABLES}")
        cursor.fetchall()
