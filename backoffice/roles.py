"""Who may do what in the back-office: one table, put in force after every migration."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db.models import F

OURS = (
    "accounts",
    "backoffice",
    "bundles",
    "cases",
    "notifications",
    "payments",
    "storefront",
    "vpn",
)
VIEW_ALL = "view_*"  # of these and of LOGS
LOGS = ("admin", "auth")
DASHBOARD = "backoffice.view_dashboard"

SEEN_BY_SUPPORT = (
    "accounts.view_user",
    "backoffice.view_note",
    "bundles.view_bundle",
    "bundles.view_gift",
    "bundles.view_owner",
    "bundles.view_purchase",
    "bundles.view_seat",
    "bundles.view_subscription",
    "cases.view_case",
    "notifications.view_message",
    "notifications.view_optout",
    "payments.view_bill",
    "payments.view_creditrequest",
    "payments.view_mobilemoneytransaction",
    "payments.view_payment",
    "payments.view_receiptclaim",
    "payments.view_transfer",
    "storefront.view_refundrequest",
    "payments.view_webhookdelivery",
    "vpn.view_gateway",
    "vpn.view_peer",
)

# Nobody both asks for money to leave and decides that it does, nor reads all phones beside either.
ROLES: dict[str, tuple[str, ...]] = {
    "support": (
        *SEEN_BY_SUPPORT,
        "accounts.show_phone",
        "backoffice.add_note",
        "bundles.activate_again",
        "cases.view_bulk",
        "cases.work_case",
        "notifications.send_again",
        "payments.change_webhookdelivery",
        "payments.request_transfer",
        "storefront.decide_refund_request",
        "vpn.change_peer",
    ),
    "finance": (
        *SEEN_BY_SUPPORT,
        "payments.view_entry",
        "payments.view_posting",
        "payments.view_providercall",
        "payments.view_transferevent",
        "payments.view_lineversion",
        "payments.view_statementfile",
        "payments.view_statementprofile",
        "payments.view_statementline",
        "payments.view_match",
        "payments.view_faultyrow",
        "payments.view_transferrules",
        "payments.view_matchingrules",
        "payments.view_dayclose",
        "accounts.export_rows",
        "backoffice.add_note",
        "cases.confirm_case",
        "cases.view_bulk",
        "cases.work_case",
        "payments.close_day",
        "payments.decide_match",
        "payments.decide_transfer",
        "payments.export_transactions",
        "payments.import_statement",
        "payments.place_bill",
        "payments.record_bank",
        "payments.reopen_day",
    ),
    "manager": (
        VIEW_ALL,
        DASHBOARD,
        "accounts.export_rows",
        "backoffice.add_note",
        "bundles.add_bundle",
        "bundles.change_bundle",
        "bundles.change_terms",
        "bundles.decide_owner",
        "cases.assign_case",
        "cases.confirm_case",
        "cases.work_case",
        "payments.export_transactions",
        "payments.reopen_day",
    ),
    "auditor": (VIEW_ALL, DASHBOARD),
    "administrator": (
        VIEW_ALL,
        DASHBOARD,
        "accounts.add_user",
        "accounts.change_user",
        "accounts.export_rows",
        "accounts.see_phones",
        "django_celery_beat.change_periodictask",
        "django_celery_beat.view_periodictask",
        "cases.change_caserules",
        "notifications.send_again",
        "payments.change_matchingrules",
        "payments.change_promptlimits",
        "payments.change_providerswitch",
        "payments.change_transferrules",
        "vpn.add_gateway",
        "vpn.change_gateway",
        "vpn.change_peer",
    ),
}


def apply_roles(**_signal: Any) -> None:
    """Make the groups and give each exactly what the table says; safe to repeat.

    What no app has (yet) is left out. What somebody gave one of these groups by hand is taken away:
    another need is another group.
    """
    Group.objects.bulk_create([Group(name=name) for name in ROLES], ignore_conflicts=True)
    groups = dict(Group.objects.filter(name__in=ROLES).values_list("name", "pk"))
    known = _permissions()
    wanted = {
        (groups[name], key) for name, asked in ROLES.items() for key in _keys(asked, known.items())
    }
    given = Group.permissions.through.objects.filter(group__in=groups.values())
    rows = {(group, key): pk for pk, group, key in given.values_list("pk", "group", "permission")}
    if surplus := [pk for pair, pk in rows.items() if pair not in wanted]:
        given.filter(pk__in=surplus).delete()
    Group.permissions.through.objects.bulk_create(
        [
            Group.permissions.through(group_id=group, permission_id=key)
            for group, key in sorted(wanted - rows.keys())
        ],
        ignore_conflicts=True,
    )


def last_app() -> Any:
    """After its migrations every app's permissions are there."""
    return list(apps.get_app_configs())[-1]


def _permissions() -> dict[str, int]:
    """`app.codename` → primary key, of every app's."""
    rows = Permission.objects.annotate(app=F("content_type__app_label"))
    return {f"{app}.{name}": key for app, name, key in rows.values_list("app", "codename", "pk")}


def _keys(asked: Collection[str], known: Iterable[tuple[str, int]]) -> set[int]:
    return {key for name, key in known if name in asked or (VIEW_ALL in asked and _is_view(name))}


def _is_view(name: str) -> bool:
    app, _, codename = name.partition(".")
    return app in (*OURS, *LOGS) and codename.startswith("view_")
