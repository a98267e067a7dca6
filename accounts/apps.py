from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.security import keep
        from harmonic.kernel.audit import add_sink

        add_sink(keep)
