"""What every view of the API does before anything else."""

from typing import Any

from rest_framework import views
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request


class APIView(views.APIView):
    """Tells everybody, logged in or not, which methods an address does not answer."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        method = (request.method or "").lower()
        if method not in self.http_method_names or not hasattr(self, method):
            raise MethodNotAllowed(request.method or "")
        super().initial(request, *args, **kwargs)
