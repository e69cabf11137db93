"""A receipt may have several fees: each stored one gets the number that its file gives it."""

from hashlib import sha256
from itertools import islice

from django.db import migrations, models

BATCH = 5_000


def number_fees(apps, schema_editor):
    """As `payments.statements.lines.FeeParts` does; each receipt had one fee so far."""
    Line = apps.get_model("payments", "StatementLine")
    fees = Line.objects.filter(kind="fee").only("amount", "completed_at", "part").order_by("pk")
    rows = fees.iterator(BATCH)
    while some := list(islice(rows, BATCH)):
        for line in some:
            told = f"{line.amount}\x1f{line.completed_at:%Y-%m-%d %H:%M:%S}\x1f0"
            line.part = int.from_bytes(sha256(told.encode()).digest()[:8], "big") >> 1
        Line.objects.bulk_update(some, ["part"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("payments", "0018_ends_service")]

    operations = [
        migrations.AddField(
            model_name="statementline",
            name="part",
            field=models.PositiveBigIntegerField(
                default=0,
                help_text="Which fee of its receipt it is, told by amount and time; 0 for others",
            ),
        ),
        migrations.RunPython(number_fees, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="statementline", name="line_once"),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.UniqueConstraint(
                fields=["receipt", "provider", "account", "kind", "is_incoming", "part"],
                name="line_once",
            ),
        ),
    ]
