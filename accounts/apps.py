from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.security import keep
        from accounts.storage import count_stored
        from harmonic.kernel.operations.audit import add_sink
        from harmonic.kernel.operations.storage import add_counter

        add_sink(keep)
        add_counter(count_stored)
