"""The settings tree: defaults, nesting, mistakes by name, and the example file that is made from it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from server.settings import Settings, example, unknown_names

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_nothing_set_is_one_process_on_sqlite() -> None:
    """Without any setting the database and the objects lie in the data folder."""
    settings = Settings(data_dir=Path("/srv/rollcall"))
    assert settings.database_url == "sqlite+aiosqlite:////srv/rollcall/rollcall.db"
    assert settings.storage_url == "file:///srv/rollcall/objects"
    assert settings.attendance.cooldown_s == 300
    assert not settings.production


def test_environment_reaches_nested_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two underscores go one level down; lists are JSON; one value leaves its neighbours at their defaults."""
    monkeypatch.setenv("ROLLCALL_ATTENDANCE__COOLDOWN_S", "60")
    monkeypatch.setenv("ROLLCALL_MEDIA__ROOTS", '["/videos"]')
    monkeypatch.setenv("ROLLCALL_MEDIA__ALLOWED_NETWORKS", '["127.0.0.0/8"]')
    settings = Settings()
    assert settings.attendance.cooldown_s == 60
    assert settings.attendance.timezone == "UTC"
    assert settings.media.roots == (Path("/videos"),)
    assert [str(network) for network in settings.media.allowed_networks] == ["127.0.0.0/8"]


def test_env_file_is_read(tmp_path: Path) -> None:
    """`.env` in the folder where the server starts counts."""
    (tmp_path / ".env").write_text("ROLLCALL_HTTP__MAX_BODY_MB=3\n")
    assert Settings().http.max_body_mb == 3


def test_every_mistake_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong values give two complaints with their places."""
    monkeypatch.setenv("ROLLCALL_ATTENDANCE__COOLDOWN_S", "-1")
    monkeypatch.setenv("ROLLCALL_ATTENDANCE__TIMEZONE", "Mars/Olympus")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert {error["loc"] for error in caught.value.errors()} == {
        ("attendance", "cooldown_s"),
        ("attendance", "timezone"),
    }


def test_what_is_no_json_is_a_mistake_among_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that is none, a section that is none: named with the rest, from the environment and from `.env`."""
    Path(".env").write_text("ROLLCALL_HTTP__CORS_ORIGINS=https://example.com\n")
    monkeypatch.setenv("ROLLCALL_MEDIA__ROOTS", "/videos")
    monkeypatch.setenv("ROLLCALL_LOG", "{json")
    monkeypatch.setenv("ROLLCALL_ATTENDANCE__COOLDOWN_S", "-1")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert {error["loc"] for error in caught.value.errors()} == {
        ("http", "cors_origins"), ("media", "roots"), ("log",), ("attendance", "cooldown_s"),
    }  # fmt: skip


def test_a_name_that_means_nothing_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a section as beside it; it is found in `.env` as in the environment."""
    Path(".env").write_text("ROLLCALL_HTTP__MAX_BODYMB=3\nPOSTGRES_PASSWORD=x\nROLLCALL_LOG__LEVEL=debug\n")
    monkeypatch.setenv("ROLLCALL_SECURITY__SECRT_KEY", "x")
    monkeypatch.setenv("ROLLCALL_COLOUR", "red")
    assert Settings().log.level == "debug"
    assert unknown_names() == ["ROLLCALL_COLOUR", "ROLLCALL_HTTP__MAX_BODYMB", "ROLLCALL_SECURITY__SECRT_KEY"]


def test_a_section_may_be_given_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON; a name below it counts more, and a field that it does not have is a mistake."""
    monkeypatch.setenv("ROLLCALL_LOG", '{"level": "debug", "format": "json"}')
    monkeypatch.setenv("ROLLCALL_LOG__LEVEL", "error")
    assert (Settings().log.level, Settings().log.format) == ("error", "json")
    monkeypatch.setenv("ROLLCALL_LOG", '{"colour": "red"}')
    with pytest.raises(ValidationError, match="colour"):
        Settings()


def test_settings_are_frozen() -> None:
    """A setting is a value: nobody changes it on the way."""
    with pytest.raises(ValidationError):
        Settings().attendance.cooldown_s = 5  # type: ignore[misc]


def test_unknown_names_are_found() -> None:
    """A typing error does not pass in silence."""
    names = {"ROLLCALL_DATA_DIR": "x", "ROLLCALL_ATTENDANCE__COOLDWN_S": "1", "PATH": "/bin"}
    assert unknown_names(names) == ["ROLLCALL_ATTENDANCE__COOLDWN_S"]


def test_example_file_is_made_from_the_classes() -> None:
    """`.env.example` in the repository is what the classes say."""
    assert (ROOT / ".env.example").read_text() == example()


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ({"urls": ["turn:host:port"], "username": "u", "credential": "c"}, "is like stun:"),
        ({"urls": ["stun:host?transport=udp"]}, "is like stun:"),
        ({"urls": ["http://host"]}, "is like stun:"),
        ({"urls": ["turn:host"]}, "needs username"),
        ({"urls": ["turn:host"], "username": "u"}, "belong together"),
        ({"urls": ["turn:host"], "username": "u", "credential": "geheim\u20ac"}, "printable ASCII"),
        ({"urls": []}, "at least 1"),
    ],
)
def test_ice_servers_that_cannot_work_are_refused_at_start(server: dict[str, object], said: str) -> None:
    """Rather than at the first viewer."""
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate({"webrtc": {"ice_servers": [server]}})


def test_ice_servers() -> None:
    """What there usually is."""
    whole = {"urls": ["turns:turn.example.com:5349?transport=tcp", "turn:10.0.0.1"], "username": "u", "credential": "c"}
    settings = Settings.model_validate({"webrtc": {"ice_servers": [{"urls": ["stun:stun.example.com:3478"]}, whole]}})
    assert [len(one.urls) for one in settings.webrtc.ice_servers] == [1, 2]
