from datetime import timedelta

from django.apps import AppConfig


class CommitmentsConfig(AppConfig):
    name = "collectives.commitments"
    label = "commitments"

    def ready(self) -> None:
        from collectives.commitments.due import record_passed_deadlines
        from harmonic.kernel.operations.jobs import do_regularly

        do_regularly("deadlines of commitments", timedelta(minutes=1), record_passed_deadlines)
