import uuid

import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Take over the table of tool calls, which `mcp` has renamed."""

    initial = True

    dependencies = [
        ("mcp", "0002_move_tool_calls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Entry",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=uuid.uuid4,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("tool_name", models.CharField(max_length=64)),
                        ("arguments", models.JSONField(blank=True, default=dict)),
                        ("context", models.JSONField(blank=True, null=True)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("pending", "pending"),
                                    ("ok", "ok"),
                                    ("tool_error", "refused"),
                                    ("unknown_tool", "unknown tool"),
                                ],
                                default="pending",
                                max_length=16,
                            ),
                        ),
                        ("called_at", models.DateTimeField()),
                        ("duration_ms", models.PositiveIntegerField(blank=True, null=True)),
                        ("http_status", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("code", models.CharField(blank=True, max_length=64)),
                        ("error", models.CharField(blank=True, max_length=300)),
                        ("touched", models.JSONField(blank=True, null=True)),
                        ("request_id", models.CharField(blank=True, max_length=128)),
                        (
                            "tenant",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="%(class)ss",
                                to="accounts.tenant",
                            ),
                        ),
                        (
                            "token",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="tokens.apitoken",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "abstract": False,
                        "base_manager_name": "unscoped",
                        "indexes": [
                            models.Index(
                                fields=["tenant", "user", "-called_at", "-id"],
                                name="mcp_calls_of_agent",
                            ),
                            models.Index(fields=["called_at"], name="mcp_calls_by_age"),
                        ],
                    },
                    managers=[
                        ("objects", django.db.models.manager.Manager()),
                        ("unscoped", django.db.models.manager.Manager()),
                    ],
                ),
            ],
        ),
    ]
