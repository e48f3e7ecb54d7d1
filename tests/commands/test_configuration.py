"""Settings as a command reads them: every mistake at once, and their secrets known to the log."""

from pathlib import Path

import pytest

from server.commands.configuration import Misconfigured, examine, read_settings, secrets_of
from server.masking import mask_text
from server.settings import Settings
from tests.commands.conftest import Run

GOOD = "zR7-good-and-long-enough-0123456789-abcdef"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mistaken(monkeypatch: pytest.MonkeyPatch, **settings: str) -> dict[str, str]:
    """What read_settings complains of, by name."""
    for name, value in settings.items():
        monkeypatch.setenv(f"ROLLCALL_{name}", value)
    with pytest.raises(Misconfigured) as caught:
        read_settings()
    return {one.field.removeprefix("ROLLCALL_"): one.message for one in caught.value.details}


def test_every_kind_of_mistake_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wrong values, a weak secret, files that are not there, models that are not known, and names that mean nothing."""
    (tmp_path / ".env").write_text("ROLLCALL_HTTP__MAX_BODYMB=3\n")
    found = mistaken(
        monkeypatch,
        PRODUCTION="true",
        SECURITY__SECRET_KEY="short",
        SECURITY__PREVIOUS_SECRET_KEYS='["changeme-0123456789-abcdefghijklmnop"]',
        TLS__CERT="/nowhere/cert.pem",
        TLS__KEY="/nowhere/key.pem",
        INFERENCE__DETECTOR="nobody",
        STORAGE__URL="s3://bucket",
        STORAGE__ACCESS_KEY="AKIA",
        ATTENDANCE__COOLDOWN_S="soon",
        MEDIA__ROOTS="/videos",
        COLOUR="red",
    )
    assert set(found) == {
        "SECURITY__SECRET_KEY", "SECURITY__PREVIOUS_SECRET_KEYS", "TLS__CERT", "INFERENCE__DETECTOR",
        "STORAGE__SECRET_KEY", "ATTENDANCE__COOLDOWN_S", "MEDIA__ROOTS", "COLOUR", "HTTP__MAX_BODYMB",
    }  # fmt: skip
    assert "shorter than" in found["SECURITY__SECRET_KEY"]
    assert "placeholder" in found["SECURITY__PREVIOUS_SECRET_KEYS"]
    assert "cannot be read" in found["TLS__CERT"]
    assert "JSON" in found["MEDIA__ROOTS"]
    assert "no such setting" in found["COLOUR"]


def test_what_the_types_do_not_know_is_told_at_once_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Addresses that no client could read, providers and folders that are not there, origins that match nothing."""
    found = mistaken(
        monkeypatch,
        DATABASE__URL="postgresql+asyncpg://u@h:bad/x",
        BUS__URL="redis://h:notaport",
        STORAGE__URL="s3://",
        INFERENCE__PROVIDERS='["Nope"]',
        MEDIA__ROOTS=f'["{tmp_path}", "/nowhere/films"]',
        HTTP__CORS_ORIGINS='["https://a.example", "https://b.example/"]',
    )
    assert set(found) == {
        "DATABASE__URL", "BUS__URL", "STORAGE__URL", "INFERENCE__PROVIDERS", "MEDIA__ROOTS", "HTTP__CORS_ORIGINS",
    }  # fmt: skip
    assert "item 2" in found["MEDIA__ROOTS"]
    assert "https://b.example/ is not an origin" in found["HTTP__CORS_ORIGINS"]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"TLS__CERT": "/c.pem", "LOG__LEVEL": "loud"}, {"TLS", "LOG__LEVEL"}),
        (
            {"WEBRTC__ICE_SERVERS": '[{"urls":["turn:a"]}]', "TLS__HSTS_DAYS": "-1"},
            {"WEBRTC__ICE_SERVERS", "TLS__HSTS_DAYS"},
        ),
        ({"SECURITY": "{json", "SECURITY__BCRYPT_ROUNDS": "2"}, {"SECURITY"}),
        (
            {"MEDIA__ALLOWED_NETWORKS": '["here"]', "SECURITY__SECRET_KEY": " "},
            {"MEDIA__ALLOWED_NETWORKS", "SECURITY__SECRET_KEY"},
        ),
        (
            {"LOG__LEVEL": "loud", "LOG": '{"colour": 1}', "HTTP__MAX_BODY_MB": "0"},
            {"LOG__LEVEL", "LOG__COLOUR", "HTTP__MAX_BODY_MB"},
        ),
    ],
)
def test_a_mistake_hides_no_other(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], names: set[str]) -> None:
    """Wherever in the tree it is: a section, a value, an item of a list."""
    assert set(mistaken(monkeypatch, **settings)) == names


def test_what_is_wrong_inside_of_a_list_is_counted_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """And said once, though a network could be of two kinds."""
    found = mistaken(monkeypatch, HTTP__TRUSTED_PROXIES='["10.0.0.0/8","here"]')
    assert found == {"HTTP__TRUSTED_PROXIES": "item 2 is a network such as 10.0.0.0/8"}


def test_a_weak_secret_is_one_in_production_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The one that is kept in the data folder counts as well."""
    (tmp_path / ".rollcall").mkdir()
    (tmp_path / ".rollcall/secret.key").write_text("aaaa\n")
    assert not read_settings().production
    assert "shorter than" in mistaken(monkeypatch, PRODUCTION="true")["SECURITY__SECRET_KEY"]


def test_good_settings_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what the command line changes of them, which is checked too. An unknown name alone stops nobody."""
    monkeypatch.setenv("ROLLCALL_COLOUR", "red")
    monkeypatch.setenv("ROLLCALL_ATTENDANCE__COOLDOWN_S", "60")
    assert read_settings().attendance.cooldown_s == 60

    def with_certificate(settings: Settings) -> Settings:
        chosen = settings.tls.model_copy(update={"cert": Path("/nowhere"), "key": Path("/nowhere")})
        return settings.model_copy(update={"tls": chosen})

    with pytest.raises(Misconfigured, match="ROLLCALL_TLS__CERT"):
        read_settings(with_certificate)


def test_secrets_are_masked_from_then_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each that is set, those inside of URLs as they are and as they are written there, and those that are kept."""
    (tmp_path / ".rollcall").mkdir()
    (tmp_path / ".rollcall/secret.key").write_text(f"kept-{GOOD}\nolder-{GOOD}\n")
    secrets = {
        "SECURITY__PREVIOUS_SECRET_KEYS": f'["previous-{GOOD}"]',
        "STORAGE__SECRET_KEY": f"storage-{GOOD}",
        "DATABASE__URL": "postgresql+asyncpg://rollcall:data%2Fbase-word@db/rollcall",
        "BUS__URL": "redis://:redis-pass-word@redis",
        "WEBRTC__ICE_SERVERS": '[{"urls":["turn:a"],"username":"u","credential":"turn-pass-word"}]',
    }
    for name, value in secrets.items():
        monkeypatch.setenv(f"ROLLCALL_{name}", value)
    settings, found = examine()
    assert settings is not None
    assert [one.field for one in found] == []
    expected = {
        f"kept-{GOOD}", f"older-{GOOD}", f"previous-{GOOD}", f"storage-{GOOD}", "data/base-word", "data%2Fbase-word",
        "redis-pass-word", "turn-pass-word",
    }  # fmt: skip
    assert set(secrets_of(settings)) == expected
    for secret in expected:
        assert secret not in mask_text(f"they said {secret} to me")


def test_a_server_tells_all_of_it_at_its_start(rollcall: Run) -> None:
    """A line each on standard error, exit status 1, and nothing was begun."""
    result = rollcall(
        "serve", ROLLCALL_PRODUCTION="true", ROLLCALL_SECURITY__SECRET_KEY="hunter2-weak", ROLLCALL_COLOUR="red",
        ROLLCALL_LOG__LEVEL="loud", ROLLCALL_TLS__CERT="/nowhere/c.pem", ROLLCALL_TLS__KEY="/nowhere/k.pem",
    )  # fmt: skip
    assert result.returncode == 1
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 4
    assert all(line.startswith("rollcall: ROLLCALL_") for line in lines)
    assert "hunter2" not in result.stderr
    assert "Traceback" not in result.stderr
