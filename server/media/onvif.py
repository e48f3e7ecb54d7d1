"""Asks an ONVIF camera which streams it offers, and where they are."""

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType, ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import structlog

from server.address import AddressRules, check_source, resolve_allowed
from server.clock import SystemClock
from server.errors import Invalid, SourceFailed, Unavailable
from server.media.reasons import failure, reason_of

TEXT_LIMIT = 200
_ANSWER_LIMIT = 2 * 1024 * 1024
_ADDRESS_LIMIT = 2000
_MOST_PROFILES = 64
_LARGEST_PX = 16384
_SUB_WIDTH_PX = 480

_DEVICE = "{http://www.onvif.org/ver10/device/wsdl}DeviceBinding"
_MEDIA = "{http://www.onvif.org/ver10/media/wsdl}MediaBinding"
_MEDIA_NAMESPACE = "http://www.onvif.org/ver10/media/wsdl"

_CODECS = MappingProxyType(
    {"h264": "h264", "h265": "hevc", "hevc": "hevc", "jpeg": "mjpeg", "mjpeg": "mjpeg", "mpeg4": "mpeg4"}
)
_OF_THE_NETWORK = {"timed_out", "refused", "not_found", "not_allowed"}


@dataclass(frozen=True, slots=True)
class MediaProfile:
    """One stream of a camera. `codec` as FFmpeg names it; `source` holds the login, so it is never shown."""

    name: str
    codec: str
    width: int
    height: int
    fps: float | None
    bitrate_kbps: int | None
    source: str = field(repr=False)

    @property
    def area(self) -> int:
        return self.width * self.height


async def profiles(
    address: str, username: str, password: str, rules: AddressRules, *, timeout_s: float = 8.0
) -> list[MediaProfile]:
    """The streams of the camera at this device address, the largest picture first.

    Raises Invalid where this address, or one that the device names, is not allowed; SourceFailed where the device
    cannot be asked; Unavailable (not_installed) without the extra. May be cancelled.
    """
    kit = await asyncio.to_thread(_kit)
    try:
        async with asyncio.timeout(timeout_s):
            return await _look_up(address, username, password, rules, kit)
    except TimeoutError:
        raise failure("timed_out") from None


def pair(profiles: Sequence[MediaProfile]) -> tuple[MediaProfile, MediaProfile | None]:
    """The stream to show and, where there is a smaller one that is large enough for faces, the one to analyse."""
    if not profiles:
        raise failure("no_video")
    main = max(profiles, key=lambda profile: profile.area)
    smaller = [profile for profile in profiles if profile.area < main.area and profile.width >= _SUB_WIDTH_PX]
    return main, min(smaller, key=lambda profile: profile.area, default=None)


def extra(name: str) -> ModuleType:
    """A module of the extra `onvif`, or the error that says how to get it."""
    try:
        return import_module(name)
    except ImportError:
        raise _not_installed() from None


def clipped(text: object) -> str:
    """What a device says about itself, short enough and without what a terminal would act on."""
    said = text[: 4 * TEXT_LIMIT] if isinstance(text, str) else ""
    return "".join(character for character in said if character.isprintable()).strip()[:TEXT_LIMIT]


def _not_installed() -> Unavailable:
    return Unavailable("ONVIF needs the extra onvif: pip install '.[onvif]' in the checkout.", code="not_installed")


@dataclass(frozen=True, slots=True)
class _Kit:
    """What is loaded from the packages: the descriptions of the services, and the errors that they raise."""

    zeep: ModuleType
    device: Any
    media: Any
    errors: tuple[type[Exception], ...]


def _kit() -> _Kit:
    """Reads the WSDL files that onvif-zeep-async ships; importing it would set up logging for the whole process."""
    zeep, etree, aiohttp = extra("zeep"), extra("lxml.etree"), extra("aiohttp")
    package = find_spec("onvif")
    if package is None or not package.submodule_search_locations:
        raise _not_installed()
    # It would log every value that a device gets wrong, with a traceback.
    logging.getLogger("zeep.xsd").setLevel(logging.CRITICAL)
    folder = Path(package.submodule_search_locations[0]) / "wsdl"
    # Reads files only: no description is ever fetched.
    transport = SimpleNamespace(load=lambda path: Path(path).read_bytes())
    settings = zeep.Settings(strict=False, forbid_external=True)
    device, media = (
        extra("zeep.wsdl").Document(str(folder / name), transport, settings=settings)
        for name in ("devicemgmt.wsdl", "media.wsdl")
    )
    broken = (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)
    return _Kit(zeep, device, media, (*broken, zeep.exceptions.Error, etree.LxmlError, aiohttp.ClientError))


async def _look_up(address: str, username: str, password: str, rules: AddressRules, kit: _Kit) -> list[MediaProfile]:
    aiohttp = extra("aiohttp")
    await _check(address, rules)
    token = None
    middlewares: tuple[Any, ...] = ()
    if username:
        token = extra("zeep.wsse").UsernameToken(username, password, use_digest=True, zulu_timestamp=True)
        # Some devices want the login in HTTP instead.
        middlewares = (aiohttp.DigestAuthMiddleware(username, password),)
    # Cameras sign their certificates themselves; what is sent to them holds no password.
    connector = aiohttp.TCPConnector(ssl=False, socket_factory=lambda info: _socket(info, rules))
    async with aiohttp.ClientSession(
        connector=connector,
        middlewares=middlewares,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    ) as http:
        device = _Endpoint(kit, kit.device, _DEVICE, _bare(address), http, token)
        device.ahead = await _clock_offset(device)
        media_address = await _media_address(device)
        await _check(media_address, rules)
        media = _Endpoint(kit, kit.media, _MEDIA, _bare(media_address), http, token)
        media.ahead = device.ahead
        found = await _streams(media, username, password, rules)
    if not found:
        raise failure("no_video")
    return sorted(found, key=lambda one: (-one.area, -(one.fps or 0), -(one.bitrate_kbps or 0), one.name))


async def _check(url: str, rules: AddressRules) -> None:
    """Raises Invalid unless this is HTTP to an address that is allowed."""
    if len(url) > _ADDRESS_LIMIT or not url.isprintable() or not url.lower().startswith(("http://", "https://")):
        raise Invalid.field("address", "malformed", "The address of an ONVIF device starts with http:// or https://.")
    await resolve_allowed(url, rules, field="address")


def _bare(url: str) -> str:
    """Without a login: one inside the address would be sent readable."""
    return _without_login(urlsplit(url)).geturl()


def _without_login(parts: SplitResult) -> SplitResult:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])


def _socket(info: tuple[Any, ...], rules: AddressRules) -> socket.socket:
    """Asked for every connection, so a name that points elsewhere since it was checked leads nowhere."""
    family, kind, protocol, _, target = info
    if not rules.allows(ip_address(str(target[0]).partition("%")[0])):
        raise PermissionError
    return socket.socket(family, kind, protocol)


class _Endpoint:
    """One service of a device: a question is one SOAP message over HTTP. `ahead` is how much later its clock is."""

    def __init__(self, kit: _Kit, description: Any, binding: str, url: str, http: Any, token: Any) -> None:
        self.ahead = timedelta()
        self._kit = kit
        self._http = http
        self._token = token
        # Answers are read by `ask`, not by the library, which would do so in the event loop.
        settings = kit.zeep.Settings(strict=False, raw_response=True, forbid_dtd=True, forbid_external=True)
        transport = SimpleNamespace(post_xml=self._post)
        self._client = kit.zeep.AsyncClient(description, wsse=token, transport=transport, settings=settings)
        self._binding = description.bindings[binding]
        self._proxy = extra("zeep.proxy").AsyncServiceProxy(self._client, self._binding, address=url)

    async def ask(self, operation: str, **values: object) -> Any:
        """Raises SourceFailed. A device may answer anything, so every way in which the library fails counts."""
        if self._token is not None:
            self._token.created = SystemClock().now() + self.ahead
        try:
            answer = await getattr(self._proxy, operation)(**values)
            return await asyncio.to_thread(
                self._binding.process_reply, self._client, self._binding.get(operation), answer
            )
        except TimeoutError:
            raise failure("timed_out") from None
        except self._kit.errors as error:
            # Its text quotes what the device sent.
            structlog.get_logger(__name__).debug("onvif_failed", operation=operation, error=type(error).__name__)
            raise failure(_code_of(error)) from None

    async def _post(self, url: str, envelope: Any, headers: Mapping[str, str]) -> SimpleNamespace:
        """The answer as the library wants it. Redirects are not followed, and an answer has an end."""
        body = extra("lxml.etree").tostring(envelope, xml_declaration=True, encoding="utf-8")
        wanted = {**headers, "Accept-Encoding": "identity"}
        async with self._http.post(url, data=body, headers=wanted, allow_redirects=False) as answer:
            if answer.status in (401, 403):
                raise failure("unauthorized")
            if answer.status == 404:
                raise failure("not_found")
            if 300 <= answer.status < 400:
                raise failure("failed")
            content = bytearray()
            async for chunk in answer.content.iter_chunked(65536):
                content += chunk
                if len(content) > _ANSWER_LIMIT:
                    raise failure("failed")
        # Nothing in ONVIF needs a document type, and entities live there; UTF-16 could hide one.
        if b"<!DOCTYPE" in content or b"\0" in content:
            raise failure("failed")
        return SimpleNamespace(status_code=answer.status, content=bytes(content), headers={}, encoding="utf-8")


def _code_of(error: Exception) -> str:
    said = [getattr(error, "code", None), *(getattr(error, "subcodes", None) or ())]
    if any(word in str(one) for one in said for word in ("NotAuthorized", "FailedAuthentication")):
        return "unauthorized"
    code = reason_of(getattr(error, "os_error", error))
    return code if code in _OF_THE_NETWORK else "failed"


async def _clock_offset(device: _Endpoint) -> timedelta:
    """How far the device's clock is ahead: the digest of a login holds the time, and cameras forget theirs."""
    try:
        told = _inside(await device.ask("GetSystemDateAndTime"), "UTCDateTime")
        day, hour = _inside(told, "Date"), _inside(told, "Time")
        clock = datetime(day.Year, day.Month, day.Day, hour.Hour, hour.Minute, hour.Second, tzinfo=UTC)
    except SourceFailed as error:
        # Some devices want a login even for this, and none can be right before the time is known.
        if error.code not in ("unauthorized", "failed"):
            raise
        return timedelta()
    except (AttributeError, TypeError, ValueError, OverflowError):
        return timedelta()
    return clock - SystemClock().now()


async def _media_address(device: _Endpoint) -> str:
    """From GetServices, or from GetCapabilities where the device is too old for that."""
    try:
        services = _listed(await device.ask("GetServices", IncludeCapability=False))
    except SourceFailed as error:
        if error.code != "failed":
            raise
        services = []
    for service in services:
        if _inside(service, "Namespace") == _MEDIA_NAMESPACE:
            return str(_inside(service, "XAddr"))
    named = _inside(await device.ask("GetCapabilities", Category=["Media"]), "Media", "XAddr")
    if not isinstance(named, str):
        raise failure("no_video")
    return named


async def _streams(media: _Endpoint, username: str, password: str, rules: AddressRules) -> list[MediaProfile]:
    """Profiles without a picture, or whose address the device does not give, are left out."""
    found = []
    for profile in _listed(await media.ask("GetProfiles"))[:_MOST_PROFILES]:
        token = _inside(profile, "token")
        facts = _facts(_inside(profile, "VideoEncoderConfiguration"))
        if facts is None or not isinstance(token, str):
            continue
        uri = await _stream_uri(media, token)
        if uri is not None:
            name = clipped(_inside(profile, "Name")) or clipped(token)
            source = await _with_login(uri, username, password, rules)
            found.append(replace(facts, name=name, source=source))
    return found


def _facts(encoder: object) -> MediaProfile | None:
    """What the device says about the picture, before there is a name and an address to it."""
    codec = _CODECS.get(str(_inside(encoder, "Encoding")).lower())
    width = _number(_inside(encoder, "Resolution", "Width"), _LARGEST_PX)
    height = _number(_inside(encoder, "Resolution", "Height"), _LARGEST_PX)
    if codec is None or width is None or height is None:
        return None
    fps = _number(_inside(encoder, "RateControl", "FrameRateLimit"), 1000)
    bitrate = _number(_inside(encoder, "RateControl", "BitrateLimit"), 10_000_000)
    return MediaProfile("", codec, int(width), int(height), fps, int(bitrate) if bitrate else None, source="")


async def _stream_uri(media: _Endpoint, token: str) -> str | None:
    # RTSP stands for RTP inside the RTSP connection.
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    try:
        uri = _inside(await media.ask("GetStreamUri", StreamSetup=setup, ProfileToken=token), "Uri")
    except SourceFailed as error:
        if error.code != "failed":
            raise
        return None
    return uri.strip() if isinstance(uri, str) and len(uri) <= _ADDRESS_LIMIT else None


async def _with_login(uri: str, username: str, password: str, rules: AddressRules) -> str:
    """The login goes to the address that the device names, so that is checked before."""
    check_source("rtsp", uri, rules)
    await resolve_allowed(uri, rules, field="address")
    parts = _without_login(urlsplit(uri))
    if not username:
        return parts.geturl()
    login = f"{quote(username, safe='')}:{quote(password, safe='')}"
    return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()


def _inside(thing: object, *names: str) -> Any:
    """What stands below these names; None where a device left something out."""
    for name in names:
        thing = getattr(thing, name, None)
    return thing


def _listed(answer: object) -> list[Any]:
    return answer if isinstance(answer, list) else []


def _number(value: object, most: float) -> float | None:
    return float(value) if isinstance(value, (int, float)) and 0 < value <= most else None
