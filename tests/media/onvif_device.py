"""A fake: no ONVIF camera exists on this machine. It speaks SOAP 1.2 over HTTP and WS-Discovery, on loopback only.

Written after the public texts (ONVIF core and media service, WS-Security UsernameToken 1.0, WS-Discovery 2005/04). It
answers what those ask for; it is not a copy of what a certain camera does.
"""

import asyncio
import base64
import contextlib
import hashlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from xml.etree import ElementTree
from xml.sax.saxutils import escape

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
DEVICE_WSDL = "http://www.onvif.org/ver10/device/wsdl"
MEDIA_WSDL = "http://www.onvif.org/ver10/media/wsdl"
_OPEN_TO_ALL = {"GetSystemDateAndTime"}
_FRESH = timedelta(seconds=60)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer in the place of the right one."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Offered:
    """One media profile of the fake."""

    token: str
    encoding: str = "H264"
    width: int = 1920
    height: int = 1080
    fps: str = "25"
    bitrate: str = "4096"
    uri: str = "rtsp://127.0.0.1:8554/main"


class OnvifDevice:
    """Knows one account. `replies` overrides the answer to an operation; an operation in `silent` gets none."""

    def __init__(
        self, *, username: str = "operator", password: str = "p@ss/wörd", ahead: timedelta = timedelta()
    ) -> None:
        self.username, self.password, self.ahead = username, password, ahead
        self.offered: list[Offered] = [Offered("main")]
        self.scheme, self.media_address = "http", ""
        self.replies: dict[str, Reply] = {}
        self.silent: set[str] = set()
        self.http_digest = False
        self.asked: list[str] = []
        self.stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _request_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def base(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}"

    def use_tls(self, cert: Path, key: Path) -> None:
        """Before it is started."""
        self.scheme = "https"
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"{self.base}/onvif/device_service"

    def __enter__(self) -> Self:
        self.media_address = self.media_address or f"{self.base}/onvif/media"
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def was_asked(self, operation: str) -> None:
        """Waits for it."""
        end_s = time.monotonic() + 5
        while operation not in self.asked and time.monotonic() < end_s:
            time.sleep(0.02)

    def answer(self, message: bytes, authorization: str, path: str) -> Reply | None:
        """None: the device says nothing."""
        envelope = ElementTree.fromstring(message)
        operation = envelope.find(f"{{{SOAP}}}Body/*")
        assert operation is not None
        name = operation.tag.rpartition("}")[2]
        self.asked.append(name)
        if name in self.silent:
            return None
        if name in self.replies:
            return self.replies[name]
        if self.http_digest and not self._http_login(authorization, path):
            challenge = 'Digest realm="device", qop="auth", nonce="n0nce", algorithm=MD5'
            return Reply(b"", 401, {"WWW-Authenticate": challenge})
        if not self.http_digest and name not in _OPEN_TO_ALL and not self._login(envelope):
            return fault("Sender", "NotAuthorized", "Sender not authorized")
        body = self._body(name, operation)
        return fault("Receiver", "ActionNotSupported", "Not there") if body is None else Reply(soap(body))

    def _body(self, name: str, operation: ElementTree.Element) -> str | None:
        if name == "GetSystemDateAndTime":
            return _time_of_day(datetime.now(UTC) + self.ahead)
        if name == "GetServices":
            return _services({DEVICE_WSDL: self.url, MEDIA_WSDL: self.media_address})
        if name == "GetCapabilities":
            return _capabilities(self.media_address)
        if name == "GetProfiles":
            return f"<trt:GetProfilesResponse>{''.join(map(_profile, self.offered))}</trt:GetProfilesResponse>"
        if name == "GetStreamUri":
            wanted = [text for part in operation.iter() if (text := (part.text or "").strip())]
            assert wanted[:2] == ["RTP-Unicast", "RTSP"]
            return next((_stream_uri(one.uri) for one in self.offered if one.token == wanted[2]), None)
        return None

    def _login(self, envelope: ElementTree.Element) -> bool:
        """Base64(SHA-1(nonce + created + password)), and created not far from our own time."""
        token = envelope.find(f".//{{{WSSE}}}UsernameToken")
        if token is None:
            return False
        given = token.find(f"{{{WSSE}}}Password")
        nonce = token.findtext(f"{{{WSSE}}}Nonce", "")
        created = token.findtext(f"{{{WSU}}}Created", "")
        right = hashlib.sha1(base64.b64decode(nonce) + created.encode() + self.password.encode()).digest()
        fresh = abs(datetime.fromisoformat(created) - datetime.now(UTC) - self.ahead) < _FRESH
        assert given is not None
        assert given.get("Type") == DIGEST
        same = given.text == base64.b64encode(right).decode()
        return fresh and same and token.findtext(f"{{{WSSE}}}Username") == self.username

    def _http_login(self, authorization: str, path: str) -> bool:
        told: dict[str, str] = {
            name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^, ]+)', authorization)
        }
        if not told:
            return False
        secret = _md5(f"{self.username}:device:{self.password}")
        rest = ":".join(told[name] for name in ("nonce", "nc", "cnonce", "qop"))
        right = _md5(f"{secret}:{rest}:{_md5(f'POST:{path}')}")
        return told["response"] == right


def _request_of(device: OnvifDevice) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one piece, or each answer takes 40 ms

        def do_POST(self) -> None:
            message = self.rfile.read(int(self.headers["Content-Length"]))
            reply = device.answer(message, self.headers.get("Authorization", ""), self.path)
            if reply is None:
                device.stopping.wait(30)
                self.close_connection = True
                return
            with contextlib.suppress(ConnectionError):
                self.send_response(reply.status)
                headers = {"Content-Type": "application/soap+xml; charset=utf-8", **reply.headers}
                for header, value in {"Content-Length": str(len(reply.body)), **headers}.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Request


def soap(body: str) -> bytes:
    """An envelope around it, with the prefixes that cameras use."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:tds="{DEVICE_WSDL}" '
        f'xmlns:trt="{MEDIA_WSDL}" xmlns:tt="http://www.onvif.org/ver10/schema" '
        f'xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def fault(code: str, subcode: str, reason: str) -> Reply:
    """As the core specification words it: a SOAP 1.2 fault under HTTP 400 or 500."""
    return Reply(
        soap(
            f"<s:Fault><s:Code><s:Value>s:{code}</s:Value><s:Subcode><s:Value>ter:{subcode}</s:Value></s:Subcode>"
            f'</s:Code><s:Reason><s:Text xml:lang="en">{reason}</s:Text></s:Reason></s:Fault>'
        ),
        400 if code == "Sender" else 500,
    )


def _time_of_day(now: datetime) -> str:
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
        f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second>"
        f"</tt:Time><tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day>"
        "</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def _services(addresses: dict[str, str]) -> str:
    version = "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version>"
    listed = "".join(
        f"<tds:Service><tds:Namespace>{space}</tds:Namespace><tds:XAddr>{escape(address)}</tds:XAddr>{version}"
        "</tds:Service>"
        for space, address in addresses.items()
    )
    return f"<tds:GetServicesResponse>{listed}</tds:GetServicesResponse>"


def _capabilities(media: str) -> str:
    able = "".join(f"<tt:{name}>true</tt:{name}>" for name in ("RTPMulticast", "RTP_TCP", "RTP_RTSP_TCP"))
    return (
        f"<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>{escape(media)}</tt:XAddr>"
        f"<tt:StreamingCapabilities>{able}</tt:StreamingCapabilities></tt:Media></tds:Capabilities>"
        "</tds:GetCapabilitiesResponse>"
    )


def _profile(one: Offered) -> str:
    limits = (
        f"<tt:RateControl><tt:FrameRateLimit>{one.fps}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>"
        f"<tt:BitrateLimit>{one.bitrate}</tt:BitrateLimit></tt:RateControl>"
    )
    return (
        f'<trt:Profiles token="{one.token}" fixed="true"><tt:Name>{escape(one.token)} stream</tt:Name>'
        f'<tt:VideoEncoderConfiguration token="encoder"><tt:Name>encoder</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{one.encoding}</tt:Encoding><tt:Resolution><tt:Width>{one.width}</tt:Width>"
        f"<tt:Height>{one.height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>{limits if one.fps else ''}"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>"
    )


def _stream_uri(uri: str) -> str:
    return (
        f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri>"
        "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
        "<tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class Responder:
    """Answers every probe that reaches the group on loopback with these messages, in order, from one socket."""

    def __init__(self, group: tuple[str, int], answers: list[bytes]) -> None:
        self.probes: list[bytes] = []
        self._answers = answers
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(group)
        joined = struct.pack("4s4s", socket.inet_aton(group[0]), socket.inet_aton("127.0.0.1"))
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        self._socket.settimeout(0.05)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                probe, asker = self._socket.recvfrom(65536)
            except TimeoutError:
                continue
            self.probes.append(probe)
            for answer in self._answers:
                self._socket.sendto(answer, asker)


def probe_match(xaddrs: str, scopes: str = "", *, types: str = "dn:NetworkVideoTransmitter", more: str = "") -> bytes:
    """What a device answers; `more` are further matches in the same message."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
        'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header><a:MessageID>urn:uuid:1</a:MessageID>'
        "<a:RelatesTo>urn:uuid:2</a:RelatesTo>"
        "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action>"
        '<d:AppSequence InstanceId="not a number" MessageNumber="1"/></s:Header><s:Body><d:ProbeMatches>'
        f"{match(xaddrs, scopes, types=types)}{more}</d:ProbeMatches></s:Body></s:Envelope>"
    ).encode()


def match(xaddrs: str, scopes: str = "", *, types: str = "dn:NetworkVideoTransmitter") -> str:
    """One match of an answer."""
    return (
        "<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:3</a:Address></a:EndpointReference>"
        f"<d:Types>{types}</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{escape(xaddrs)}</d:XAddrs>"
        "<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch>"
    )


@contextlib.asynccontextmanager
async def nothing_left_open() -> AsyncIterator[None]:
    """No socket and no thread is left; the threads that the event loop keeps for blocking calls do not count."""
    before = _open_here()
    yield
    for _ in range(250):
        if _open_here() == before:
            return
        await asyncio.sleep(0.02)
    assert _open_here() == before


def _open_here() -> tuple[int, set[str]]:
    targets = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    threads = {thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}
    return sum(target.startswith("socket:") for target in targets), threads
