from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "collectives.reports"
    label = "reports"
