"""Secrets by look, by name and by value; what is no secret stays readable; and no line takes long."""

import time
from dataclasses import dataclass

import pytest

from server.masking import MASK, SHORTEST, is_secret_name, mask_text, mask_value, register_secret

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGhunter2\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("rtsp://admin:hunter2@10.0.0.5/live", "hunter2"),
        ("cannot open rtsp://u:p%40ss@cam:554/1: refused", "p%40ss"),
        ("rtsp://admin:hun@ter2@10.0.0.5/live", "ter2"),
        ("rtsp://admin:hun/ter2@10.0.0.5/live", "ter2"),
        ("rtsp://u:hunter2@a,rtsp://v:hunter3@b", "hunter3"),
        ("redis://:hunter2@redis:6379/0", "hunter2"),
        ("postgresql+asyncpg://rollcall:hunter2@db/rollcall", "hunter2"),
        ("s3://AKIA:hunter2@minio/bucket", "hunter2"),
        ("turn:user:hunter2@turn.example.com:3478", "hunter2"),
        ("http://cam/stream?user=a&password=hunter2&x=1", "hunter2"),
        ("http://cam/cgi?usr=a&user_pw=hunter2", "hunter2"),
        ("wss://host/ws?ticket=hunter2", "hunter2"),
        ("Open http://host/setup?code=hunter2", "hunter2"),
        ("/objects/a.jpg?expires=1&signature=hunter2", "hunter2"),
        ("https://s3/b/k?X-Amz-Credential=AKIA%2F2026&X-Amz-Signature=hunter2", "hunter2"),
        ("https://host/back#access_token=hunter2", "hunter2"),
        ("Authorization: Bearer rck_hunter2", "hunter2"),
        ("bearer hunter2", "hunter2"),
        ("Basic dXNlcjpodW50ZXIy failed", "dXNlcjpodW50ZXIy"),
        ('Authorization: Digest username="u", response="hunter2"', "hunter2"),
        ("Cookie: a=b; rollcall_session=hunter2", "hunter2"),
        ("Set-Cookie: rollcall_session=hunter2; HttpOnly", "hunter2"),
        ("X-API-Key: hunter2 and more", "hunter2"),
        (f"bad token {JWT}", "c2lnbmF0dXJl"),
        (f"two lines\\n{JWT}", "eyJzdWIiOiIxIn0"),
        ("key rck_0193_hunter2 was used", "hunter2"),
        ("otpauth://totp/Rollcall:a@b?secret=HUNTER2&issuer=Rollcall", "HUNTER2"),
        ("totp_secret='HUNTER2'", "HUNTER2"),
        ("ROLLCALL_STORAGE__SECRET_KEY=hunter2", "hunter2"),
        ("aws_secret_access_key = hunter2", "hunter2"),
        ('{"secretKey": "hunter2", "region": "x"}', "hunter2"),
        ("{'password': 'hun\\'ter2', 'user': 'a'}", "ter2"),
        ('{\\"newPassword\\": \\"hunter2\\"}', "hunter2"),
        ("{'recoveryCodes': ['aaaa-hunter2', 'bbbb-hunter2']}", "hunter2"),
        ("recovery_codes=('aaaa-hunter2', 'bbbb-hunter2')", "hunter2"),
        ("Login(user='a', password='hunter2')", "hunter2"),
        ("IceServer(urls=('turn:a',), username='u', credential='hunter2')", "hunter2"),
        ("password: hunter2", "hunter2"),
        ("password: hunter2, user: ada", "hunter2"),
        ("setup_code: hunter2", "hunter2"),
        ("pairingCode=123456", "123456"),
        (PEM, "hunter2"),
        (repr(PEM), "hunter2"),
        (PEM.replace("PRIVATE", "EC PRIVATE").partition("-----END")[0], "hunter2"),
        ("$2b$12$" + "hunter2".ljust(53, "x"), "hunter2"),
        ("rtsp://admin:12345/hunter2@10.0.0.5/live", "hunter2"),
        ("rtsp://admin:12345@10.0.0.5/live", "12345"),
        ("rtsp://admin:12345#@10.0.0.5", "12345"),
        ("http://10.0.0.5/videostream.cgi?loginuse=admin&loginpas=hunter2&page=3", "hunter2"),
        ("http://10.0.0.5/cgi?user=a&psw=hunter2", "hunter2"),
        ("http://10.0.0.5/cgi?u=a&p=hunter2", "hunter2"),
        ("code=hunter2&state=1", "hunter2"),
    ],
)
def test_a_secret_in_a_text_is_masked(text: str, secret: str) -> None:
    """Whatever clothes it comes in, also a second time, when a masked text is masked again."""
    once = mask_text(text)
    assert secret not in once
    assert MASK in once
    assert secret not in mask_text(once)


@pytest.mark.parametrize(
    "text",
    [
        "http://10.0.0.5:8080/a?b=1",
        "http://10.0.0.5:8080/a?email=ada@example.com",
        "https://10.0.0.5:8080",
        "Cannot listen on 127.0.0.1:8000: Address already in use.",
        "ROLLCALL_SECURITY__SECRET_KEY: The secret is shorter than 32 characters.",
        "newPassword: A password has 12 characters or more.",
        "Check these fields: newPassword, otp.",
        "The token is not valid any more.",
        "The key of that camera is not known: try again.",
        "key_id=0193 apiKeyId=0194 token_type=access access_token_minutes=15",
        "footprint=12 monkey=3",
        "Basic settings are missing",
        "code: camera_not_found",
        "request method=GET path=/api/v1/cameras status=200",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    """An error line has to say what is wrong."""
    assert mask_text(text) == text


def test_a_url_keeps_its_address() -> None:
    """Only the password is gone."""
    assert mask_text("rtsp://admin:x@10.0.0.5/live?channel=1") == "rtsp://admin:***@10.0.0.5/live?channel=1"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *(
            (name, True)
            for name in (
                "password", "newPassword", "passwd", "refreshToken", "secret_key", "apiKey", "api_key", "Cookie",
                "authorization", "X-CSRF-Token", "totp", "otp", "recovery_codes", "recoveryCodes", "setup_code",
                "pairingCode", "credential", "privateKey", "signature", "ticket", "pin", "key",
            )
        ),
        *((name, False) for name in ("keyId", "api_key_id", "tokenType", "user", "code", "footprint", "monkey")),
    ],
)  # fmt: skip
def test_names_of_secrets(name: str, secret: bool) -> None:
    """What stands under such a name is never shown; under its neighbours it is."""
    assert is_secret_name(name) is secret


@dataclass
class Login:
    user: str
    password: str


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_values_of_every_kind() -> None:
    """Nested, in bytes, in dataclasses and in errors; numbers under the name of a secret too."""
    masked = mask_value(
        {
            "login": Login("ada", "hunter2"),
            "raw": b"password=hunter2\xff",
            "list": [("x", {"refreshToken": "hunter2"}), {"rtsp://u:hunter2@cam"}],
            "rtsp://u:hunter2@cam": 1,
            "error": OSError("rtsp://u:hunter2@cam"),
            "otp": 123456,
            "count": 3,
            "share": 0.5,
            "password": None,
            "strange": Unprintable(),
        }
    )
    text = repr(masked)
    assert "hunter2" not in text
    assert "123456" not in text
    assert masked["login"] == "Login(user='ada', password=***)"
    assert (masked["count"], masked["share"], masked["password"]) == (3, 0.5, None)
    assert masked["strange"] == "<Unprintable>"


def test_headers_in_pairs() -> None:
    """As a server lists them, and as a form is listed: the name says what the other half is."""
    pairs = [(b"cookie", b"rollcall_session=hunter2"), ("X-CSRF-Token", "hunter2"), (b"host", b"rollcall.test")]
    shown = mask_value({"headers": pairs, "form": [["password", "hunter2"], ["name", "Ada"]]})
    assert shown == {
        "headers": [["cookie", "***"], ["X-CSRF-Token", "***"], ["host", "rollcall.test"]],
        "form": [["password", "***"], ["name", "Ada"]],
    }


def test_a_circle_ends() -> None:
    """A value that holds itself is cut off."""
    circle: dict[str, object] = {"password": "hunter2"}
    circle["again"] = circle
    assert "hunter2" not in repr(mask_value(circle))


def test_known_secrets_are_masked_by_value() -> None:
    """Wherever they stand and however they are written; a short value is left alone, as it would hit harmless words."""
    register_secret('pl/in"and odd\\one')
    for shape in (
        'pl/in"and odd\\one',
        "pl%2Fin%22and%20odd%5Cone",
        'pl/in\\"and odd\\\\one',
        "cGwvaW4iYW5kIG9kZFxvbmU=",
    ):
        assert "odd" not in mask_text(f"it was {shape} there")
        assert "cGwvaW4iYW5kIG9kZFxvbmU" not in mask_text(f"it was {shape} there")
    register_secret("a" * (SHORTEST - 1))
    register_secret("  \n")
    assert mask_text("it was aaaaa  \n there") == "it was aaaaa  \n there"


def test_a_secret_that_holds_another_goes_as_a_whole() -> None:
    """No tail of the longer one stays."""
    register_secret("first-half")
    register_secret("first-half-and-tail")
    assert mask_text("x first-half-and-tail y") == f"x {MASK} y"


def test_known_secrets_are_bounded() -> None:
    """The newest stay known."""
    for number in range(1000):
        register_secret(f"secret number {number:04}")
    assert mask_text("secret number 0999") == MASK
    assert mask_text("a number 0001") == "a number 0001"


@pytest.mark.parametrize(
    "seed",
    [
        "a", "a://", "a://b:c", "eyJ", "eyJaaaaa.", "password: ", "password:a", 'password="', "password='\\",
        "tokentoken", "secret_", "?a.-_pass", "Basic a", "cookie='", "-----BEGIN PRIVATE KEY-----", "\\",
    ],
)  # fmt: skip
def test_a_line_of_a_megabyte_does_not_hold_up_the_server(seed: str) -> None:
    """No pattern takes more than linear time; the bound is wide for a busy machine, and quadratic would be hours."""
    line = (seed * (1_000_000 // len(seed) + 1))[:1_000_000]
    started = time.process_time()
    mask_text(line)
    assert time.process_time() - started < 10
