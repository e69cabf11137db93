from django.db import migrations, models


def one_for_each(apps, schema_editor):
    locks = apps.get_model("payments", "DayLock").objects
    for provider in ("vodacom_mpesa", "tigo_pesa", "airtel_money"):
        locks.get_or_create(provider=provider)


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0019_fee_parts'),
    ]

    operations = [
        migrations.CreateModel(
            name='DayLock',
            fields=[
                ('provider', models.CharField(choices=[('vodacom_mpesa', 'M-Pesa'), ('tigo_pesa', 'Tigo Pesa'), ('airtel_money', 'Airtel Money')], editable=False, max_length=20, primary_key=True, serialize=False)),
            ],
        ),
        migrations.RunPython(one_for_each, migrations.RunPython.noop),
    ]
