"""Certificates become append-only in the database itself."""

from functools import partial

from django.db import migrations

from payments.ledger_triggers import CERTIFICATE_TABLES, create_triggers, drop_triggers


class Migration(migrations.Migration):
    dependencies = [("payments", "0012_dayclose")]

    # MySQL and MariaDB cannot roll DDL back, so there it must not run inside a transaction.
    operations = [
        migrations.RunPython(
            partial(create_triggers, tables=CERTIFICATE_TABLES),
            partial(drop_triggers, tables=CERTIFICATE_TABLES),
            atomic=False,
        )
    ]
