from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent_log", "0001_initial"),
    ]

    operations = [
        migrations.RenameIndex(
            model_name="entry",
            new_name="agent_log_of_agent",
            old_name="mcp_calls_of_agent",
        ),
        migrations.RenameIndex(
            model_name="entry",
            new_name="agent_log_by_age",
            old_name="mcp_calls_by_age",
        ),
        migrations.AddField(
            model_name="entry",
            name="run_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="entry",
            name="surface",
            field=models.CharField(
                choices=[
                    ("mcp", "MCP"),
                    ("markdown", "Markdown"),
                    ("rest", "REST"),
                    ("run", "Run"),
                ],
                default="mcp",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="tool_name",
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
