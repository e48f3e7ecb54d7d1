"""Logs that mask every kind of secret, and metrics in a registry of their own."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structlog

from server.telemetry import Metrics, mask_text, set_up_logging

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@contextmanager
def logging_to(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, object]]]]:
    """JSON logging for the time of the test; what it yields reads the lines."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    set_up_logging("json", "info")
    try:
        yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        root.handlers, root.level = before
        structlog.reset_defaults()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("rtsp://admin:hunter2@10.0.0.5/live", "hunter2"),
        ("http://cam/stream?user=a&password=hunter2&x=1", "hunter2"),
        ("cannot open rtsp://u:p%40ss@cam:554/1: refused", "p%40ss"),
        (f"bad token {JWT}", "c2lnbmF0dXJl"),
        ("Authorization: Bearer rck_abcdef", "rck_abcdef"),
        ("wss://host/ws?ticket=abc123", "abc123"),
    ],
)
def test_secrets_inside_a_text_are_masked(text: str, secret: str) -> None:
    """Passwords in URLs, tokens and bearer headers never pass."""
    assert secret not in mask_text(text)


def test_a_url_without_a_secret_stays_readable() -> None:
    """Masking takes the password and leaves the address."""
    assert mask_text("rtsp://admin:x@10.0.0.5/live?channel=1") == "rtsp://admin:***@10.0.0.5/live?channel=1"
    assert mask_text("http://10.0.0.5:8080/a?b=1") == "http://10.0.0.5:8080/a?b=1"


def test_values_under_secret_names_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever stands under the name of a secret is gone, also inside of other values and exceptions."""
    with logging_to(capsys) as lines:
        log = structlog.get_logger("test")
        log.info("login", password="hunter2", nested={"refreshToken": "hunter2", "list": [f"x {JWT}"]}, user="ada")
        try:
            raise OSError("rtsp://u:hunter2@cam failed")
        except OSError as error:
            log.exception("failed", error=error)
        logging.getLogger("libav").error("open rtsp://u:hunter2@cam")
        written = lines()
    assert len(written) == 3
    assert written[0]["user"] == "ada"
    assert "hunter2" not in json.dumps(written)
    assert "c2lnbmF0dXJl" not in json.dumps(written)


def test_two_servers_have_metrics_of_their_own() -> None:
    """Metrics are not global: what one counts the other does not."""
    one, other = Metrics(), Metrics()
    one.batch("detect", 3, 0.002, 0.01)
    one.dropped("detect", "stale")
    assert b'rollcall_inference_batch_size_count{kind="detect"} 1.0' in one.render()
    assert b'rollcall_inference_dropped_total{kind="detect",reason="stale"} 1.0' in one.render()
    assert b'kind="detect"' not in other.render()
