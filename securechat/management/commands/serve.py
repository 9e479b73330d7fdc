"""``manage.py serve``: one web process."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Serve pages, the REST API and sockets from one process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on")

    def get_check_kwargs(self, _options: dict[str, Any]) -> Any:  # the stubs know fewer
        """A wrong secret key is noticed before anything is served."""
        return {"databases": ["default"]}

    def handle(self, *args: Any, address: str, port: int, **options: Any) -> None:
        # Imported here: Twisted's reactor belongs to the process that serves, to no other command.
        from securechat.asgi import application  # noqa: PLC0415
        from securechat.server import BoundedServer  # noqa: PLC0415

        server = BoundedServer(application, address=address, port=port)
        server.run()
        if server.failure:
            raise CommandError(server.failure)
