from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "accounts.agents"
    label = "agents"
