"""The second factor: set up in two steps, asked for at a login, each code good once."""

import asyncio

import pyotp
import pytest

from server.access.access import Access
from server.access.principal import Principal
from server.access.views import SignedIn
from server.clock import ManualClock
from server.errors import Conflict, Forbidden, Invalid, NotAuthenticated, NotFound, RollcallError, TooMany
from server.store import users
from server.store.engine import Store
from tests.access.conftest import SECRET
from tests.access.noted import noted

PASSWORD = "correct horse"
EMAIL = "admin@example.com"


@pytest.fixture
async def ada(access: Access) -> Principal:
    return await access.by_token((await access.login(EMAIL, PASSWORD)).access_token)


async def _enable(access: Access, clock: ManualClock, who: Principal) -> tuple[pyotp.TOTP, list[str]]:
    """Sets it up; the code that confirmed it is used up, so the clock goes on to the next."""
    app = pyotp.TOTP((await access.totp.begin(who, PASSWORD)).secret)
    codes = await access.totp.confirm(who, app.at(clock.now()))
    clock.advance(60)
    return app, codes


async def _login(access: Access, otp: str | None = None, password: str = PASSWORD) -> SignedIn:
    return await access.login(EMAIL, password, otp=otp)


async def _refusal(access: Access, otp: str | None = None, password: str = PASSWORD) -> str:
    with pytest.raises(RollcallError) as caught:
        await _login(access, otp, password)
    return caught.value.code


async def test_set_up(access: Access, store: Store, clock: ManualClock, ada: Principal) -> None:
    """The app gets a secret, which is stored encrypted; until it is confirmed nothing is asked for."""
    made = await access.totp.begin(ada, PASSWORD)
    assert made.uri.startswith("otpauth://totp/Rollcall:admin%40example.com?")
    assert f"secret={made.secret}" in made.uri
    assert made.svg.startswith("<svg xmlns=")  # stands alone as a picture too
    async with store.read() as session:
        user = (await users.get(session, ada.user_id)).user
    assert user.totp_secret is not None
    assert made.secret not in user.totp_secret
    assert (await _login(access)).user.totp_enabled is False
    codes = await access.totp.confirm(ada, pyotp.TOTP(made.secret).at(clock.now()))
    assert len(set(codes)) == 10
    async with store.read() as session:
        user = (await users.get(session, ada.user_id)).user
    assert not set(codes) & set(user.recovery_hashes)
    assert (await access.accounts.get(ada.user_id)).totp_enabled is True


async def test_another_secret_before_it_is_confirmed(access: Access, clock: ManualClock, ada: Principal) -> None:
    """Beginning again forgets the first secret; once confirmed, it cannot be begun or confirmed again."""
    first = pyotp.TOTP((await access.totp.begin(ada, PASSWORD)).secret)
    second = pyotp.TOTP((await access.totp.begin(ada, PASSWORD)).secret)
    with pytest.raises(Invalid) as wrong:
        await access.totp.confirm(ada, first.at(clock.now()))
    assert (wrong.value.details[0].field, wrong.value.details[0].code) == ("otp", "otp_wrong")
    await access.totp.confirm(ada, second.at(clock.now()))
    with pytest.raises(Conflict) as enabled:
        await access.totp.begin(ada, PASSWORD)
    assert enabled.value.code == "totp_enabled"
    with pytest.raises(Conflict) as nothing:
        await access.totp.confirm(ada, second.at(clock.now()))
    assert nothing.value.code == "totp_not_begun"


async def test_the_password_is_asked_for(access: Access, ada: Principal) -> None:
    """Whoever finds an open session cannot set up a factor of their own; guessing is slowed."""
    for _ in range(10):
        with pytest.raises(Invalid) as caught:
            await access.totp.begin(ada, "wrong horse")
        assert caught.value.details[0].field == "currentPassword"
    with pytest.raises(TooMany):
        await access.totp.begin(ada, PASSWORD)


async def test_login(access: Access, clock: ManualClock, ada: Principal) -> None:
    """The right password alone asks for the code, and a wrong one does not tell that there is a factor."""
    app, _ = await _enable(access, clock, ada)
    assert await _refusal(access) == "otp_required"
    assert await _refusal(access, "") == "otp_required"
    assert await _refusal(access, "000000") == "otp_wrong"
    assert await _refusal(access, password="wrong horse") == "wrong_credentials"
    assert await _refusal(access, app.at(clock.now()), "wrong horse") == "wrong_credentials"
    code = app.at(clock.now())
    assert (await _login(access, f" {code[:3]} {code[3:]} ")).user.email == EMAIL


async def test_a_code_is_good_once(access: Access, clock: ManualClock, ada: Principal) -> None:
    """Neither the code that let in nor an older one does again; the next one does. The one that confirmed counts."""
    app = pyotp.TOTP((await access.totp.begin(ada, PASSWORD)).secret)
    confirmed = app.at(clock.now())
    await access.totp.confirm(ada, confirmed)
    assert await _refusal(access, confirmed) == "otp_wrong"
    clock.advance(30)
    before, code = app.at(clock.now(), counter_offset=-1), app.at(clock.now())
    await _login(access, code)
    assert await _refusal(access, code) == "otp_wrong"
    assert await _refusal(access, before) == "otp_wrong"
    assert await _login(access, app.at(clock.now(), counter_offset=1))


async def test_clocks_differ_a_little(access: Access, clock: ManualClock, ada: Principal) -> None:
    """The code before and the one after are taken, and none further away."""
    app, _ = await _enable(access, clock, ada)
    clock.advance(300)
    assert await _refusal(access, app.at(clock.now(), counter_offset=-2)) == "otp_wrong"
    assert await _refusal(access, app.at(clock.now(), counter_offset=2)) == "otp_wrong"
    assert await _login(access, app.at(clock.now(), counter_offset=-1))
    assert await _login(access, app.at(clock.now(), counter_offset=1))


async def test_two_at_once_use_one_code(access: Access, clock: ManualClock, ada: Principal) -> None:
    """Of two logins with the same code, or the same recovery code, one gets in."""
    app, codes = await _enable(access, clock, ada)
    for otp in (app.at(clock.now()), codes[0]):
        outcomes = await asyncio.gather(*[_login(access, otp) for _ in range(2)], return_exceptions=True)
        assert sum(isinstance(outcome, SignedIn) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, NotAuthenticated) for outcome in outcomes) == 1


async def test_recovery_codes(access: Access, clock: ManualClock, ada: Principal) -> None:
    """Each is good once in place of a code, in capitals and without dashes too; somebody else's is not."""
    _, codes = await _enable(access, clock, ada)
    assert await _login(access, codes[0])
    assert await _refusal(access, codes[0]) == "otp_wrong"
    assert await _login(access, codes[1].upper().replace("-", " "))
    before = (await access.accounts.get(ada.user_id)).updated_at
    assert await _login(access, codes[2])
    assert (await access.accounts.get(ada.user_id)).updated_at == before, "a login is not an edit"


async def test_guessing_codes_is_slowed(access: Access, clock: ManualClock, ada: Principal) -> None:
    """Five wrong codes close the second step for a quarter of an hour; asking for the code does not count."""
    app, _ = await _enable(access, clock, ada)
    for _ in range(20):
        assert await _refusal(access) == "otp_required"
    for _ in range(5):
        assert await _refusal(access, "000000") == "otp_wrong"
    assert await _refusal(access, app.at(clock.now())) == "too_many_requests"
    clock.advance(900)
    assert await _login(access, app.at(clock.now()))


async def test_removed_by_the_user(access: Access, clock: ManualClock, ada: Principal) -> None:
    """With the password and a code, or a recovery code; afterwards the password is enough."""
    app, codes = await _enable(access, clock, ada)
    with pytest.raises(Invalid) as password:
        await access.totp.remove(ada, "wrong horse", app.at(clock.now()))
    assert password.value.details[0].field == "currentPassword"
    with pytest.raises(Invalid) as code:
        await access.totp.remove(ada, PASSWORD, "000000")
    assert code.value.details[0].field == "otp"
    await access.totp.remove(ada, PASSWORD, codes[0])
    assert await _login(access)
    with pytest.raises(NotFound):
        await access.totp.remove(ada, PASSWORD, app.at(clock.now()))


async def test_removed_by_an_administrator(access: Access, clock: ManualClock, ada: Principal) -> None:
    """For somebody else who lost it, and who may not do more; one's own needs the password."""
    viewer = await access.accounts.create(email="v@example.com", full_name="V", role="Viewer", password=PASSWORD)
    them = await access.by_token((await access.login("v@example.com", PASSWORD)).access_token)
    await _enable(access, clock, them)
    await access.totp.remove_of(viewer.id, ada)
    assert await access.login("v@example.com", PASSWORD)
    with pytest.raises(NotFound):
        await access.totp.remove_of(viewer.id, ada)
    with pytest.raises(NotFound):
        await access.totp.remove_of("nobody", ada)
    with pytest.raises(Conflict):
        await access.totp.remove_of(ada.user_id, ada)
    await _enable(access, clock, ada)
    with pytest.raises(Forbidden):
        await access.totp.remove_of(ada.user_id, them)


async def test_a_rotated_secret(access: Access, store: Store, clock: ManualClock, ada: Principal) -> None:
    """After a change of the server's secret the old one still decrypts; without it only recovery codes are left."""
    app, codes = await _enable(access, clock, ada)
    rotated = Access(store, SECRET[::-1], clock, bcrypt_rounds=4, previous_secrets=[SECRET])
    assert await _login(rotated, app.at(clock.now()))
    clock.advance(60)
    lost = Access(store, SECRET[::-1], clock, bcrypt_rounds=4)
    assert await _refusal(lost, app.at(clock.now())) == "otp_wrong"
    assert await _login(lost, codes[0])


async def test_audited(access: Access, clock: ManualClock, ada: Principal) -> None:
    """Every step is noted, and neither the secret nor a code is."""
    app, codes = await _enable(access, clock, ada)
    await access.totp.remove(ada, PASSWORD, app.at(clock.now()))
    rows = [row for row in await noted(access) if row.action.startswith("user.totp")]
    assert [row.action for row in rows] == ["user.totp_begun", "user.totp_enabled", "user.totp_removed"]
    assert {row.resource_id for row in rows} == {ada.user_id}
    assert not any(secret in repr(rows) for secret in (app.secret, *codes))
