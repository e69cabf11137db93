from django.db import migrations, models
from django.db.models import F


def hear_those_who_enrolled(apps, schema_editor):
    """Who had enrolled and never reported is silent since its row was made, at the latest."""
    gateways = apps.get_model('vpn', 'Gateway').objects
    gateways.filter(public_key__isnull=False, seen_at=None).update(seen_at=F('created_at'))


class Migration(migrations.Migration):

    dependencies = [
        ('vpn', '0003_metering'),
    ]

    operations = [
        migrations.AlterField(
            model_name='gateway',
            name='seen_at',
            field=models.DateTimeField(blank=True, help_text='When it last reported, or enrolled', null=True),
        ),
        migrations.RunPython(hear_those_who_enrolled, migrations.RunPython.noop),
    ]
