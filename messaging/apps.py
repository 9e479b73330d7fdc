from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from accounts.events import device_revoked  # noqa: PLC0415 - models are not ready before
        from messaging.events import device_was_revoked  # noqa: PLC0415

        device_revoked.connect(device_was_revoked)
