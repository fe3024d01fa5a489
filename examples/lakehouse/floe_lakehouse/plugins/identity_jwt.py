"""IDENTITY:jwt. Issues and checks signed tokens with scopes, through joserfc."""

from __future__ import annotations

import time
from secrets import token_urlsafe
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import IdentityPlugin
from floe_lakehouse.ports import Caller

__all__ = ["JwtIdentity", "JwtIdentityConfig"]

_ALGORITHM: Final = "HS256"


class JwtIdentityConfig(BaseModel):
    """Who may do what, and for how long a token says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grants: dict[str, frozenset[str]] = Field(default_factory=dict, description="The scopes of each subject.")
    issuer: str = Field(default="floe-lakehouse", description="Who signs.")
    lifetime: int = Field(default=900, gt=0, description="Seconds for which a token is valid.")


class JwtIdentity(IdentityPlugin):
    """
    Says who is asking.

    It keeps no key. Who calls it hands in the one from the secrets, so that only one plugin holds secrets.
    """

    def __init__(self, config: JwtIdentityConfig) -> None:
        self._config = config
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": config.issuer}, sub={"essential": True}, exp={"essential": True}
        )

    @property
    def name(self) -> str:
        return "jwt"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Signed tokens with scopes (joserfc)"

    @property
    def dependencies(self) -> list[str]:
        return ["SECRETS:keyring>=1.0,<2"]  # keeps the key that signs the tokens

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return JwtIdentityConfig

    def health_check(self) -> HealthStatus:
        """Sign a token with a key made for the purpose; it must pass with that key and with no other."""
        key, other = SecretStr(token_urlsafe(32)), SecretStr(token_urlsafe(32))
        token = self._sign("health", ["health"], key)
        if self.admit(token, "health", key).subject != "health":
            return HealthStatus(HealthState.UNHEALTHY, "a token does not say what was signed")
        try:
            self.admit(token, "health", other)
        except PermissionError:
            return HealthStatus(HealthState.HEALTHY, details={"subjects": len(self._config.grants)})
        return HealthStatus(HealthState.UNHEALTHY, "a token passes with a key that did not sign it")

    def issue(self, subject: str, key: SecretStr) -> SecretStr:
        """
        A token for *subject*, with the scopes granted to it.

        Raises:
            PermissionError: Nothing is granted to this subject.
        """
        scopes = self._config.grants.get(subject)
        if not scopes:
            raise PermissionError(f"nothing is granted to {subject!r}")
        return self._sign(subject, sorted(scopes), key)

    def admit(self, token: SecretStr, scope: str, key: SecretStr) -> Caller:
        """
        Who holds *token*, if it is genuine, has not expired, and carries *scope*.

        Raises:
            PermissionError: One of the three is not so; the message says which, and never shows the token.
        """
        try:
            claims = jwt.decode(token.get_secret_value(), _key(key), algorithms=[_ALGORITHM]).claims
            self._claims.validate(claims)
        except (JoseError, ValueError) as exc:
            raise PermissionError(f"the token is not valid: {type(exc).__name__}") from None
        caller = Caller(subject=str(claims["sub"]), scopes=frozenset(str(claims.get("scope", "")).split()))
        if scope not in caller.scopes:
            raise PermissionError(f"{caller.subject!r} lacks the scope {scope!r}")
        return caller

    def _sign(self, subject: str, scopes: list[str], key: SecretStr) -> SecretStr:
        now = int(time.time())
        claims = {
            "iss": self._config.issuer,
            "sub": subject,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + self._config.lifetime,
        }
        return SecretStr(jwt.encode({"alg": _ALGORITHM}, claims, _key(key), algorithms=[_ALGORITHM]))


def _key(key: SecretStr) -> OctKey:
    return OctKey.import_key(key.get_secret_value())
