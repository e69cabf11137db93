"""The SQL of a year of sales: each payment's own rows in every table that its page is read from.

All of them are made of the payments' numbers, 1 to `count`. The customer is the number modulo
`customers`; of 200 payments of everybody 30 failed, 8 expired, 2 became credit, 1 was paid from
credit, and the others were fulfilled. The last 100 of all are pending.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5

PAYMENTS_EACH = 10  # of a customer in the year
FIRST_CUSTOMER = 100  # accounts below are staff and owners
OWNERS, BUNDLES, DEVICES_EACH = 4, 20, 10_000  # each of a gateway
PENDING = 100

# By the customer's number `c`: six of ten have M-Pesa, three Tigo Pesa, one Airtel Money.
PROVIDER = (
    "ELT(1 + (c MOD 10 >= 6) + (c MOD 10 >= 9), 'vodacom_mpesa', 'tigo_pesa', 'airtel_money')"
)
PHONE = (
    "CONCAT('+255', ELT(1 + (c MOD 10 >= 6) + (c MOD 10 >= 9), '75', '71', '68'), LPAD(c, 7, '0'))"
)
DIALECT = "IF(payment_method = 'vodacom_mpesa', 'mpesa_openapi', payment_method)"
# Without any order, as ours and the providers' are; unique by their last letters.
REFERENCE = "UPPER(CONCAT(LEFT(MD5(CONCAT('r', id)), 7), LPAD(CONV(id, 10, 36), 5, '0')))"
RECEIPT = "UPPER(CONCAT(LEFT(MD5(CONCAT('p', id)), 3), LPAD(CONV(id, 10, 36), 7, '0')))"

# MariaDB's sequence tables number the rows.
NUMBERS = "seq_1_to_10000000 WHERE seq BETWEEN %(first)s AND %(last)s"
# A payment's number, its customer `c`, what became of it `h`, and when it began.
NUMBERED = f"""(
    SELECT id, c, (37 * id + 13 * ((id - 1) DIV %(customers)s)) MOD 200 AS h, at,
        id > %(count)s - 100 AS is_pending
    FROM (SELECT seq AS id, (seq - 1) MOD %(customers)s AS c,
              %(since)s + INTERVAL seq * %(step)s MICROSECOND AS at
          FROM {NUMBERS}) AS counted) AS numbered"""

CUSTOMERS = f"""
INSERT INTO accounts_user (
    id, password, is_superuser, full_name, email, phone, role, language, is_active, is_staff,
    created_at)
SELECT {FIRST_CUSTOMER} + c, '!', 0,
    CONCAT(ELT(1 + c MOD 7, 'Asha', 'Juma', 'Neema', 'Baraka', 'Rehema', 'Hamisi', 'Upendo'), ' ',
        ELT(1 + c MOD 11, 'Mushi', 'Massawe', 'Kimaro', 'Mwakyusa', 'Shayo', 'Komba', 'Ngowi',
        'Mrema', 'Lyimo', 'Swai', 'Temu'), ' ', c),
    CONCAT('customer', c, '@example.test'), {PHONE}, 'customer', 'sw', 1, 0, %(since)s
FROM (SELECT seq AS c FROM {NUMBERS}) AS numbered
"""
ADDRESSES = f"""
INSERT INTO vpn_address (id, gateway_id, number, free_at)
SELECT seq, 1 + seq DIV {DEVICES_EACH}, 2 + seq MOD {DEVICES_EACH}, NULL
FROM {NUMBERS}
"""
PURCHASES = f"""
INSERT INTO bundles_purchase (
    id, customer_id, bundle_id, state, gift_phone, price, data_limit_gb, duration_days,
    commission_percent, tax_percent, created_at, paid_at)
SELECT id, {FIRST_CUSTOMER} + c, 1 + c MOD {BUNDLES},
    IF(is_pending, 'awaiting_payment', IF(h < 38, 'abandoned', 'paid')), '', 1000, 5, 30, 10, 18, at,
    IF(h < 38 OR is_pending, NULL, at + INTERVAL 9 SECOND)
FROM {NUMBERED}
"""
PAYMENTS = f"""
INSERT INTO payments_payment (
    id, public_id, payer_id, subject, amount, currency, payment_method, state, reason, paid_amount,
    from_credit, disposition, created_at, updated_at, paid_at, fulfilled_at, follow_up_tries)
SELECT id, MD5(id), {FIRST_CUSTOMER} + c, CONCAT('purchase:', id), 1000, 'TZS',
    IF(h = 199, 'credit', {PROVIDER}),
    CASE WHEN is_pending THEN 'pending' WHEN h < 30 THEN 'failed' WHEN h < 38 THEN 'expired'
        ELSE 'completed' END,
    IF(h < 30 AND NOT is_pending,
        ELT(1 + h MOD 4, 'wrong_pin', 'insufficient_funds', 'cancelled', 'no_answer'), ''),
    IF(is_pending OR h < 38 OR h = 199, NULL, 1000), IF(h = 199 AND NOT is_pending, 1000, 0),
    IF(is_pending OR h < 38, '', IF(h < 40, 'credited', 'fulfilled')),
    at, at + INTERVAL 12 SECOND,
    IF(is_pending OR h < 38, NULL, at + INTERVAL 4 + c MOD 40 SECOND),
    IF(is_pending OR h < 40, NULL, at + INTERVAL 6 + c MOD 40 SECOND), 0
FROM {NUMBERED}
"""
# From here on by the payments themselves.
ATTEMPTS = f"""
INSERT INTO mobile_money_transactions (
    id, payment_id, provider, provider_transaction_id, customer_phone, webhook_data,
    provider_status, status, created_at, updated_at, expires_at, dialect, reference,
    callback_token, reason, posted_at, sends, resend_due, checks)
SELECT id, id, payment_method, IF(paid_at, {RECEIPT}, NULL), {PHONE},
    IF(paid_at, CONCAT('{{"Status": true, "MFSTransactionID": "', {RECEIPT}, '"}}'), NULL),
    '', state, created_at, updated_at, created_at + INTERVAL 10 MINUTE, {DIALECT},
    {REFERENCE},
    SHA1(id), reason, created_at, 1, 0, 0
FROM (SELECT payments_payment.*, payer_id - {FIRST_CUSTOMER} AS c FROM payments_payment
      WHERE id BETWEEN %(first)s AND %(last)s AND payment_method <> 'credit') AS payment
"""
EVENTS = (
    """
INSERT INTO payments_paymentevent (id, payment_id, from_state, to_state, source, evidence, at)
SELECT 2 * id, id, '', 'initiated', 'customer', '', created_at
FROM payments_payment WHERE id BETWEEN %(first)s AND %(last)s
""",
    """
INSERT INTO payments_paymentevent (id, payment_id, from_state, to_state, source, evidence, at)
SELECT 2 * id + 1, id, 'initiated', state, IF(state = 'expired', 'sweep', 'webhook'),
    CONCAT('delivery ', id, ', proved by the secret path'), updated_at
FROM payments_payment WHERE id BETWEEN %(first)s AND %(last)s
""",
)
CALLS = """
INSERT INTO payments_providercall (
    id, attempt_id, kind, started_at, finished_at, outcome, code, message, request, response)
SELECT id, id, 'collect', created_at, created_at + INTERVAL 1 SECOND, 'pending', '0', 'Accepted',
    CONCAT('{"CustomerMSISDN": "', customer_phone, '", "Amount": 1000, "ReferenceID": "KNK',
        reference, '"}'),
    CONCAT('{"ResponseCode": "BILLER-18-0000-S", "ResponseStatus": true, "ReferenceID": "KNK',
        reference, '"}')
FROM mobile_money_transactions WHERE id BETWEEN %(first)s AND %(last)s
"""
DELIVERIES = """
INSERT INTO payments_webhookdelivery (
    id, dialect, channel, received_at, source, trust, attempt_token, headers, body, body_bytes,
    state, note, attempt_id, tries, processed_at)
SELECT id, dialect, 'callback', updated_at, '127.0.0.1', 'secret_path', '',
    '{"Content-Length": "121", "Content-Type": "application/json"}',
    CONCAT('{"Status": true, "Description": "Paid", "MFSTransactionID": "',
        provider_transaction_id, '", "ReferenceID": "KNK', reference, '", "Amount": "1000"}'),
    121, 'applied', 'Paid', id, 0, updated_at
FROM mobile_money_transactions WHERE id BETWEEN %(first)s AND %(last)s AND status = 'completed'
"""
POSTINGS = (
    """
INSERT INTO payments_posting (id, source, payment_id, memo, posted_at)
SELECT 2 * id, CONCAT('collection:', reference), id, provider_transaction_id, updated_at
FROM mobile_money_transactions WHERE id BETWEEN %(first)s AND %(last)s AND status = 'completed'
""",
    """
INSERT INTO payments_posting (id, source, payment_id, memo, posted_at)
SELECT 2 * id + 1,
    IF(disposition = 'credited', CONCAT('credit:', public_id), CONCAT('sale:', subject)),
    id, 'Monthly Bundle', updated_at
FROM payments_payment WHERE id BETWEEN %(first)s AND %(last)s AND state = 'completed'
""",
)
# Of each posting the account and the amount, and of which payments.
_ENTRIES = (
    (0, "CONCAT('provider:', payment_method, ':collection')", 1000, "paid_amount > 0"),
    (1, "'receipts'", -1000, "paid_amount > 0"),
    (
        2,
        "IF(payment_method = 'credit', CONCAT('credit:', payer_id), 'receipts')",
        1000,
        "state = 'completed'",
    ),
    (3, f"CONCAT('earnings_held:', 1 + payer_id MOD {OWNERS})", -763, "disposition = 'fulfilled'"),
    (4, "'revenue'", -84, "disposition = 'fulfilled'"),
    (5, "'tax'", -153, "disposition = 'fulfilled'"),
    (6, "CONCAT('credit:', payer_id)", -1000, "disposition = 'credited'"),
)
ENTRIES = tuple(
    f"""
INSERT INTO payments_entry (id, posting_id, account, amount)
SELECT 7 * id + {number}, 2 * id + {int(number > 1)}, {account}, {amount}
FROM payments_payment WHERE id BETWEEN %(first)s AND %(last)s AND {condition}
"""
    for number, account, amount, condition in _ENTRIES
)
_FULFILLED = """FROM payments_payment
WHERE id BETWEEN %(first)s AND %(last)s AND disposition = 'fulfilled'"""
SUBSCRIPTIONS = f"""
INSERT INTO bundles_subscription (
    id, customer_id, bundle_id, state, starts_at, ends_at, data_limit_bytes, data_used_bytes,
    max_connections, speed_kbps, awaits_first_use, told_percent, ended_at, created_at)
SELECT id, payer_id, 1 + (payer_id - {FIRST_CUSTOMER}) MOD {BUNDLES},
    IF(fulfilled_at + INTERVAL 30 DAY > %(now)s, 'active', 'ended'), fulfilled_at,
    fulfilled_at + INTERVAL 30 DAY, 5000000000, 1200000000, 1, 0, 0, 0,
    IF(fulfilled_at + INTERVAL 30 DAY > %(now)s, NULL, fulfilled_at + INTERVAL 30 DAY), fulfilled_at
{_FULFILLED}
"""
ACTIVATIONS = f"""
INSERT INTO bundles_activation (
    id, purchase_id, subscription_id, data_bytes, days, created_at, recorded_at)
SELECT id, id, id, 5000000000, 30, fulfilled_at, fulfilled_at
{_FULFILLED}
"""
PEERS = """
INSERT INTO vpn_peer (
    id, subscription_id, gateway_id, address_id, device_name, public_key, private_key,
    preshared_key, state, created_at, revoked_at, handshake_at, revision, digest)
SELECT subscription.id, subscription.id, address.gateway_id, address.id, 'phone',
    LEFT(SHA2(subscription.id, 256), 44), '', '', IF(ended_at, 'revoked', 'active'), created_at,
    ended_at, IF(subscription.id MOD 10, created_at + INTERVAL 2 MINUTE, NULL), 1, ''
FROM bundles_subscription AS subscription
JOIN vpn_address AS address ON address.id = customer_id - 99
WHERE subscription.id BETWEEN %(first)s AND %(last)s
"""
USAGE = """
INSERT INTO vpn_usage (
    id, peer_id, subscription_id, epoch, day, up_from, up_to, down_from, down_to, seen_at)
SELECT id, id, subscription_id, 'first', DATE(created_at + INTERVAL 3 HOUR), 0, 200000000, 0,
    1000000000, handshake_at
FROM vpn_peer WHERE id BETWEEN %(first)s AND %(last)s AND handshake_at IS NOT NULL
"""
_MESSAGE = """
INSERT INTO notifications_message (
    id, `key`, message_id, `to`, language, context, text, state, channel, attempts, doubts, error,
    reference, delivery, created_at, sent_at)"""
MESSAGES = (
    f"""{_MESSAGE}
SELECT 2 * payment.id, CONCAT(IF(state = 'failed', 'payment_failed:', 'payment_received:'), public_id),
    IF(state = 'failed', 'payment_failed', 'payment_received'), phone, 'sw',
    '{{"bundle": "Monthly Bundle", "amount": 1000}}',
    'Konektika: Tumepokea TZS 1,000 kwa Monthly Bundle. Risiti 0P00000000. Asante.',
    'sent', 'sms', 1, 0, '', '', '', updated_at, updated_at
FROM payments_payment AS payment JOIN accounts_user AS payer ON payer.id = payer_id
WHERE payment.id BETWEEN %(first)s AND %(last)s AND state IN ('failed', 'completed')
""",
    f"""{_MESSAGE}
SELECT 2 * payment.id + 1,
    CONCAT('vpn_ready:', payment.id, ':', UNIX_TIMESTAMP(fulfilled_at + INTERVAL 30 DAY)),
    'vpn_ready', phone, 'sw', '{{"bundle": "Monthly Bundle"}}',
    'Konektika: VPN yako ya Monthly Bundle iko tayari hadi 27.11.2026 10:05. Pata usanidi: (link)',
    'sent', 'sms', 1, 0, '', '', '', updated_at, updated_at
FROM payments_payment AS payment JOIN accounts_user AS payer ON payer.id = payer_id
WHERE payment.id BETWEEN %(first)s AND %(last)s AND disposition = 'fulfilled'
""",
)
FISCAL_RECORDS = f"""
INSERT INTO bundles_fiscalrecord (
    id, purchase_id, payment_id, channel, reference, amount, state, document, number,
    verification_code, qr_url, answer, tries, created_at, acknowledged_at)
SELECT id, id, id, 'null', subject, 1000, 'acknowledged', '', '', '', '', '', 1, fulfilled_at,
    fulfilled_at
{_FULFILLED}
"""
LINES = """
INSERT INTO payments_statementline (
    id, provider, account, receipt, kind, is_incoming, amount, moves_money, status, completed_at,
    reference, msisdn, party, linked_receipt, details, currency, version, row_hash, file_id, `row`,
    bucket, balance_breaks, part)
SELECT id, provider, '400200', provider_transaction_id, 'collection', 1, 1000, 1, 'Completed',
    updated_at, reference, customer_phone, '', '', '', 'TZS', 1, SHA2(id, 256),
    ELT(FIELD(provider, 'vodacom_mpesa', 'tigo_pesa', 'airtel_money'), 1, 2, 3), id, 'matched', 0, 0
FROM mobile_money_transactions WHERE id BETWEEN %(first)s AND %(last)s AND status = 'completed'
"""
MATCHES = """
INSERT INTO payments_match (id, line_id, attempt_id, rule, state, why, at, is_live)
SELECT id, id, id, 'R1', 'confirmed', 'receipt, amount', completed_at + INTERVAL 1 DAY, 1
FROM payments_statementline WHERE id BETWEEN %(first)s AND %(last)s
"""
CASES = """
INSERT INTO cases_case (
    kind, subject, amount, detail, state, customer_waits, opened_at, resolved_at, resolution, proposal)
SELECT 'late_payment', CONCAT('payment:', public_id), 1000, 'the place was taken',
    IF(created_at > %(lately)s, 'open', 'resolved'), 0, updated_at,
    IF(created_at > %(lately)s, NULL, updated_at + INTERVAL 1 DAY), 'The customer spends it', ''
FROM payments_payment WHERE id BETWEEN %(first)s AND %(last)s AND disposition = 'credited'
"""
OF_CUSTOMERS = (CUSTOMERS, ADDRESSES)
OF_PAYMENTS = (
    PURCHASES,
    PAYMENTS,
    ATTEMPTS,
    *EVENTS,
    CALLS,
    DELIVERIES,
    *POSTINGS,
    *ENTRIES,
    SUBSCRIPTIONS,
    ACTIVATIONS,
    PEERS,
    USAGE,
    *MESSAGES,
    FISCAL_RECORDS,
    LINES,
    MATCHES,
    CASES,
)


@dataclass(frozen=True, slots=True)
class Sale:
    """What the rows of a payment say, told without asking for them: number `number` of `count`."""

    number: int
    count: int

    @property
    def has_receipt(self) -> bool:
        customers = self.count // PAYMENTS_EACH
        became = (37 * self.number + 13 * ((self.number - 1) // customers)) % 200
        return 38 <= became < 199 and self.number <= self.count - PENDING

    @property
    def reference(self) -> str:
        return (_hashed(f"r{self.number}")[:7] + _base36(self.number).rjust(5, "0")).upper()

    @property
    def receipt(self) -> str:
        return (_hashed(f"p{self.number}")[:3] + _base36(self.number).rjust(7, "0")).upper()

    @property
    def phone_forms(self) -> tuple[str, ...]:
        """The customer's number as people write it."""
        customer = (self.number - 1) % (self.count // PAYMENTS_EACH)
        prefix = ("75",) * 6 + ("71",) * 3 + ("68",)
        digits = f"{prefix[customer % 10]}{customer:07}"
        spaced = f"0{digits[:3]} {digits[3:6]} {digits[6:]}"
        return (f"+255{digits}", f"255{digits}", f"0{digits}", digits, spaced)


def _hashed(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits
