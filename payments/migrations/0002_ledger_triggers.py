"""The ledger and the history become append-only in the database itself."""

from functools import partial

from django.db import migrations

from payments.ledger_triggers import FIRST_TABLES, create_triggers, drop_triggers


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    # MySQL and MariaDB cannot roll DDL back, so there it must not run inside a transaction.
    operations = [
        migrations.RunPython(
            partial(create_triggers, tables=FIRST_TABLES),
            partial(drop_triggers, tables=FIRST_TABLES),
            atomic=False,
        )
    ]
