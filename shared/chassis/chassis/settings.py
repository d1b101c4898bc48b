"""What the operator may set; each service reads these under its own prefix, once, and passes them down."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.store.kms import KmsPlace
from chassis.store.rings import KeySource


class Settings(BaseSettings):
    """Settings that every service has. Secrets may come from files in /run/secrets."""

    model_config = SettingsConfigDict(extra="ignore", secrets_dir="/run/secrets" if Path("/run/secrets").is_dir() else None)

    database_url: SecretStr
    keys_url: SecretStr | None = Field(default=None, description="the key database; outside the store's backup set")
    key_file: Path | None = Field(default=None, description="file with the key-encryption key, 32 bytes in hex")
    key_encryption_keys: SecretStr | None = Field(default=None, description="the same as a setting, separated by commas, the one that wraps first")
    kms_url: str | None = Field(
        default=None, description="a key-management service that wraps instead: Vault, OpenBao or what speaks their transit calls"
    )
    kms_key: str = Field(default="naungan", pattern=r"^[A-Za-z0-9_.-]{1,100}$", description="by which of its keys; each service should have its own")
    kms_mount: str = Field(default="transit", pattern=r"^[A-Za-z0-9_./-]{1,100}$")
    kms_token: SecretStr | None = None
    kms_token_file: Path | None = Field(default=None, description="read anew for each call, so that a token is replaced without a restart")
    kms_ca_file: Path | None = Field(default=None, description="who signs its certificate, where that is not a public authority")
    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str | None = None
    nats_password: SecretStr | None = None
    nats_ca_file: Path | None = Field(default=None, description="who signs the broker's certificate; the connection is by TLS then")
    issuer: str = Field(description="the OIDC issuer whose tokens are believed")
    jwks_url: str
    audience: str = "naungan"
    oidc_client: str = Field(default="naungan-pages", description="the client by which officers log in to the pages")
    oidc_client_secret: SecretStr | None = Field(default=None, description="its secret; without one it is a public client, and PKCE alone guards it")
    oidc_scope: str = "openid"
    public_url: str | None = Field(default=None, description="the origin as browsers know it, where the gateway's headers do not tell it")
    session_minutes: float = Field(default=30, gt=0, description="after which an officer logs in again, if her token does not end sooner")
    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = ""
    pool: int = Field(default=8, ge=2)
    body_bytes: int = Field(default=2**20, gt=0, description="the largest body of a request, but of routes that have a limit of their own")
    batch: Annotated[int, Field(ge=1, le=1000)] = 500
    message_attempts: int = Field(default=5, ge=1, description="tries of a failing message before it is set aside")
    retry_base: float = Field(default=0.5, gt=0, description="seconds before the second try; doubles up to retry_limit")
    retry_limit: float = Field(default=60, gt=0)
    reconcile_seconds: float = Field(default=5, gt=0)
    recover_seconds: float = Field(default=3, gt=0, description="age at which another replica's unpublished facts are taken")
    seal_seconds: float = Field(default=60, gt=0, description="how often the audit log is sealed with another service")
    request_days: float = Field(default=30, gt=0, description="how long the answer to a request is kept for its repetition")
    sealed_letter_days: float = Field(default=180, gt=0, description="how long a set-aside message of a personal channel is kept")
    time_scale: float = Field(default=1, ge=1, validation_alias="TIME_SCALE", description="speeds clocks up; only with the demo issuer")
    log_level: str = "info"

    def span(self, **parts: float) -> timedelta:
        """A length of time (`hours=`, `minutes=`, `days=`), shortened by TIME_SCALE."""
        return timedelta(**parts) / self.time_scale

    @property
    def key_source(self) -> KeySource:
        """Where the key-encryption keys are."""
        kms = None
        if self.kms_url:
            token = self.kms_token.get_secret_value() if self.kms_token else ""
            kms = KmsPlace(self.kms_url, self.kms_key, token, self.kms_token_file, self.kms_mount, self.kms_ca_file)
        return KeySource(self.key_file, self.key_encryption_keys.get_secret_value() if self.key_encryption_keys else None, kms)

    @model_validator(mode="after")
    def keys_go_together(self) -> Self:
        """A key database without a key-encryption key, or the other way round, is a mistake; so is a key-management service in the clear."""
        if (self.keys_url is None) == self.key_source.said:
            message = "set keys_url and one of key_file, key_encryption_keys and kms_url, or none of them"
            raise ValueError(message)
        if self.kms_url and not self.kms_url.startswith("https://") and not stays_here(self.kms_url):
            message = "kms_url: keys travel to it in the clear unless it begins with https://"
            raise ValueError(message)
        return self


def stays_here(url: str) -> bool:
    """Whether a URL leads no further than this machine."""
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "::1", "localhost"}
