"""Start-up checks of the face."""

from collections.abc import Iterable

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from facelogin import networks


@register(Tags.security)
def the_network_has_a_threshold(**_: object) -> Iterable[CheckMessage]:
    try:
        networks.configured(settings.CONFIG.face_model, settings.CONFIG.face_threshold)
    except networks.ThresholdMissingError as missing:
        yield Error(str(missing), id="facelogin.E001")
