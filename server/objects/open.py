"""Which storage a URL means."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from server.errors import Invalid
from server.objects.folder import FolderObjects
from server.objects.objects import Objects


def open_objects(url: str) -> Objects:
    """`file:///path`: a folder. Other schemes are refused by name."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return FolderObjects(Path(unquote(parts.path)))
    raise Invalid.field(
        "storage.url", "unknown_scheme", f"Storage {parts.scheme}:// is not supported; use file:///folder."
    )
