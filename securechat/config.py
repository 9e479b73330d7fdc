"""What an operator may set, read once from the environment; docs/settings.md explains each."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
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
    face_threshold: float = Field(
        0.50,
        gt=0,
        le=0.6,
        description="Largest accepted distance between a face and its enrolment; 0.45 is strict.",
    )
    face_expires_after_days: int = Field(
        730,
        gt=0,
        description="A face that was neither enrolled nor refreshed for so long is erased; its "
        "owner uses the other factor and may enrol again.",
    )
    key_package_claims_per_hour: int = Field(
        600, gt=0, description="How many key packages one device may claim in an hour."
    )
    devices_per_person: int = Field(
        1, ge=1, le=1, description="How many devices a person may have; more than one comes later."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much the server writes to its log."
    )
