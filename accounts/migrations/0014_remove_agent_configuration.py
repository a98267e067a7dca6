from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_fill_agents"),
    ]

    operations = [
        migrations.RemoveField(model_name="user", name="agent_configuration"),
    ]
