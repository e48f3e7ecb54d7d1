"""The keys, derived from the secrets for one purpose each: the first secret signs and encrypts, all verify and read."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cryptography.fernet import Fernet, MultiFernet

from server.access.secrets import derive_key

KID_LENGTH = 12


class Keyring:
    """Newest secret first. A key's id tells which secret it is of, and nothing about it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets or not all(secrets):
            raise ValueError("A keyring needs a secret, and none of them empty.")
        self._secrets = {key_id(secret): secret for secret in secrets}
        self.kids = tuple(self._secrets)
        # Purposes are words of this program: a handful.
        self._derived: dict[str, Mapping[str, bytes]] = {}
        self._boxes: dict[str, MultiFernet] = {}

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.kids)})"

    def signing(self, purpose: str) -> tuple[str, bytes]:
        """The id of the key that signs now, and the key."""
        return self.kids[0], self.known(purpose)[self.kids[0]]

    def known(self, purpose: str) -> Mapping[str, bytes]:
        """Every key that still verifies, by id, newest first."""
        if purpose not in self._derived:
            self._derived[purpose] = MappingProxyType(
                {kid: derive_key(secret, purpose) for kid, secret in self._secrets.items()}
            )
        return self._derived[purpose]

    def box(self, purpose: str) -> MultiFernet:
        """Encrypts with the first key and decrypts with all."""
        if purpose not in self._boxes:
            keys = self.known(purpose).values()
            self._boxes[purpose] = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
        return self._boxes[purpose]

    def newest_box(self, purpose: str) -> Fernet:
        """Of the first key alone: tells what is under an older one."""
        return Fernet(base64.urlsafe_b64encode(self.signing(purpose)[1]))

    def mac(self, purpose: str, message: bytes) -> tuple[str, str]:
        """The id of the key, and HMAC-SHA-256 of the message in hexadecimal digits."""
        kid, key = self.signing(purpose)
        return kid, hmac.new(key, message, hashlib.sha256).hexdigest()

    def mac_fits(self, purpose: str, message: bytes, kid: str, mac: str) -> bool:
        """Whether that key made it of this message; no for a key that is not known (any more)."""
        key = self.known(purpose).get(kid)
        if key is None:
            return False
        made = hmac.new(key, message, hashlib.sha256).hexdigest()
        return hmac.compare_digest(made.encode(), mac.encode(errors="surrogatepass"))

    def macs(self, purpose: str, message: bytes) -> list[str]:
        """What each key makes of the message, newest first: to find again what an older one has marked."""
        return [hmac.new(key, message, hashlib.sha256).hexdigest() for key in self.known(purpose).values()]


def key_id(secret: str) -> str:
    """Always the same for one secret."""
    return derive_key(secret, "kid").hex()[:KID_LENGTH]
