"""The ASGI application: HTTP to Django, sockets to messaging."""

import os

import django
from channels.routing import ProtocolTypeRouter

from securechat.uploads import PartHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "securechat.settings")
django.setup(set_prefix=False)
http_application = PartHandler()

from messaging.routing import websocket_application  # noqa: E402 - models are not ready before

application = ProtocolTypeRouter({"http": http_application, "websocket": websocket_application})
