"""Open cases of the kinds that hurt a customer say so, as new ones do from now on."""

from django.db import migrations

KINDS = [
    "fulfilment_failed",
    "late_success",
    "paid_no_order",
    "paid_not_activated",
    "status_conflict",
    "unplaced_money",
]


def say_who_waits(apps, schema_editor):
    cases = apps.get_model("cases", "Case").objects
    cases.filter(state="open", kind__in=KINDS).update(customer_waits=True)


class Migration(migrations.Migration):
    dependencies = [("cases", "0009_queue_work")]

    operations = [migrations.RunPython(say_who_waits, migrations.RunPython.noop)]
