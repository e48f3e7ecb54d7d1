"""Signed links: one object, for a while, to whoever holds the address; changed by nobody."""

import re
import unicodedata
from datetime import timedelta
from typing import Protocol
from urllib.parse import quote, urlencode

from server.clock import Clock
from server.errors import Forbidden
from server.objects.objects import check_key

PATH = "/api/v1/objects/"
PURPOSE = "objects"
LONGEST_S = 7 * 86400.0
LONGEST_FILE_NAME = 100

_DIGITS = re.compile(r"[0-9]{1,12}")
_SEPARATORS = str.maketrans({"/": "_", "\\": "_"})


class Macs(Protocol):
    """Makes and checks message authentication codes, in constant time; older keys still check."""

    def mac(self, purpose: str, message: bytes) -> tuple[str, str]:
        """The id of the key, and the code."""

    def mac_fits(self, purpose: str, message: bytes, kid: str, mac: str) -> bool:
        """Whether that key made it of this message."""


class LinkSigner:
    """Makes links to objects, and tells whether one is good. The same for every storage."""

    def __init__(self, macs: Macs, clock: Clock, *, good_for_s: float) -> None:
        self._macs = macs
        self._clock = clock
        self._good_for_s = good_for_s

    def link(self, key: str, *, filename: str | None = None, expires_s: float | None = None) -> str:
        """An address on this server, good for `expires_s` or as long as the setting says.

        `filename` is what a browser saves it as. Whoever has the address has the object: check first who asks.
        """
        good_for_s = self._good_for_s if expires_s is None else expires_s
        if not 0 < good_for_s <= LONGEST_S:
            raise ValueError(f"A link is good for at most {LONGEST_S:.0f} s.")
        name = file_name(filename or "")
        expires = str(int((self._clock.now() + timedelta(seconds=good_for_s)).timestamp()))
        kid, mac = self._macs.mac(PURPOSE, _message(check_key(key), expires, name))
        query = {"expires": expires, **({"filename": name} if name else {}), "signature": f"{kid}.{mac}"}
        return f"{PATH}{quote(key)}?{urlencode(query, quote_via=quote)}"

    def check(self, key: str, *, expires: str, filename: str, signature: str) -> None:
        """Raises Forbidden `link_invalid` for one that was not made here, `link_expired` for one that is over."""
        kid, _, mac = signature.partition(".")
        fits = self._macs.mac_fits(PURPOSE, _message(key, expires, filename), kid, mac)
        if not fits or not _DIGITS.fullmatch(expires):
            raise Forbidden("This link is not whole, or it was changed. Ask for a new one.", code="link_invalid")
        if self._clock.now().timestamp() >= int(expires):
            raise Forbidden("This link has expired. Ask for a new one.", code="link_expired")


def file_name(wanted: str) -> str:
    """Letters, marks, digits, signs and single spaces of it: no folders, nothing invisible, not endless."""
    text = " ".join(wanted.translate(_SEPARATORS).split())
    shown = "".join(one for one in text if not unicodedata.category(one).startswith("C"))
    return shown[:LONGEST_FILE_NAME].strip(" .")


def _message(key: str, expires: str, filename: str) -> bytes:
    # Each part with its length, so that no two links have one message.
    parts = (key, expires, filename)
    return b"".join(f"{len(part)}:{part}\n".encode(errors="surrogatepass") for part in parts)
