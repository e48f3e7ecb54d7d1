"""What must never be read in a log or an error line: secrets, found by their look, by their name and by their value.

Every pattern is bounded, so that a line takes time in proportion to its length, whatever is in it.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

MASK = "***"
SHORTEST = 6  # a shorter value would be found in harmless words
MOST_KNOWN = 256
_DEEPEST = 8
_LONGEST_NAME = 64

_PASSWORD = r"pass(?:word|wd|phrase)|pwd|secret|token|credential|authorization|api[-_]?key"
_NAMED = (
    rf"{_PASSWORD}|cookie|csrf|signature|private[-_]?key|(?<![a-z])t?otp|recovery|ticket"
    r"|(?:set[-_]?up|pairing|one[-_]?time)[-_]?code"
)
# Not secrets, though they are called after some: whose key it was, how long a token is good.
_HARMLESS = r"(?![-_]?(?:ids?|type|kind|minutes|days|expires\w*|changed|rounds)(?![a-z]))"
_SECRET_KEY = re.compile(rf"(?:{_NAMED}){_HARMLESS}|\bpin\b|\bkey\b", re.IGNORECASE)

_QUOTED = r'"(?:[^"\\]|\\.){0,4096}"?' + r"|'(?:[^'\\]|\\.){0,4096}'?"
# What stands between a name and its value, in any clothes: a form, an environment, JSON, a repr. After a colon may
# follow prose, so that a bare value counts only where nothing but the end or a separator follows.
_IS = (
    r"\\?[\"']?\s{0,4}(?:=\s{0,4}(?=[^\s=])|:\s{0,4}(?=b?\\?[\"'(\[{])"
    r"|:\s{0,4}(?=[^\s,;]{1,256}(?:[,;)\]}\r\n]|\s*$)))"
)
_VALUE = (
    rf"b?(?:{_QUOTED})"
    r"|\\[\"'][^\"']{0,4096}[\"']?|[\[({][^\])}]{0,4096}[\])}]?|SecretStr\([^)]{0,64}\)|[^\s,;&)\]}\"']+"
)
_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        MASK,
    ),
    # The colon of a port is no password's; the last @ before the path ends it, as people type passwords with @ and /.
    (
        re.compile(
            r"(?P<user>[a-z][a-z0-9+.-]{0,30}://[^\s/@:\"']{0,256}):(?!\d{1,5}(?:[/#?\s]|$)(?![^\s\"'<>@=]{0,256}@[\w.\[:-]{1,256}))"
            r"(?:(?!://)[^\s\"'<>]){0,256}@",
            re.IGNORECASE,
        ),
        rf"\g<user>:{MASK}@",
    ),
    (
        re.compile(r"\b(?P<user>turns?:[^\s/@:]{1,128}):[^\s@]{1,256}@", re.IGNORECASE),
        rf"\g<user>:{MASK}@",
    ),
    (re.compile(r"otpauth://[^\s\"']*", re.IGNORECASE), f"otpauth://{MASK}"),
    (
        re.compile(
            r"(?P<name>(?:[?&;#]|^)(?:[\w.-]{0,40}"
            r"(?:pass?(?:word|wd|phrase)?|psw|pswd|pwd?|token|secret|signature|credential|ticket)"
            r"|key|api[-_]?key|auth|sig|code|otp|access|p)=)[^&\s\"'#]+",
            re.IGNORECASE,
        ),
        rf"\g<name>{MASK}",
    ),
    (
        re.compile(
            r"(?P<name>\b(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-csrf-token)[\"']?\s{0,4}[:=]\s{0,4})"
            rf"(?:{_QUOTED}|[^\r\n\"'][^\r\n]*)",
            re.IGNORECASE,
        ),
        rf"\g<name>{MASK}",
    ),
    (
        re.compile(rf"(?P<name>(?:{_NAMED}){_HARMLESS}[\w-]{{0,40}}{_IS})(?:{_VALUE})", re.IGNORECASE),
        rf"\g<name>{MASK}",
    ),
    (re.compile(r"\bbearer\s{1,8}[^\s\"',;]+", re.IGNORECASE), f"Bearer {MASK}"),
    (re.compile(r"\b[Bb]asic\s{1,8}(?=[a-z+/]{0,64}[A-Z0-9=])[A-Za-z0-9+/=_-]{6,}"), f"Basic {MASK}"),
    (re.compile(r"eyJ[\w-]{5,300}\.[\w-]{1,4096}\.[\w-]*"), MASK),
    (re.compile(r"rck_[\w-]+"), f"rck_{MASK}"),
    (re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}"), MASK),
)

# What every one of the patterns needs somewhere: most of what is logged has none of it, and is done with.
_MAYBE = re.compile(r"[:=]|bearer|basic|eyJ|rck_|\$2|cookie|authorization", re.IGNORECASE)


class _Known:
    """Secrets by value, the longest first: one may be a part of another. When full, the oldest is forgotten."""

    def __init__(self) -> None:
        self._values: dict[str, None] = {}
        self._ordered: tuple[str, ...] = ()

    def add(self, value: str) -> None:
        if len(value.strip()) < SHORTEST:
            return
        for shape in _shapes(value.strip()):
            self._values.pop(shape, None)
            self._values[shape] = None
        while len(self._values) > MOST_KNOWN:
            del self._values[next(iter(self._values))]
        self._ordered = tuple(sorted(self._values, key=len, reverse=True))

    def mask(self, text: str) -> str:
        for value in self._ordered:
            if value in text:
                text = text.replace(value, MASK)
        return text


# One for the process, as logging itself is.
_known: Final = _Known()


def register_secret(value: str) -> None:
    """From now on this value is masked wherever it stands. Shorter than six characters, it is left alone."""
    _known.add(value)


def mask_text(text: str) -> str:
    """The text without anything that is a secret, or looks like one."""
    text = _known.mask(text)
    if _MAYBE.search(text) is None and "PRIVATE KEY" not in text:
        return text
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether what stands under that name is never shown."""
    return _SECRET_KEY.search(name) is not None


def mask_value(value: Any, key: str = "", depth: int = 0) -> Any:
    """Any value as it may be logged: text and numbers as they are, the rest taken apart or as its repr."""
    if value is None or isinstance(value, bool):
        return value
    if key and is_secret_name(key):
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if type(value) in (int, float):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return mask_text(bytes(value).decode("utf-8", "backslashreplace"))
    if isinstance(value, BaseException):
        return mask_text(f"{type(value).__name__}: {value}")
    if depth < _DEEPEST and isinstance(value, (Mapping, Sequence, Set)):
        return _taken_apart(value, key, depth + 1)
    return mask_text(_repr(value))


def _taken_apart(value: Mapping[Any, Any] | Sequence[Any] | Set[Any], key: str, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {_name(k): mask_value(v, str(k), depth) for k, v in list(value.items())}
    if _is_header(value):
        name, _ = value
        return [mask_value(name), MASK]
    return [mask_value(v, key, depth) for v in list(value)]


def _is_header(value: Any) -> bool:
    """A pair whose first half says that the second is a secret, as headers and forms are listed."""
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not isinstance(value[0], (str, bytes)):
        return False
    name = value[0] if isinstance(value[0], str) else value[0].decode("latin-1")
    return len(name) <= _LONGEST_NAME and not any(mark in name for mark in " =:") and is_secret_name(name)


def _name(key: Any) -> Any:
    return mask_text(key) if isinstance(key, str) else key


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - any class may be logged, and a log line never fails
        return f"<{type(value).__name__}>"


def _shapes(value: str) -> list[str]:
    """As it is, and as it looks in a URL, in JSON, in a repr and in a Basic login."""
    encoded = base64.b64encode(value.encode()).decode().rstrip("=")
    return list(dict.fromkeys([value, quote(value, safe=""), json.dumps(value)[1:-1], repr(value)[1:-1], encoded]))
