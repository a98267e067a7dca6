from django.db import migrations


class Migration(migrations.Migration):
    """Give the table of tool calls to the log of agents, with its rows."""

    dependencies = [("mcp", "0001_tool_calls")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AlterModelTable("ToolCall", "agent_log_entry")],
            state_operations=[migrations.DeleteModel("ToolCall")],
        ),
    ]
