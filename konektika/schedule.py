"""Every periodic task, how often it runs and why. `manage.py apply_schedule` puts it in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Job:
    """One periodic task; `name` is what staff see and what the row is known by."""

    name: str
    task: str
    every: timedelta
    why: str


SCHEDULE = (
    Job(
        "Prompts and status queries",
        "payments.tasks.sweep_attempts",
        timedelta(seconds=2),
        "A customer waits for the prompt, or for news of a payment whose callback was lost.",
    ),
    Job(
        "Webhook deliveries",
        "payments.tasks.sweep_deliveries",
        timedelta(seconds=2),
        "A stored callback whose message was lost still has to be applied.",
    ),
    Job(
        "Fulfilment",
        "payments.tasks.sweep_follow_ups",
        timedelta(seconds=2),
        "A paid customer whose activation failed or was interrupted is waiting.",
    ),
    Job(
        "Refunds and payouts",
        "payments.tasks.sweep_transfers",
        timedelta(seconds=5),
        "Money that is to be sent, or was sent and not confirmed.",
    ),
    Job(
        "Statements",
        "payments.tasks.sweep_statements",
        timedelta(seconds=15),
        "A statement whose message was lost, or whose task died, is read on.",
    ),
    Job(
        "Statement lines",
        "payments.tasks.match_statement_lines",
        timedelta(minutes=10),
        "A line that was read and not matched, or whose payment has come to be known since.",
    ),
    Job(
        "Claimed receipts",
        "payments.tasks.sweep_claims",
        timedelta(seconds=30),
        "A statement or a callback may tell of a receipt that a customer waits to hear about.",
    ),
    Job(
        "Paid and active",
        "backoffice.tasks.check_service_leg",
        timedelta(minutes=5),
        "Who has paid and has nothing waits for staff; so does what is used and not paid.",
    ),
    Job(
        "Owners' earnings",
        "bundles.tasks.release_earnings",
        timedelta(minutes=10),
        "What is delivered has been earned and can be paid out.",
    ),
    Job(
        "Weekly payouts",
        "bundles.tasks.pay_owners_weekly",
        timedelta(hours=1),
        "On Mondays, for owners who want it so.",
    ),
    Job(
        "Fiscal records",
        "bundles.tasks.record_fiscally",
        timedelta(seconds=30),
        "Each sale is recorded for the tax office, and sent where a channel is in use.",
    ),
    Job(
        "Messages",
        "notifications.tasks.sweep_outbox",
        timedelta(seconds=3),
        "Messages that were queued and not sent.",
    ),
    Job(
        "Deliveries of messages",
        "notifications.tasks.ask_deliveries",
        timedelta(minutes=1),
        "A report that was lost: staff see whether a message is on its phone.",
    ),
    Job(
        "Credit for SMS",
        "notifications.tasks.watch_credit",
        timedelta(minutes=10),
        "Staff top it up before codes and receipts are refused.",
    ),
    Job(
        "Old messages",
        "notifications.tasks.forget_old_messages",
        timedelta(days=1),
        "They name people: dead codes and links are forgotten after a day, the rest after 90.",
    ),
    Job(
        "Ended subscriptions",
        "bundles.tasks.end_overdue_subscriptions",
        timedelta(seconds=30),
        "Service stops and seats are freed when the time is over.",
    ),
    Job(
        "Renewals from credit",
        "bundles.tasks.renew_from_credit",
        timedelta(seconds=10),
        "Whoever wants it so goes on without a break: their data is used up, or the end is near.",
    ),
    Job(
        "Unclaimed gifts",
        "bundles.tasks.return_unclaimed_gifts",
        timedelta(minutes=1),
        "What nobody claims in time is its giver's again, and the place somebody else's.",
    ),
    Job(
        "Notices",
        "vpn.tasks.send_notices",
        timedelta(seconds=10),
        "Customers learn that their data or time is nearly used, or that they can connect.",
    ),
    Job(
        "Silent gateways",
        "vpn.tasks.watch_gateways",
        timedelta(seconds=30),
        "A gateway that nobody hears may serve nobody: staff have to look.",
    ),
    Job(
        "Old connection times",
        "vpn.tasks.forget_old_connections",
        timedelta(days=1),
        "Who was connected when is kept for twelve months.",
    ),
    Job(
        "Devices that nobody renewed",
        "vpn.tasks.revoke_long_kept",
        timedelta(minutes=10),
        "A week after the end the address is for somebody else.",
    ),
    Job(
        "Gateways' states",
        "vpn.tasks.republish_changed",
        timedelta(minutes=5),
        "A row that was changed by hand has to reach its gateway too.",
    ),
    Job(
        "Providers out of order",
        "payments.tasks.probe_providers",
        timedelta(seconds=10),
        "A provider that answers again is offered again, and no customer has to find out.",
    ),
    Job(
        "Heartbeat",
        "backoffice.tasks.beat",
        timedelta(seconds=30),
        "An alert tells when beat or the workers have stopped.",
    ),
    Job(
        "The dashboard's payments",
        "backoffice.tasks.roll_up",
        timedelta(minutes=1),
        "Managers see what sells and what fails, without a look at every payment.",
    ),
    Job(
        "The dashboard's days",
        "backoffice.tasks.roll_up_days",
        timedelta(minutes=30),
        "Traffic, credit, cases and statement lines, which are told of late.",
    ),
    Job(
        "The dashboard's older days",
        "backoffice.tasks.roll_up_older_days",
        timedelta(days=1),
        "A line may be matched weeks after its day.",
    ),
    Job(
        "Old webhook bodies",
        "payments.tasks.forget_old_bodies",
        timedelta(days=1),
        "Raw bodies name people; after 90 days nobody needs them.",
    ),
    Job(
        "Old statement samples",
        "payments.tasks.forget_old_samples",
        timedelta(hours=1),
        "A sample names people; who left the wizard a day ago does not come back for it.",
    ),
    Job(
        "Closed days",
        "payments.tasks.watch_closed_days",
        timedelta(minutes=5),
        "A later statement may tell of a closed day otherwise: staff have to look.",
    ),
    Job(
        "Books",
        "backoffice.tasks.check_money",
        timedelta(days=1),
        "An alert and a case tell when the books do not agree.",
    ),
    Job(
        "Old codes by SMS",
        "accounts.tasks.forget_old_codes",
        timedelta(days=1),
        "They name phones; after a week nobody asks about them.",
    ),
    Job(
        "Receivers of old gifts",
        "bundles.tasks.forget_old_receivers",
        timedelta(days=1),
        "Their phones are of people who may have no account; after 90 days nobody needs them.",
    ),
    Job(
        "Old idempotency keys",
        "payments.tasks.forget_old_keys",
        timedelta(days=1),
        "Keys that nobody can repeat any more.",
    ),
)
