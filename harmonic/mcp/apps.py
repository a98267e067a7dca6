from django.apps import AppConfig


class McpConfig(AppConfig):
    name = "harmonic.mcp"
    label = "mcp"
