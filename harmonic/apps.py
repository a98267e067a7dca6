from django.apps import AppConfig


class HarmonicConfig(AppConfig):
    name = "harmonic"

    def ready(self) -> None:
        from django.core.checks import Tags, register

        from harmonic.site.declarations import check_registry, check_rules

        register(check_registry, Tags.urls)
        register(check_rules, Tags.urls)
