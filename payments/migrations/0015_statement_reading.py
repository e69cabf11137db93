"""What a statement file's reading is kept by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0014_rollups")]

    operations = [
        migrations.AlterField(
            model_name="statementprofile",
            name="columns",
            field=models.JSONField(
                help_text="For each of our columns the names that a file may give it"
            ),
        ),
        migrations.AlterField(
            model_name="statementprofile",
            name="dates",
            field=models.CharField(
                blank=True,
                help_text="How dates are written, as strptime reads them; empty: each file tells",
                max_length=40,
            ),
        ),
        migrations.AddField(
            model_name="statementfile",
            name="dates",
            field=models.CharField(
                blank=True,
                help_text="How its dates are written, as strptime reads them; empty: found out",
                max_length=40,
            ),
        ),
        migrations.AddField(
            model_name="statementfile",
            name="tries",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="How often its reading began"
            ),
        ),
        migrations.AddField(
            model_name="statementfile",
            name="rows_below_header",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(fields=["msisdn"], name="line_msisdn"),
        ),
    ]
