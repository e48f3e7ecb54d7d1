"""Which storage a URL means."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from server.clock import Clock, SystemClock
from server.errors import Invalid
from server.objects.folder import FolderObjects
from server.objects.objects import Objects
from server.objects.s3 import S3Objects, S3Place

_S3_URL = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/(?P<prefix>\w[\w.-]*(/\w[\w.-]*)*))?/?", re.ASCII
)
_ENDPOINT = re.compile(r"https?://([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(/[\w./-]*)?", re.ASCII)


def open_objects(
    url: str,
    *,
    endpoint: str = "",
    region: str = "us-east-1",
    access_key: str = "",
    secret_key: str = "",
    clock: Clock | None = None,
) -> Objects:
    """`file:///folder`, or `s3://bucket/prefix` with what stands beside it. Asks nothing of it yet: see `check`."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return FolderObjects(Path(unquote(parts.path)))
    if parts.scheme != "s3":
        raise Invalid.field(
            "storage.url",
            "unknown_scheme",
            f"Storage {parts.scheme}:// is not supported; use file:///folder or s3://bucket.",
        )
    if bool(access_key) != bool(secret_key):
        raise Invalid.field("storage.secret_key", "incomplete", "The access key and the secret key belong together.")
    if not _is_endpoint(endpoint):
        raise Invalid.field("storage.endpoint", "not_valid", "The endpoint is like https://host or http://host:9000.")
    bucket, prefix = _place(url)
    place = S3Place(bucket, prefix, endpoint, region, access_key, secret_key)
    return S3Objects(place, clock or SystemClock())


def _place(url: str) -> tuple[str, str]:
    """Bucket and prefix. What is wrong is not quoted: somebody may have written the keys into it."""
    found = _S3_URL.fullmatch(url)
    if found is None or ".." in url:
        raise Invalid.field(
            "storage.url",
            "not_valid",
            "The storage is like s3://bucket or s3://bucket/prefix; the keys have settings of their own.",
        )
    return found["bucket"], found["prefix"] or ""


def _is_endpoint(endpoint: str) -> bool:
    return not endpoint or _ENDPOINT.fullmatch(endpoint) is not None
