from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="paused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
