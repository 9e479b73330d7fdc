"""Consent, the sealed template, and the short-lived rows of one login or enrolment."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Person
from facelogin.lifecycle import FOLLOWS, MAX_BYTES, MAX_FRAMES, MIN_FRAMES, Purpose, State


class WrongStateError(Exception):
    """The table of states does not allow this step: a bug, or somebody else was faster."""


def _choices(values: type[State] | type[Purpose]) -> list[tuple[str, str]]:
    return [(value.value, value.value) for value in values]


class Consent(models.Model):
    """What a person agreed to, when, and until when; kept after the template is erased."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="face_consents")
    version = models.CharField(max_length=16)
    given_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(withdrawn_at__isnull=True),
                name="one_standing_consent_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"consent {self.version}"


class ServerKey(models.Model):
    """One of the server's keys around the template keys; sealed, and named by its number."""

    sealed = models.BinaryField(max_length=128)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"server key {self.pk}"


class Template(models.Model):
    """The enrolment embeddings, sealed under a key that only the person's password unwraps."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="face_template")
    model = models.CharField(max_length=32)
    version = models.PositiveSmallIntegerField()
    key_salt = models.BinaryField(max_length=16)
    server_key = models.ForeignKey(ServerKey, on_delete=models.PROTECT, related_name="+")
    wrapped_key = models.BinaryField(max_length=160)
    sealed = models.BinaryField(max_length=48 * 1024)
    created_at = models.DateTimeField()
    refreshed_at = models.DateTimeField(null=True)
    # A face alone could lock its owner out: it counts once there is a code beside it.
    counts = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"template {self.model} {self.version}"


class Attempt(models.Model):
    """One login or enrolment: the template key, wrapped for the one browser that makes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="face_attempts")
    purpose = models.CharField(max_length=16, choices=_choices(Purpose))
    wrapped_for_browser = models.BinaryField(max_length=128)
    # Enrolment only: what the template will be opened with once it is installed.
    key_salt = models.BinaryField(max_length=16, null=True)
    server_key = models.ForeignKey(ServerKey, null=True, on_delete=models.PROTECT, related_name="+")
    wrapped_key = models.BinaryField(max_length=160, null=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(purpose=Purpose.VERIFICATION, wrapped_key__isnull=True)
                | Q(purpose=Purpose.ENROLMENT, wrapped_key__isnull=False),
                name="only_an_enrolment_brings_a_new_key",
            ),
        ]

    def __str__(self) -> str:
        return self.purpose


class Capture(models.Model):
    """One short recording, judged once."""

    # The same for all, and said with each.
    min_frames = MIN_FRAMES
    max_frames = MAX_FRAMES
    max_bytes = MAX_BYTES

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="captures")
    nonce = models.BinaryField(max_length=16)
    challenge = models.JSONField()
    state = models.CharField(max_length=16, choices=_choices(State), default=State.OPEN)
    progress = models.PositiveSmallIntegerField(default=0)
    reasons = models.JSONField(default=list)
    result = models.BinaryField(max_length=48 * 1024, null=True)
    previews_taken = models.PositiveSmallIntegerField(default=0)
    previewed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(progress__lte=100), name="progress_is_a_percentage"),
        ]

    def __str__(self) -> str:
        return self.state

    def move_to(self, state: State) -> None:
        """Take the next state; call it while the row is locked, and save."""
        if state not in FOLLOWS[State(self.state)]:
            raise WrongStateError
        self.state = state


class Frames(models.Model):
    """What the worker needs of a capture, sealed; gone with the decision.

    The salt of its key travels in the job's message: without that, no row, log or backup of the
    database opens, not even with the server's secret key.
    """

    capture = models.OneToOneField(
        Capture, on_delete=models.CASCADE, primary_key=True, related_name="frames"
    )
    sealed = models.BinaryField(max_length=3 * 1024 * 1024)

    def __str__(self) -> str:
        return "sealed frames"


class Preview(models.Model):
    """One frame of a capture that is being recorded, sealed, and what the worker saw in it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    capture = models.ForeignKey(Capture, on_delete=models.CASCADE, related_name="previews")
    sealed = models.BinaryField(max_length=300 * 1024)
    answer = models.JSONField(null=True)

    def __str__(self) -> str:
        return "sealed frame"


class Recording(models.Model):
    """Keyed digests of the frames of a judged capture, so that they are not shown again."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="face_recordings")
    digests = models.BinaryField(max_length=16 * MAX_FRAMES)
    judged_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return "digests of a recording"


class FailureBudget(models.Model):
    """How often somebody has failed; changed only by single statements (services/budgets.py)."""

    class Kind(models.TextChoices):
        FACE = "face"
        PASSWORD = "password"  # noqa: S105 (what was tried, not a password)

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="face_budgets")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    in_a_row = models.PositiveIntegerField(default=0)
    in_all = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "kind"], name="one_budget_a_kind"),
        ]

    def __str__(self) -> str:
        return self.kind


class Budget(models.Model):
    """How many captures somebody, or a network, may still have judged (services/rates.py).

    ``subject`` is a keyed digest: no address is stored.
    """

    subject = models.BinaryField(max_length=32, unique=True)
    spent = models.PositiveIntegerField(default=0)
    renews_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.spent} until {self.renews_at}"


class Event(models.Model):
    """What happened to a face: for its owner, and for the audit. Nothing of the face is in it."""

    class Kind(models.TextChoices):
        ENROLLED = "enrolled", "Face enrolled"
        ENTERED = "entered", "Logged in with the face"
        REFUSED = "refused", "Face refused after the right password"
        REFRESHED = "refreshed", "Template refreshed"
        WITHDRAWN = "withdrawn", "Consent withdrawn, face erased"
        ERASED = "erased", "Face erased by an administrator"
        EXPIRED = "expired", "Face erased because it was too old"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="face_events")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    at = models.DateTimeField(default=timezone.now)
    # Of the login in which it happened: one that ends well explains its own failures.
    attempt = models.UUIDField(null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-at", "-pk")
        indexes: ClassVar = [models.Index(fields=["person", "kind", "seen_at"], name="face_alerts")]

    def __str__(self) -> str:
        return self.get_kind_display()


class Judgement(models.Model):
    """How long one capture waited and took; of nobody, for the dashboard, for a day."""

    queued_at = models.DateTimeField()
    decided_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{(self.decided_at - self.queued_at).total_seconds():.1f} s"
