"""Everything of this room, opened as a server does."""

from pathlib import Path

from server.outbound.messages import TEST
from server.outbound.webhooks import Wanted
from tests.opened import parts_in
from tests.outbound.conftest import running, until_that
from tests.outbound.receiver import open_receiver


async def test_a_server_delivers(tmp_path: Path) -> None:
    """With the parts of one that runs: the wake-up alone is enough, and tries are counted."""
    async with (
        open_receiver() as receiver,
        parts_in(tmp_path, users=False, outbound={"allowed_networks": ["127.0.0.0/8"]}) as parts,
    ):
        wanted = Wanted("x", "standard", receiver.url, ("alert.raised",), None, None, True, {})
        ours = parts.outbound.webhooks
        assert parts.outbound.works
        async with running(parts.outbound.deliverer):
            epoch = await ours.epoch()
            async with parts.store.transaction() as session:
                row, _ = await ours.create(session, wanted, epoch)
                await ours.test(session, row)
            await receiver.until(1)
            await until_that(lambda: b'rollcall_webhook_tries_total{outcome="delivered"} 1.0' in parts.metrics.render())
    assert receiver.got[0].event["type"] == TEST


async def test_who_leaves_jobs_to_others_leaves_this_too(tmp_path: Path) -> None:
    """A server without embedded jobs."""
    async with parts_in(tmp_path, users=False, jobs={"embedded": False}) as parts:
        assert not parts.outbound.works
