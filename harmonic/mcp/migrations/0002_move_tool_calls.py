from django.db import migrations


class Migration(migrations.Migration):
    """Move the table of tool calls, with its rows, to the log of agents."""

    dependencies = [("mcp", "0001_tool_calls")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AlterModelTable("ToolCall", "agent_log_entry")],
            state_operations=[migrations.DeleteModel("ToolCall")],
        ),
    ]
