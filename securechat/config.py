"""What an operator may set, read once from the environment; docs/settings.md explains each."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Config(BaseSettings):
    """Every setting of the server: the environment variable is the name with ``SECURECHAT_``."""

    model_config = SettingsConfigDict(env_prefix="SECURECHAT_", extra="ignore", frozen=True)

    environment: Literal["embedded", "production"] = Field(
        "embedded",
        description="`embedded` runs on one machine with nothing installed; "
        "`production` refuses to start with unsafe settings.",
    )
    data: Path = Field(
        ROOT / "data",
        description="Folder of the database, the queue, the secret key and the uploaded files.",
    )
    origin: str = Field(
        "http://localhost:8000",
        description="The address people type, scheme and port included; "
        "the only origin from which sockets and forms are accepted.",
    )
    more_origins: list[str] = Field(
        default_factory=list,
        description="Further exact origins, as a JSON list.",
    )
    trusted_proxies: int | None = Field(
        None,
        ge=0,
        le=10,
        description="How many proxies of yours a request passes, one after the other; their "
        "`X-Forwarded-For` and `X-Forwarded-Proto` are believed. Unset: 1 if every origin is "
        "https, else 0.",
    )
    secret_key_file: Path | None = Field(
        None,
        description="File with the server's secret key (32 random bytes or more). "
        "Embedded: made at the first start as `secret.key` in the data folder.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="`postgresql://user:password@host:port/name`; without it, SQLite in the data "
        "folder.",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="`redis://…`: channel layer, cache and queue; without it, memory and the data "
        "folder, which is right for one web process only.",
    )
    organisation: str = Field("SecureChat", description="The organisation's name, shown to people.")
    second_factor_required: bool = Field(
        True,
        description="Nobody gets past the password alone; a person without a second factor is "
        "led to enrol one.",
    )
    face_enabled: bool = Field(
        True, description="Offer the face as second factor; needs the face worker."
    )
    face_model: Literal["Dlib", "ArcFace", "Facenet512", "GhostFaceNet", "VGG-Face"] = Field(
        "Dlib",
        description="The network that recognises faces. All but Dlib need their weights installed "
        "(`manage.py face weights`) and a threshold; another one means enrolling again.",
    )
    face_threshold: float | None = Field(
        None,
        gt=0,
        le=1.2,
        description="Largest accepted distance between a face and its enrolment. Dlib: 0.50 unless "
        "set, 0.45 is strict; every other network: what `benchmarks.face` finds on your people.",
    )
    face_refresh: bool = Field(
        False,
        description="Let the template learn from a login that was recognised with ease, once a "
        "week at most; the enrolment itself always stays half of it.",
    )
    face_expires_after_days: int = Field(
        730,
        gt=0,
        description="A face that was neither enrolled nor refreshed for so long is erased; its "
        "owner uses the other factor and may enrol again. Whose codes were forgotten makes new "
        "ones first: the only factor does not expire.",
    )
    # Literal takes no text for a number, and the environment knows nothing else.
    cipher_suite: Annotated[Literal[0xF04E, 0x0001], BeforeValidator(int)] = Field(
        0xF04E,
        description="Suite of new conversations: 61518 (0xF04E: post-quantum hybrid) or 1 "
        "(0x0001: X25519).",
    )
    key_package_claims_per_hour: int = Field(
        600, gt=0, description="How many key packages one device may claim in an hour."
    )
    attachment_max_bytes: int = Field(
        1024**3, gt=0, lt=2**53, description="How large one encrypted file may be."
    )
    attachment_quota_bytes: int = Field(
        10 * 1024**3,
        gt=0,
        lt=2**53,
        description="How much the encrypted files of one person may take together.",
    )
    attachment_hours: int = Field(
        24,
        ge=1,
        description="After so many idle hours an unfinished upload, or a file without a message "
        "that refers to it, is removed.",
    )
    s3_bucket: str | None = Field(
        None,
        description="Bucket for the encrypted files, in any S3-compatible store; without it, "
        "`attachments` in the data folder. Credentials and region come from the environment, as "
        "boto3 reads them.",
    )
    s3_endpoint: str | None = Field(
        None, description="`https://…` of the S3-compatible store; without it, Amazon's."
    )
    devices_per_person: int = Field(
        1, ge=1, le=1, description="How many devices a person may have; more than one comes later."
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        description="After how many days the server erases messages; without it, never. A "
        "conversation may be shorter, and a message's own lifetime.",
    )
    ephemeral_enabled: bool = Field(
        True,
        description="Pass on that somebody is typing or present, encrypted; nothing of it is "
        "stored.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Whoever sends it as `Authorization: Bearer …` may read `/metrics`; without "
        "it, only this machine may, and in production nobody.",
    )
    log_format: Literal["text", "json"] = Field(
        "text",
        description="`json` is for machines: an object a line, one for each request, and nothing "
        "that somebody wrote or is called.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much the server writes to its log."
    )
