from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from accounts import events as accounts_events  # noqa: PLC0415 - models are not ready before
        from messaging import events  # noqa: PLC0415
        from messaging.services.proposals import remove_revoked  # noqa: PLC0415

        accounts_events.devices_revoking.connect(remove_revoked)
        accounts_events.device_revoked.connect(events.device_was_revoked)
        accounts_events.access_ended.connect(events.access_ended)
        accounts_events.password_changed.connect(events.access_ended)
