import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0012_fill_event_filters"),
    ]

    operations = [
        migrations.CreateModel(
            name="Agent",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="agent",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("external", "external"), ("internal", "internal")],
                        default="external",
                        max_length=16,
                    ),
                ),
                ("model", models.CharField(blank=True, default="", max_length=100)),
                ("capability_names", models.JSONField(blank=True, default=list)),
                ("may_write_publicly", models.BooleanField(default=True)),
                ("identity_prompt", models.TextField(blank=True, default="")),
                ("scratchpad", models.TextField(blank=True, default="")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["external", "internal"])),
                        name="agent_mode",
                    )
                ],
            },
        ),
    ]
