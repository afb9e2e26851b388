"""The application: it listens to who belongs to which group."""

from django.apps import AppConfig


class TidegateConfig(AppConfig):
    name = "tidegate_django"
    label = "tidegate_django"
    verbose_name = "Tidegate"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import signals

        signals.connect()
