"""Logs that mask every kind of secret, and metrics in a registry of their own."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import pytest
import structlog

from server.masking import register_secret
from server.telemetry import Metrics, set_up_logging

# Each secret inside of what it looks like, and under which name it may stand.
SECRETS = {
    "camera password": ("rtsp://admin:hunter2@10.0.0.5/live", "password", "hunter2"),
    "database password": ("postgresql+asyncpg://rollcall:hunter2@db/rollcall", "password", "hunter2"),
    "Redis password": ("redis://:hunter2@redis:6379", "password", "hunter2"),
    "S3 login": ("s3://AKIA:hunter2@minio/bucket", "password", "hunter2"),
    "S3 secret key": ("secret_key='wJalrXUtnFEMI'", "secret_key", "wJalrXUtnFEMI"),
    "password": ("password=hunter2", "newPassword", "hunter2"),
    "access token": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "access_token", "c2lnbmF0dXJl"),
    "API key": ("rck_0193_hunter2", "api_key", "hunter2"),
    "bearer": ("Authorization: Bearer hunter2", "authorization", "hunter2"),
    "Basic login": ("Authorization: Basic dXNlcjpodW50ZXIy", "Authorization", "dXNlcjpodW50ZXIy"),
    "cookie": ("Cookie: rollcall_session=hunter2; theme=dark", "cookie", "hunter2"),
    "TOTP secret": ("otpauth://totp/Rollcall:a?secret=JBSWY3DPEHPK3PXP", "totp_secret", "JBSWY3DPEHPK3PXP"),
    "recovery codes": ("{'recoveryCodes': ['hunter2-abcd']}", "recovery_codes", "hunter2"),
    "set-up code": ("http://localhost:8000/setup?code=hunter2", "setup_code", "hunter2"),
    "signed link": ("/objects/a.jpg?expires=1&signature=hunter2", "signature", "hunter2"),
    "ticket": ("wss://host/ws?ticket=hunter2", "ticket", "hunter2"),
    "TURN login": ("{'urls': ['turn:host'], 'credential': 'hunter2'}", "credential", "hunter2"),
    "private key": ("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", "private_key", "hunter2"),
    "the secret itself": ("it was Vq3-configured-secret there", "secret", "Vq3-configured-secret"),
}


@dataclass
class Wrapped:
    inner: object


class Failure(Exception):
    pass


def _raise(text: str) -> None:
    raise Failure(text)


def message(text: str, _key: str, _secret: str) -> None:
    structlog.get_logger("test").warning(text)


def value(text: str, _key: str, _secret: str) -> None:
    structlog.get_logger("test").warning("said", detail=text)


def under_its_name(_text: str, key: str, secret: str) -> None:
    structlog.get_logger("test").warning("said", **{key: secret, "other": {key: secret}})


def nested(text: str, key: str, secret: str) -> None:
    structlog.get_logger("test").warning("said", a={"b": [{"c": (text, {text})}, {key: secret}]})


def bound(text: str, key: str, secret: str) -> None:
    structlog.get_logger("test").bind(**{key: secret}).warning("said", detail=text)


def raw(text: str, _key: str, _secret: str) -> None:
    structlog.get_logger("test").warning("said", body=text.encode(), headers=[(b"x", text.encode())])


def dataclasses(text: str, _key: str, _secret: str) -> None:
    structlog.get_logger("test").warning("said", it=Wrapped({"x": Wrapped(text)}), error=Failure(text))


def traceback(text: str, _key: str, _secret: str) -> None:
    try:
        _raise(text)
    except Failure:
        structlog.get_logger("test").exception("failed")


def chained(text: str, _key: str, _secret: str) -> None:
    try:
        try:
            _raise(text)
        except Failure as error:
            raise OSError("above") from error
    except OSError as error:
        structlog.get_logger("test").error("failed", exc_info=error)


def library(text: str, key: str, secret: str) -> None:
    logging.getLogger("a.library").warning("cannot open %s and %r", text, {key: secret})


def library_traceback(text: str, _key: str, _secret: str) -> None:
    try:
        _raise(text)
    except Failure:
        logging.getLogger("a.library").warning("failed", exc_info=True, stack_info=True)


def library_extra(text: str, key: str, secret: str) -> None:
    logging.getLogger("a.library").warning("said", extra={key: secret, "detail": [text]})


def warned(text: str, _key: str, _secret: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        try:
            warnings.warn(text, stacklevel=1)
        finally:
            logging.captureWarnings(False)


def ill_formed(text: str, key: str, secret: str) -> None:
    logging.getLogger("a.library").warning("%d", {key: secret, "x": text})


SHAPES = (
    message, value, under_its_name, nested, bound, raw, dataclasses, traceback, chained, library, library_traceback,
    library_extra, warned, ill_formed,
)  # fmt: skip


@contextmanager
def logging_as(style: Literal["console", "json"], capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Logging for the time of the test; what it yields reads what was written."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    set_up_logging(style, "info")
    try:
        yield lambda: capsys.readouterr().err
    finally:
        logging.captureWarnings(False)
        root.handlers, root.level = before
        structlog.reset_defaults()


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_gets_into_the_log(
    kind: str,
    shape: Callable[[str, str, str], None],
    style: Literal["console", "json"],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever it is, whoever logs it and however: the line comes, without the secret."""
    text, key, secret = SECRETS[kind]
    register_secret("Vq3-configured-secret")
    with logging_as(style, capsys) as written:
        shape(text, key, secret)
        lines = written()
    assert lines
    assert secret not in lines


def test_a_line_has_what_one_looks_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Time, level, logger, event and its values; masking leaves them alone."""
    with logging_as("json", capsys) as written:
        structlog.get_logger("test").info("login", user="ada", ms=1.5, ok=True, nothing=None, many=[1, 2])
        (line,) = [json.loads(text) for text in written().splitlines()]
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "login", "level": "info", "logger": "test", "user": "ada", "ms": 1.5, "ok": True, "nothing": None,
        "many": [1, 2],
    }  # fmt: skip


@pytest.mark.parametrize("style", ["json", "console"])
def test_nobody_can_write_lines_of_their_own(
    style: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    """A path or a name with a line break in it stays within its line; so does the colour of a terminal."""
    with logging_as(style, capsys) as written:
        structlog.get_logger("test").info("request", path="/x\n2026 [info] forged\x1b[31m")
        lines = written().splitlines()
    assert len(lines) == 1
    assert "\x1b[31m" not in lines[0]


def test_a_line_that_cannot_be_written_does_not_fail_its_writer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the log has gone, or a library has its arguments wrong: the server goes on."""
    with logging_as("json", capsys) as written:
        logging.getLogger("a.library").warning("%d", "text")
        assert written() == "A line of a.library could not be written: TypeError\n"
        monkeypatch.setattr(logging.getLogger().handlers[0], "stream", _Gone())
        logging.getLogger("a.library").warning("hello")
        assert written() == ""


class _Gone:
    def write(self, _text: str) -> None:
        raise BrokenPipeError


def test_two_servers_have_metrics_of_their_own() -> None:
    """Metrics are not global: what one counts the other does not."""
    one, other = Metrics(), Metrics()
    one.batch("detect", 3, 0.002, 0.01)
    one.dropped("detect", "stale")
    assert b'rollcall_inference_batch_size_count{kind="detect"} 1.0' in one.render()
    assert b'rollcall_inference_dropped_total{kind="detect",reason="stale"} 1.0' in one.render()
    assert b'kind="detect"' not in other.render()
