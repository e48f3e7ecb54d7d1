"""Tokens: signed, each for one use with a key of its own, and refused for everything else."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import jwt

from server.access.secrets import derive_key
from server.clock import Clock
from server.errors import NotAuthenticated
from server.ids import new_id

ISSUER = AUDIENCE = "rollcall"
ALGORITHM = "HS256"
LEEWAY_S = 30
MAX_LENGTH = 4096
REQUIRED = ["iss", "aud", "sub", "use", "jti", "iat", "exp"]


class Use(StrEnum):
    """What a token is good for."""

    ACCESS = "access"
    REFRESH = "refresh"
    KIOSK = "kiosk"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `session_id` is None for a kiosk's."""

    use: Use
    subject: str
    session_id: str | None
    token_id: str
    issued_at: datetime
    expires_at: datetime


class Tokens:
    """Makes and reads JSON Web Tokens (HS256)."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._clock = clock
        self._keys = {use: derive_key(secret, f"token:{use}") for use in Use}
        self._kids = {use: f"{use}-{hashlib.sha256(key).hexdigest()[:8]}" for use, key in self._keys.items()}
        self._csrf_key = derive_key(secret, "csrf")

    def make(
        self,
        use: Use,
        subject: str,
        session_id: str | None,
        *,
        expires_at: datetime,
        issued_at: datetime | None = None,
        token_id: str | None = None,
    ) -> str:
        """The same arguments make the same token, letter by letter."""
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "use": use.value,
            "jti": token_id or new_id(),
            "iat": int((issued_at or self._clock.now()).timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        if session_id is not None:
            claims["sid"] = session_id
        return jwt.encode(claims, self._keys[use], ALGORITHM, headers={"kid": self._kids[use]})

    def read(self, token: str, *uses: Use) -> Claims:
        """What it says; raises NotAuthenticated unless it is ours, unchanged, still good and for one of these uses."""
        if len(token) > MAX_LENGTH:
            raise _refused()
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            use = next(use for use in uses if self._kids[use] == kid)
            said = jwt.decode(
                token,
                self._keys[use],
                [ALGORITHM],
                # PyJWT would ask the system's clock; the times are checked below, against ours.
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": REQUIRED},
                audience=AUDIENCE,
                issuer=ISSUER,
            )
            claims = _claims(use, said)
        except (jwt.InvalidTokenError, StopIteration, ValueError, TypeError, OverflowError, RecursionError):
            raise _refused() from None
        now = self._clock.now().timestamp()
        if claims.expires_at.timestamp() + LEEWAY_S <= now:
            raise NotAuthenticated("The token has run out.", code="token_expired")
        if claims.issued_at.timestamp() - LEEWAY_S > now:
            raise _refused()
        return claims

    def successor_id(self, token_id: str) -> str:
        """The id of the refresh token that follows this one: nobody else can know it, and it can be made again."""
        return hmac.new(self._keys[Use.REFRESH], f"after:{token_id}".encode(), hashlib.sha256).hexdigest()[:32]

    def csrf(self, session_id: str) -> str:
        """What the pages of a session send back with every change."""
        return hmac.new(self._csrf_key, session_id.encode(), hashlib.sha256).hexdigest()

    def csrf_fits(self, session_id: str, value: str) -> bool:
        return hmac.compare_digest(self.csrf(session_id).encode(), value.encode())


def fingerprint(token: str) -> str:
    """What is stored of a token or cookie: enough to know it again, useless to whoever reads the database."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _claims(use: Use, said: dict[str, object]) -> Claims:
    if said["use"] != use.value:
        raise ValueError("for another use")
    session_id, issued, expires = said.get("sid"), said["iat"], said["exp"]
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise TypeError("not a time")
    if (use is Use.KIOSK) != (session_id is None):
        raise ValueError("a session belongs to a user")
    return Claims(
        use=use,
        subject=str(said["sub"]),
        session_id=None if session_id is None else str(session_id),
        token_id=str(said["jti"]),
        issued_at=datetime.fromtimestamp(issued, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC),
    )


def _refused() -> NotAuthenticated:
    return NotAuthenticated("The token is not valid.", code="token_invalid")
