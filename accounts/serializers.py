"""Shapes of this app's requests and answers."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import (
    Base64Field,
    IdField,
    PageSerializer,
    StrictSerializer,
    TextField,
    WholeNumberField,
    YesOrNoField,
)
from accounts.models import KEY_BYTES, Device, DeviceToken, Invitation, Person, Role, Scope
from accounts.names import MAX_USERNAME
from accounts.services.invitations import DEFAULT_HOURS, MAX_HOURS, MAX_PASSWORD
from accounts.services.sessions import State
from accounts.services.tokens import MAX_DAYS

SIGNATURE_BYTES = 64
MAX_CREDENTIAL_BYTES = 1024
MAX_SECRET_CHARACTERS = 128
MAX_SEARCH = 100
PROOF = "The authentication key's signature over the session's challenge and the device's id."


class UsernameField(TextField):
    """A user name as it may be typed; the service folds it into its one spelling and checks it."""

    pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$"

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_USERNAME, **options)


# People ---------------------------------------------------------------------------------------


class PersonBriefSerializer(serializers.ModelSerializer[Person]):
    class Meta:
        model = Person
        fields = ("id", "username", "display_name", "role")
        read_only_fields = fields


class PersonSerializer(serializers.ModelSerializer[Person]):
    identity_key = Base64Field(
        min_bytes=KEY_BYTES,
        max_bytes=KEY_BYTES,
        read_only=True,
        allow_null=True,
        help_text="The public key that signs this person's devices; null before the first.",
    )

    class Meta:
        model = Person
        fields = ("id", "username", "display_name", "role", "identity_key")
        read_only_fields = fields


class PeopleQuerySerializer(serializers.Serializer[None]):
    """What may stand behind the question mark; unknown names are not looked at."""

    search = TextField(max_length=MAX_SEARCH, allow_blank=True, default="")


class PeopleSerializer(PageSerializer):
    results = PersonSerializer(many=True, read_only=True)


# The session ----------------------------------------------------------------------------------


class DeviceSerializer(serializers.ModelSerializer[Device]):
    class Meta:
        model = Device
        fields = ("id", "name", "created_at")
        read_only_fields = fields


class SessionSerializer(serializers.Serializer[object]):
    state = serializers.ChoiceField(
        choices=[(state.value, state.name) for state in State], read_only=True
    )
    pending = serializers.CharField(
        read_only=True, allow_null=True, help_text="The stage for which the login waits."
    )
    alternatives = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="What else the person could pass the second factor with.",
    )
    person = PersonBriefSerializer(read_only=True, allow_null=True)
    second_factors = serializers.DictField(
        child=serializers.BooleanField(), read_only=True, help_text="Which ones are enrolled."
    )
    device = DeviceSerializer(read_only=True, allow_null=True)
    challenge = serializers.CharField(
        read_only=True, allow_null=True, help_text="What a device signs to prove itself; base64."
    )
    organisation = serializers.CharField(read_only=True)
    face_enabled = serializers.BooleanField(read_only=True)
    second_factor_required = serializers.BooleanField(read_only=True)


# Devices --------------------------------------------------------------------------------------


class DeviceRegistrationSerializer(StrictSerializer):
    id = IdField(help_text="Made by the device.")
    name = TextField(max_length=100, help_text="What its owner recognises it by.")
    signature_key = Base64Field(
        min_bytes=KEY_BYTES, max_bytes=KEY_BYTES, help_text="The public key of its MLS leaves."
    )
    credential = Base64Field(
        max_bytes=MAX_CREDENTIAL_BYTES,
        help_text="Names account and device, signed by the account's identity key.",
    )
    authentication_key = Base64Field(
        min_bytes=KEY_BYTES,
        max_bytes=KEY_BYTES,
        help_text="The public key with which it proves that a session sits on it.",
    )
    proof = Base64Field(min_bytes=SIGNATURE_BYTES, max_bytes=SIGNATURE_BYTES, help_text=PROOF)
    begins_anew = YesOrNoField(
        default=False,
        help_text="Give an account that has no active device left this new identity key.",
    )


class DeviceProofSerializer(StrictSerializer):
    device_id = IdField()
    proof = Base64Field(min_bytes=SIGNATURE_BYTES, max_bytes=SIGNATURE_BYTES, help_text=PROOF)


class DeviceNameSerializer(StrictSerializer):
    name = TextField(max_length=100)


class BoundDeviceSerializer(serializers.Serializer[object]):
    device = DeviceSerializer(read_only=True)
    unlock_share = Base64Field(
        min_bytes=32,
        max_bytes=32,
        read_only=True,
        help_text="The server's half of the key of what the browser stores.",
    )


class DevicesSerializer(serializers.Serializer[object]):
    results = DeviceSerializer(many=True, read_only=True)


# Tokens and tickets ---------------------------------------------------------------------------


class TokenSerializer(serializers.Serializer[DeviceToken]):
    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), read_only=True
    )
    created_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)


class TokensSerializer(serializers.Serializer[object]):
    results = TokenSerializer(many=True, read_only=True)


class TokenRequestSerializer(StrictSerializer):
    name = TextField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices),
        min_length=1,
        max_length=len(Scope),
    )
    expires_in_days = WholeNumberField(min_value=1, max_value=MAX_DAYS)


class NewTokenSerializer(TokenSerializer):
    token = serializers.CharField(read_only=True, help_text="The secret; shown only here.")


class TicketSerializer(serializers.Serializer[object]):
    ticket = serializers.CharField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)


# Invitations ----------------------------------------------------------------------------------


class InvitationSerializer(serializers.Serializer[Invitation]):
    id = serializers.UUIDField(read_only=True)
    username = serializers.CharField(read_only=True)
    display_name = serializers.CharField(read_only=True)
    email = serializers.CharField(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices, read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)
    used_at = serializers.DateTimeField(read_only=True, allow_null=True)
    revoked_at = serializers.DateTimeField(read_only=True, allow_null=True)


class InvitationRequestSerializer(StrictSerializer):
    username = UsernameField()
    display_name = TextField(max_length=100, allow_blank=True, default="")
    email = serializers.EmailField(max_length=254, allow_blank=True, default="")
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)
    expires_in_hours = WholeNumberField(min_value=1, max_value=MAX_HOURS, default=DEFAULT_HOURS)


class InvitationsSerializer(PageSerializer):
    results = InvitationSerializer(many=True, read_only=True)


class NewInvitationSerializer(InvitationSerializer):
    link = serializers.CharField(read_only=True, help_text="For the invited; shown only here.")


class InvitationTokenSerializer(StrictSerializer):
    token = TextField(max_length=MAX_SECRET_CHARACTERS, help_text="The end of the link.")


class InvitationPreviewSerializer(serializers.Serializer[object]):
    username = serializers.CharField(read_only=True)
    display_name = serializers.CharField(read_only=True)
    organisation = serializers.CharField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)


class AcceptanceSerializer(StrictSerializer):
    token = TextField(max_length=MAX_SECRET_CHARACTERS, help_text="The end of the link.")
    username = UsernameField()
    display_name = TextField(max_length=100)
    password = TextField(max_length=MAX_PASSWORD, trim_whitespace=False)
