"""Tokens: signed, each for one use with a key of its own, and refused for everything else."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import jwt

from server.access.keyring import Keyring
from server.clock import Clock
from server.errors import NotAuthenticated
from server.ids import new_id

ISSUER = AUDIENCE = "rollcall"
ALGORITHM = "HS256"
LEEWAY_S = 30
MAX_LENGTH = 4096
REQUIRED = ["iss", "aud", "sub", "use", "jti", "iat", "nbf", "exp"]


class Use(StrEnum):
    """What a token is good for."""

    ACCESS = "access"
    REFRESH = "refresh"
    KIOSK = "kiosk"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `session_id` is None for a kiosk's; `not_before` is never before `issued_at`."""

    use: Use
    subject: str
    session_id: str | None
    token_id: str
    issued_at: datetime
    not_before: datetime
    expires_at: datetime


class Tokens:
    """Makes JSON Web Tokens (HS256) with the newest key, and reads those of every key of the ring."""

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self._clock = clock
        self._keyring = keyring
        # The key's id as it stands in a token names the use as well: to which use and key it belongs.
        self._known = {f"{use}-{kid}": (use, key) for use in Use for kid, key in keyring.known(_purpose(use)).items()}

    def make(
        self,
        use: Use,
        subject: str,
        session_id: str | None,
        *,
        expires_at: datetime,
        issued_at: datetime | None = None,
        token_id: str | None = None,
        kid: str | None = None,
    ) -> str:
        """The same arguments make the same token, letter by letter. `kid`: another key than the newest."""
        issued = int((issued_at or self._clock.now()).timestamp())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "use": use.value,
            "jti": token_id or new_id(),
            "iat": issued,
            "nbf": issued,
            "exp": int(expires_at.timestamp()),
        }
        if session_id is not None:
            claims["sid"] = session_id
        kid = kid or self.kids[0]
        key = self._keyring.known(_purpose(use))[kid]
        return jwt.encode(claims, key, ALGORITHM, headers={"kid": f"{use}-{kid}"})

    def read(self, token: str, *uses: Use) -> Claims:
        """What it says; raises NotAuthenticated unless it is ours, unchanged, still good and for one of these uses."""
        if len(token) > MAX_LENGTH:
            raise _refused()
        try:
            use, key = self._known[jwt.get_unverified_header(token)["kid"]]
            if use not in uses:
                raise _refused()
            said = jwt.decode(
                token,
                key,
                [ALGORITHM],
                # PyJWT would ask the system's clock; the times are checked below, against ours.
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": REQUIRED},
                audience=AUDIENCE,
                issuer=ISSUER,
            )
            claims = _claims(use, said)
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, OverflowError, RecursionError):
            raise _refused() from None
        now = self._clock.now().timestamp()
        if claims.expires_at.timestamp() + LEEWAY_S <= now:
            raise NotAuthenticated("The token has run out.", code="token_expired")
        if claims.not_before.timestamp() - LEEWAY_S > now:
            raise _refused()
        return claims

    @property
    def kids(self) -> tuple[str, ...]:
        """The keys, the one that signs first."""
        return self._keyring.kids

    def successor_id(self, token_id: str, kid: str) -> str:
        """The id of the refresh token that follows this one: nobody else can know it, and it can be made again."""
        key = self._keyring.known(_purpose(Use.REFRESH))[kid]
        return hmac.new(key, f"after:{token_id}".encode(), hashlib.sha256).hexdigest()[:32]

    def csrf(self, session_id: str) -> str:
        """What the pages of a session send back with every change."""
        return self._keyring.mac("csrf", session_id.encode())[1]

    def csrf_fits(self, session_id: str, value: str) -> bool:
        """Of an older key too: a page that was open before the key changed goes on working."""
        given = value.encode(errors="surrogatepass")
        made = self._keyring.macs("csrf", session_id.encode())
        return any(hmac.compare_digest(one.encode(), given) for one in made)


def _purpose(use: Use) -> str:
    return f"token:{use}"


def fingerprint(token: str) -> str:
    """What is stored of a token or cookie: enough to know it again, useless to whoever reads the database."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _claims(use: Use, said: dict[str, object]) -> Claims:
    if said["use"] != use.value:
        raise ValueError("for another use")
    session_id = said.get("sid")
    issued_at, not_before, expires_at = (_time(said[name]) for name in ("iat", "nbf", "exp"))
    if (use is Use.KIOSK) != (session_id is None):
        raise ValueError("a session belongs to a user")
    return Claims(
        use=use,
        subject=str(said["sub"]),
        session_id=None if session_id is None else str(session_id),
        token_id=str(said["jti"]),
        issued_at=issued_at,
        not_before=max(issued_at, not_before),
        expires_at=expires_at,
    )


def _time(said: object) -> datetime:
    if not isinstance(said, int) or isinstance(said, bool):
        raise TypeError("not a time")
    return datetime.fromtimestamp(said, UTC)


def _refused() -> NotAuthenticated:
    return NotAuthenticated("The token is not valid.", code="token_invalid")
