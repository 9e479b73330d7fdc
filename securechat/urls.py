"""Every address of the server, but those for machines (securechat/probes.py)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from accounts.urls import api_urlpatterns as accounts_api
from accounts.urls import authentication_urlpatterns
from facelogin.urls import api_urlpatterns as facelogin_api
from messaging.urls import api_urlpatterns as messaging_api
from securechat import documentation, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.chat, name="chat"),
    path("admin/", admin.site.urls),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", documentation.reference, name="api-docs"),
    path("api/v1/", include([*accounts_api, *facelogin_api, *messaging_api])),
    path("_allauth/", include(authentication_urlpatterns)),
    path("docs/errors", views.errors, name="error-codes"),
]

handler400 = views.bad_request
handler404 = views.not_found
handler500 = views.server_error
