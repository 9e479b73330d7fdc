"""The ASGI application: HTTP to Django, sockets to messaging."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "securechat.settings")
http_application = get_asgi_application()

application = ProtocolTypeRouter({"http": http_application})
