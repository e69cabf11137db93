"""The history of transfers becomes append-only in the database itself."""

from functools import partial

from django.db import migrations

from payments.ledger_triggers import TRANSFER_TABLES, create_triggers, drop_triggers


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_transfers")]

    # MySQL and MariaDB cannot roll DDL back, so there it must not run inside a transaction.
    operations = [
        migrations.RunPython(
            partial(create_triggers, tables=TRANSFER_TABLES),
            partial(drop_triggers, tables=TRANSFER_TABLES),
            atomic=False,
        )
    ]
