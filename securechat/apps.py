"""The project as a Django application: its checks, its commands and its admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class SecureChatConfig(AppConfig):
    name = "securechat"

    def ready(self) -> None:
        from securechat import checks  # noqa: F401, PLC0415 - registers the checks


class SecureChatAdminConfig(AdminConfig):
    default_site = "accounts.admin_site.SecureChatAdminSite"
