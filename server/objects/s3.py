"""Objects in a bucket of any S3, through obstore: bounded waiting, and errors that tell no keys."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import structlog

from server.clock import Clock
from server.errors import Invalid, NotFound, Unavailable
from server.objects import objects
from server.objects.objects import Stored, check_key, check_prefix, content_type_of, is_key
from server.objects.rest import Rest

CONNECT_S = 3.0
STALL_S = 15.0
DEADLINE_S = 10.0
LONGEST_S = 900.0
LEAST_BYTES_PER_S = 1_000_000
# One that has not answered is left alone so long: a camera that waited for it would lose frames each time.
REST_S = 5.0
LONGEST_REST_S = 30.0
PART = 8 * 1024 * 1024
PARTS_AT_ONCE = 4
PAGE = 1000

_ERROR_CODE = re.compile(r"<Code>(\w{1,60})</Code>")


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket, and how to get there. Without keys those of the environment or of the machine count."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = field(default="", repr=False)


class S3Objects:
    """Amazon's S3, MinIO and what speaks like them."""

    def __init__(self, place: S3Place, clock: Clock) -> None:
        self._obstore = _obstore()
        self._store = _open(place)
        self._rest = Rest(clock, first_s=REST_S, cap_s=LONGEST_REST_S, try_s=DEADLINE_S)

    async def put(self, key: str, content: bytes) -> None:
        check_key(key)
        with self._told("put", creates=True):
            async with asyncio.timeout(_allowed_s(len(content))):
                await self._obstore.put_async(
                    self._store, key, content, attributes={"Content-Type": content_type_of(key)},
                    chunk_size=PART, max_concurrency=PARTS_AT_ONCE,
                )  # fmt: skip

    async def get(self, key: str) -> bytes:
        check_key(key)
        with self._told("get"):
            async with asyncio.timeout(DEADLINE_S):
                found = await self._obstore.get_async(self._store, key)
            size: int = found.meta["size"]
            if size > objects.LARGEST_WHOLE:
                raise objects.too_large()
            async with asyncio.timeout(_allowed_s(size)):
                return bytes(await found.bytes_async())

    async def open(self, key: str, part: range | None = None) -> Stored:
        check_key(key)
        wanted = {} if part is None else {"options": {"range": (part.start, part.stop)}}
        with self._told("get") as begun:
            async with asyncio.timeout(DEADLINE_S):
                found = await self._obstore.get_async(self._store, key, **wanted)
        return Stored(found.meta["size"] if part is None else len(part), self._pieces(found, begun))

    async def size(self, key: str) -> int:
        check_key(key)
        with self._told("head"):
            async with asyncio.timeout(DEADLINE_S):
                size: int = (await self._obstore.head_async(self._store, key))["size"]
                return size

    async def delete(self, *keys: str) -> None:
        checked = [check_key(key) for key in keys]
        for start in range(0, len(checked), PAGE):
            await self._delete(checked[start : start + PAGE])

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        pages = self._obstore.list(self._store, check_prefix(prefix) or None, chunk_size=PAGE)
        while (page := await self._page(pages)) is not None:
            for one in page:
                if is_key(one["path"]):
                    yield one["path"]

    async def remove_unfinished(self, before: datetime) -> int:
        """None: what is not sent whole is not there."""
        return 0

    async def check(self) -> None:
        """Asks also while it rests: who checks wants to know how it is now."""
        self._rest.end()
        await objects.probe(self)

    async def _delete(self, keys: list[str]) -> None:
        try:
            with self._told("delete"):
                async with asyncio.timeout(DEADLINE_S):
                    await self._obstore.delete_async(self._store, keys)
        except NotFound:  # some storages say so
            if len(keys) > 1:
                for key in keys:
                    await self._delete([key])

    async def _pieces(self, found: Any, begun: int) -> AsyncIterator[bytes]:
        with self._meant("get", begun):
            async for piece in found.stream(min_chunk_size=objects.PIECE):
                yield bytes(piece)

    async def _page(self, pages: Any) -> Sequence[Any] | None:
        with self._told("list"):
            async with asyncio.timeout(DEADLINE_S):
                found: Sequence[Any] | None = await anext(pages, None)
                return found

    @contextmanager
    def _told(self, operation: str, *, creates: bool = False) -> Iterator[int]:
        """Asks nothing while the storage rests."""
        begun = self._rest.begin()
        if begun is None:
            raise objects.unavailable("does not answer")
        with self._meant(operation, begun, creates):
            yield begun
        self._rest.answered()

    @contextmanager
    def _meant(self, operation: str, begun: int, creates: bool = False) -> Iterator[None]:
        """Errors of obstore, which quote the request, as ours, which do not."""
        try:
            yield
        except FileNotFoundError as error:
            self._rest.answered()
            if creates or _code_of(error) == "NoSuchBucket":
                raise self._failed(operation, "has no such bucket", _code_of(error)) from None
            raise objects.missing() from None
        except (TimeoutError, self._obstore.exceptions.BaseError) as error:
            refusal = _refusal(error)
            if refusal is None:
                self._rest.silent(begun)
            else:
                self._rest.answered()
            reason = _code_of(error) or type(error).__name__
            raise self._failed(operation, refusal or "does not answer", reason) from None

    @staticmethod
    def _failed(operation: str, sentence: str, reason: str) -> Unavailable:
        structlog.get_logger(__name__).warning("storage_failed", operation=operation, reason=reason)
        return objects.unavailable(sentence)


def _allowed_s(size: int) -> float:
    return DEADLINE_S + size / LEAST_BYTES_PER_S


def _code_of(error: Exception) -> str:
    """S3's own name of the error, such as AccessDenied; the rest of its answer may quote keys."""
    found = _ERROR_CODE.search(str(error))
    return found.group(1) if found else ""


def _refusal(error: Exception) -> str | None:
    """What an answer of S3 comes to; None where there was no answer."""
    why = _code_of(error) or "no reason given"
    if type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError"):
        return f"refuses this server ({why})"
    if _code_of(error) or "Server returned" in str(error):
        return f"fails ({why})"
    return None


def _obstore() -> Any:
    try:
        import_module("obstore.store")
        return import_module("obstore")
    except ImportError:
        raise Invalid.field(
            "storage.url", "extra_missing", "Storage on s3:// needs the extra s3: pip install '.[s3]' in the checkout."
        ) from None


def _open(place: S3Place) -> Any:
    """The store; makes no request yet. What is set here wins over AWS_… names in the environment."""
    wanted: dict[str, Any] = {
        "prefix": place.prefix or None,
        "region": place.region,
        "client_options": {
            "allow_http": place.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_S),
            "read_timeout": timedelta(seconds=STALL_S),
            "timeout": timedelta(seconds=LONGEST_S),
        },
        "retry_config": {
            "max_retries": 3,
            "retry_timeout": timedelta(seconds=DEADLINE_S),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=1),
                "base": 2,
            },
        },
    }
    if place.endpoint:
        address = place.endpoint.rstrip("/")
        wanted |= {"endpoint": address, "aws_endpoint_url_s3": address, "virtual_hosted_style_request": False}
    if place.access_key:
        # A provider, because keys beside a session token of the environment would be another identity.
        keys = {
            "access_key_id": place.access_key,
            "secret_access_key": place.secret_key,
            "token": None,
            "expires_at": None,
        }
        wanted |= {"credential_provider": lambda: keys, "skip_signature": False}
    known = import_module("obstore.exceptions")
    try:
        return import_module("obstore.store").S3Store(place.bucket, **wanted)
    except (ValueError, TypeError, known.BaseError):  # their text quotes the configuration
        raise Invalid.field(
            "storage.url", "not_valid", "This S3 storage cannot be opened; check its settings."
        ) from None
