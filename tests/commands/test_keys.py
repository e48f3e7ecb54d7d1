"""`rollcall keys` lists keys by their ids and makes new ones; no secret is ever printed."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from server.access.camera_addresses import CameraAddresses
from server.access.codes import Codes
from server.access.keyring import Keyring, key_id
from server.access.secrets import load_secrets
from server.access.template_seals import TemplateSeals
from server.access.webhook_seals import WebhookSeals
from server.commands.keys import app
from server.ids import new_id
from server.opening import open_store, prepare
from server.settings import Settings
from server.store import sealed
from server.store.tables import Camera, Person, Photo, Template, Webhook
from server.store.webhooks import Target
from tests.commands.conftest import Run

SECRET = "q7Zp2-Kx9v_Lm4RtY8wB3nDf6HsJ0cGe"
OLDER = SECRET[::-1]
ADDRESS = "rtsp://user:s3cret-word@192.0.2.7/live"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and no other setting."""
    monkeypatch.setenv("ROLLCALL_DATA_DIR", str(tmp_path / "state"))
    for name in ("SECRET_KEY", "PREVIOUS_SECRET_KEYS"):
        monkeypatch.delenv(f"ROLLCALL_SECURITY__{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def _keys(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_rotated_and_listed(state: Path) -> None:
    """A new key signs, and those before it verify."""
    assert "first start" in _keys("list")
    said = [_keys("rotate") for _ in range(3)]
    secrets = load_secrets(state)
    newest, *older = [key_id(secret) for secret in secrets]
    assert len(older) == 2
    assert _keys("list").splitlines() == [f"{newest}  signs", *(f"{kid}  verifies" for kid in older)]
    assert _keys("list") in said[-1]
    assert "Restart" in said[-1]
    assert not any(secret in text for secret in secrets for text in said)
    assert state.stat().st_mode & 0o077 == 0


def test_the_oldest_go(state: Path) -> None:
    """As many are kept as was asked for, and never none."""
    for _ in range(3):
        _keys("rotate")
    before = load_secrets(state)
    _keys("rotate", "--keep", "2")
    assert load_secrets(state)[1:] == before[:1]
    assert CliRunner().invoke(app, ["rotate", "--keep", "0"]).exit_code == 2
    assert len(load_secrets(state)) == 2


def test_configured_keys_are_listed(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the previous ones, each once."""
    monkeypatch.setenv("ROLLCALL_SECURITY__SECRET_KEY", SECRET)
    monkeypatch.setenv("ROLLCALL_SECURITY__PREVIOUS_SECRET_KEYS", f'["{OLDER}", "{SECRET}"]')
    assert _keys("list").splitlines() == [f"{key_id(SECRET)}  signs", f"{key_id(OLDER)}  verifies"]


def test_a_configured_key_is_changed_where_it_is_set(rollcall: Run, tmp_path: Path) -> None:
    """The refusal is one line, and says how."""
    refused = rollcall("keys", "rotate", ROLLCALL_SECURITY__SECRET_KEY=SECRET)
    assert refused.returncode == 1
    assert refused.stderr.startswith("rollcall: ")
    assert len(refused.stderr.strip().splitlines()) == 1
    for setting in ("ROLLCALL_SECURITY__SECRET_KEY", "ROLLCALL_SECURITY__PREVIOUS_SECRET_KEYS"):
        assert setting in refused.stderr
    assert SECRET not in refused.stdout + refused.stderr
    assert not (tmp_path / "state" / "secret.key").exists()


def test_templates_are_sealed_anew(state: Path) -> None:
    """With the newest key; what no key opens is told, and stays."""
    _keys("rotate")
    [oldest] = load_secrets(state)
    asyncio.run(_enrol(oldest))
    _keys("rotate")
    assert _keys("reseal") == "1 faces were sealed anew.\n"
    assert _keys("reseal") == "0 faces were sealed anew.\n"
    assert asyncio.run(_keys_of_templates()) == {key_id(load_secrets(state)[0]): 1}
    (state / "secret.key").write_text("")
    _keys("rotate")
    result = CliRunner().invoke(app, ["reseal"])
    assert (result.exit_code, str(result.exception)) == (1, "1 faces are sealed with a key that is not here.")


def test_webhooks_are_sealed_anew(state: Path) -> None:
    """A key that one needs is not dropped before that; and what no key opens is told."""
    _keys("rotate")
    [oldest] = load_secrets(state)
    asyncio.run(_add_webhook(oldest))
    result = CliRunner().invoke(app, ["rotate", "--keep", "1"])
    assert str(result.exception).startswith("0 faces and 1 webhooks are sealed with a key that would go.")
    _keys("rotate")
    assert _keys("reseal") == "0 faces and 1 webhooks were sealed anew.\n"
    _keys("rotate", "--keep", "2")
    assert oldest not in load_secrets(state)
    (state / "secret.key").write_text("")
    _keys("rotate")
    lost = CliRunner().invoke(app, ["reseal"])
    assert str(lost.exception) == "0 faces and 1 webhooks are sealed with a key that is not here."


def test_addresses_and_second_factors_are_sealed_anew(state: Path) -> None:
    """They do not say with which key: a key that opens one is not dropped before that; and what none opens is told."""
    _keys("rotate")
    [oldest] = load_secrets(state)
    asyncio.run(_add_camera(oldest))
    result = CliRunner().invoke(app, ["rotate", "--keep", "1"])
    assert str(result.exception).startswith("0 faces and 1 addresses and second factors are sealed with a key that")
    _keys("rotate")
    assert _keys("reseal") == "0 faces and 1 addresses and second factors were sealed anew.\n"
    _keys("rotate", "--keep", "2")
    assert oldest not in load_secrets(state)
    assert asyncio.run(_address(load_secrets(state))) == ADDRESS
    (state / "secret.key").write_text("")
    _keys("rotate")
    lost = CliRunner().invoke(app, ["reseal"])
    assert str(lost.exception) == "0 faces and 1 addresses and second factors are sealed with a key that is not here."


async def _add_camera(secret: str) -> None:
    settings = Settings()
    await prepare(settings)
    row = Camera(name="x", source="", kind="rtsp", role="in")
    CameraAddresses(Keyring((secret,))).put(row, ADDRESS)
    async with open_store(settings) as store, store.transaction() as session:
        session.add(row)


async def _address(secrets: tuple[str, ...]) -> str:
    async with open_store(Settings()) as store, store.read() as session:
        [camera] = (await session.exec(select(Camera))).all()
    return CameraAddresses(Keyring(secrets)).of(camera)


async def _add_webhook(secret: str) -> None:
    settings = Settings()
    await prepare(settings)
    row = Webhook(name="x", kind="standard", url="u", types=[])
    WebhookSeals(Keyring((secret,))).put(row, Target("https://receiver.example/"))
    async with open_store(settings) as store, store.transaction() as session:
        session.add(row)


def test_a_key_that_templates_need_is_not_dropped(state: Path) -> None:
    """Refused before anything is written, with the way out; which then works."""
    _keys("rotate")
    [oldest] = load_secrets(state)
    asyncio.run(_enrol(oldest))
    result = CliRunner().invoke(app, ["rotate", "--keep", "1"])
    assert result.exit_code == 1
    assert str(result.exception).startswith("1 faces are sealed with a key that would go. Run `rollcall keys reseal`")
    assert load_secrets(state) == (oldest,)
    _keys("rotate", "--keep", "2")
    _keys("reseal")
    _keys("rotate", "--keep", "2")
    assert oldest not in load_secrets(state)


def test_a_key_that_codes_go_by_is_not_dropped(state: Path) -> None:
    """They cannot be sealed anew, for nobody knows them: each goes over to the newest key by its use."""
    _keys("rotate")
    [oldest] = load_secrets(state)
    asyncio.run(_check_in(oldest, sets=True))
    _keys("rotate")
    assert "1 PINs and badges still go by an older key" in _keys("reseal")
    result = CliRunner().invoke(app, ["rotate", "--keep", "1"])
    assert result.exit_code == 1
    assert str(result.exception).startswith("1 PINs and badges go by a key that would go. Each goes over")
    asyncio.run(_check_in(*load_secrets(state)))
    assert _keys("reseal") == "0 faces were sealed anew.\n"
    _keys("rotate", "--keep", "2")
    assert oldest not in load_secrets(state)


async def _check_in(*secrets: str, sets: bool = False) -> None:
    """Somebody sets a PIN, or uses it."""
    settings, codes = Settings(), Codes(Keyring(secrets))
    await prepare(settings)
    async with open_store(settings) as store, store.transaction() as session:
        if sets:
            person = Person(full_name="Ada")
            session.add(person)
            await session.flush()
            await codes.set_pin(session, person, "482913", 1)
        row = await codes.find(session, "pin", "482913")
        assert row is not None
        await codes.note_use(session, row, "pin", "482913", datetime(2026, 1, 5, tzinfo=UTC))


async def _enrol(secret: str) -> None:
    settings = Settings()
    await prepare(settings)
    person = Person(full_name="Ada")
    photo = Photo(person_id=person.id, object_key="a", portrait_key="b", width=1, height=1, box=[], quality={})
    kept = TemplateSeals(Keyring((secret,))).seal(new_id(), person.id, b"12345678")
    template = Template(
        id=kept.template_id, person_id=person.id, photo_id=photo.id, pack="p", pack_sha256="", dimension=2,
        key_id=kept.key_id, embedding=kept.embedding,
    )  # fmt: skip
    async with open_store(settings) as store:
        for row in (person, photo, template):
            async with store.transaction() as session:
                session.add(row)


async def _keys_of_templates() -> dict[str | None, int]:
    async with open_store(Settings()) as store, store.read() as session:
        return dict(await sealed.count_by_key(session))
