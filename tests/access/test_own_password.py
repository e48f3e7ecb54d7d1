"""The current password, asked for once more."""

import pytest

from server.access.access import Access
from server.access.principal import Principal
from server.clock import ManualClock
from server.errors import Invalid, TooMany

PASSWORD = "correct horse"


@pytest.fixture
async def ada(access: Access) -> Principal:
    return await access.by_token((await access.login("admin@example.com", PASSWORD)).access_token)


async def test_guessing_at_an_open_session_is_slowed(access: Access, ada: Principal, clock: ManualClock) -> None:
    """Ten wrong ones close it for five minutes, whatever they are asked for: a new password or a second factor."""
    for number in range(5):
        wrong = f"wrong {number}"
        for attempt in (access.change_password(ada, wrong, "another long one"), access.totp.begin(ada, wrong)):
            with pytest.raises(Invalid) as caught:
                await attempt
            assert caught.value.details[0].code == "wrong_password"
    with pytest.raises(TooMany) as closed:
        await access.change_password(ada, PASSWORD, "another long one")
    assert closed.value.retry_after_s == 300
    clock.advance(300)
    await access.change_password(ada, PASSWORD, "another long one")


async def test_a_weak_new_password_is_no_guess(access: Access, ada: Principal) -> None:
    """Whoever looks for a password that is good enough is not held up."""
    for _ in range(15):
        with pytest.raises(Invalid) as caught:
            await access.change_password(ada, PASSWORD, "short")
        assert caught.value.details[0].field == "newPassword"
    await access.change_password(ada, PASSWORD, "another long one")


async def test_a_good_one_forgets_the_wrong_ones(access: Access, ada: Principal) -> None:
    """Somebody who mistypes now and then is never closed out."""
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(Invalid):
                await access.totp.begin(ada, "wrong horse")
        await access.totp.begin(ada, PASSWORD)
