"""One file over HTTP into a place of its own; a download that was cut off goes on where it ended."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from server.errors import PackRefused

TIMEOUT_S = 60
CHUNK = 1 << 18
ATTEMPTS = 5
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

# So many bytes are here, of so many if that is known.
OnProgress = Callable[[int, int | None], None]


def download(url: str, path: Path, on_progress: OnProgress, *, attempts: int = ATTEMPTS) -> None:
    """Leaves the whole file at `path`. What is there already is taken as its beginning (HTTP Range).

    Raises PackRefused `not_fetched`; what had come by then stays for the next time.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise PackRefused(f"{url} is not https: what comes from there could be anybody's.", code="not_fetched")
    reason = ""
    for _ in range(attempts):
        before = path.stat().st_size if path.exists() else 0
        try:
            if _take(url, path, on_progress):
                return
            reason = "the connection ended before the file did"
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416 and before:  # the server has nothing from there on: what is here is another file
                    path.unlink()
                    continue
                raise PackRefused(f"{url} answered {error.code} {error.reason}.", code="not_fetched") from error
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            if not path.exists() or path.stat().st_size <= before:
                break  # nothing came at all: asking again at once will not help
    raise PackRefused(f"{url} cannot be fetched: {reason}. What has come is kept; run it again.", code="not_fetched")


def _take(url: str, path: Path, on_progress: OnProgress) -> bool:
    """One request; whether the file is whole now."""
    have = path.stat().st_size if path.exists() else 0
    headers = {"User-Agent": "rollcall", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S) as answer:
        goes_on = answer.status == 206
        if not goes_on:
            have = 0  # a server that knows no ranges begins anew
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdecimal() else None
        with path.open("ab" if goes_on else "wb") as file:
            have += _copy(answer, file, have, total, on_progress)
    return total is None or have >= total


def _copy(answer: IO[bytes], file: IO[bytes], have: int, total: int | None, on_progress: OnProgress) -> int:
    came = 0
    on_progress(have, total)
    while chunk := answer.read(CHUNK):
        file.write(chunk)
        came += len(chunk)
        on_progress(have + came, total)
    return came
