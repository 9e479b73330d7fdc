"""People, their devices, and what lets them in."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.names import MAX_USERNAME, normalise_username, username_validator

DIGEST_BYTES = 32
KEY_BYTES = 32

# The database itself counts the bytes of a key or a digest.
models.BinaryField.register_lookup(Length)


class Role(models.TextChoices):
    """What a person may do. Nobody may do everything: there is no superuser."""

    MEMBER = "member", "Member"
    ADMINISTRATOR = "administrator", "Administrator"
    AUDITOR = "auditor", "Auditor"


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, *, username: str, password: str | None = None, **fields: Any) -> "Person":
        person = self.model(username=normalise_username(username), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(username=normalise_username(username or ""))


class Person(AbstractBaseUser):
    """Someone of the organisation. ``identity_key`` is public; its private half stays away."""

    Role = Role

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        max_length=MAX_USERNAME, unique=True, validators=[username_validator]
    )
    email = models.EmailField(blank=True)
    display_name = models.CharField(max_length=100)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    identity_key = models.BinaryField(null=True, max_length=KEY_BYTES)
    is_active = models.BooleanField(default=True)
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    class Meta:
        verbose_name_plural = "people"
        ordering = ("username",)
        constraints = (
            models.CheckConstraint(
                condition=Q(username=Lower("username")), name="username_is_normalised"
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="role_is_one_of_the_three"
            ),
            models.CheckConstraint(
                condition=Q(identity_key=None) | Q(identity_key__length=KEY_BYTES),
                name="identity_key_has_32_bytes",
            ),
        )

    def __str__(self) -> str:
        return self.display_name or self.username

    @classmethod
    def normalize_username(cls, username: str) -> str:
        return normalise_username(username)

    @property
    def is_administrator(self) -> bool:
        return self.role == Role.ADMINISTRATOR

    @property
    def is_auditor(self) -> bool:
        return self.role == Role.AUDITOR

    @property
    def is_staff(self) -> bool:
        """Django's word for: may open the admin pages."""
        return self.is_active and (self.is_administrator or self.is_auditor)

    def has_perm(self, permission: str, _obj: object = None) -> bool:
        """Administrators may what the admin pages offer; auditors may look."""
        action = permission.rpartition(".")[2]
        if not self.is_active:
            return False
        return self.is_administrator or (self.is_auditor and action.startswith("view_"))

    def has_module_perms(self, _app_label: str) -> bool:
        return self.is_staff

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """Sessions end when the password changes, or when ``session_epoch`` is moved on."""
        return session_auth_hash(self.session_epoch, self.password, secret)


def session_auth_hash(session_epoch: int, password: str, secret: str | bytes | None = None) -> str:
    """Return what a session must know of its person's password, as it is stored."""
    known = salted_hmac(
        "accounts.Person.session", f"{session_epoch}:{password}", secret=secret, algorithm="sha256"
    )
    return known.hexdigest()


class DeviceQuerySet(models.QuerySet["Device"]):
    def active(self) -> "DeviceQuerySet":
        """Devices that may act: not revoked, and of a person who is not deactivated."""
        return self.filter(revoked_at=None, person__is_active=True)


class Device(models.Model):
    """One browser profile or one store of the SDK, with keys of its own."""

    id = models.UUIDField(primary_key=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="devices")
    name = models.CharField(max_length=100)
    signature_key = models.BinaryField(max_length=KEY_BYTES, unique=True)
    credential = models.BinaryField(max_length=1024)
    authentication_key = models.BinaryField(max_length=KEY_BYTES, unique=True)
    sealed_unlock_share = models.BinaryField(max_length=128)
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["Device"]] = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ("created_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(signature_key__length=KEY_BYTES), name="signature_key_has_32_bytes"
            ),
            models.CheckConstraint(
                condition=Q(authentication_key__length=KEY_BYTES),
                name="authentication_key_has_32_bytes",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.revoked_at is None and self.person.is_active


class SealMarker(models.Model):
    """One row that opens with the server's secret key: how a wrong key is recognised."""

    sealed = models.BinaryField(max_length=128)

    def __str__(self) -> str:
        return str(self.pk)


class IdentityChange(models.Model):
    """Somebody whose devices were all revoked began anew, with another identity key."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identity_changes")
    previous_key = models.BinaryField(max_length=KEY_BYTES)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-changed_at",)

    def __str__(self) -> str:
        return str(self.person)


class Scope(models.TextChoices):
    """What a token may be used for."""

    PEOPLE_READ = "people:read"
    KEYS_WRITE = "keys:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"


class DeviceToken(models.Model):
    """What a script shows instead of a session. Only the SHA-256 of the token is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=DIGEST_BYTES, unique=True)
    scopes = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("created_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="token_expires_after_it_was_made"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_valid(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    def allows(self, scope: str) -> bool:
        return scope in self.scopes


class SocketTicket(models.Model):
    """Opens one socket once, within half a minute; redeeming deletes it."""

    digest = models.BinaryField(max_length=DIGEST_BYTES, unique=True)
    token = models.ForeignKey(DeviceToken, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.pk)


class Invitation(models.Model):
    """A link with which somebody becomes a person here, once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.BinaryField(max_length=DIGEST_BYTES, unique=True)
    username = models.CharField(
        max_length=MAX_USERNAME, blank=True, validators=[username_validator]
    )
    display_name = models.CharField(max_length=100, blank=True)
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        Person, null=True, on_delete=models.SET_NULL, related_name="invitations_made"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    person = models.OneToOneField(
        Person, null=True, on_delete=models.SET_NULL, related_name="invitation"
    )
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(revoked_at=None),
                name="invitation_is_used_or_revoked_not_both",
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="invitation_role_is_one_of_the_three"
            ),
        )

    def __str__(self) -> str:
        return self.username or self.display_name or str(self.pk)

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class Spending(models.Model):
    """How much of a budget was spent. The name is a digest: people type passwords as names."""

    name = models.CharField(primary_key=True, max_length=64)
    spent = models.PositiveIntegerField(default=0)
    renews_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name


class SpentCode(models.Model):
    """A one-time code that was right once; while it could be right again, it is refused."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=16)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("person", "code"), name="code_is_spent_once"),
        )

    def __str__(self) -> str:
        return str(self.pk)
