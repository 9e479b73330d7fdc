"""The product's addresses, and one at which to knock."""

from django.urls import path

from securechat import urls
from tests.accounts.knocking import knock

urlpatterns = [*urls.urlpatterns, path("knock", knock)]
handler400 = urls.handler400
handler404 = urls.handler404
handler500 = urls.handler500
