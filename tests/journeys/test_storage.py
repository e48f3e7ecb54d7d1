"""Pictures in a bucket: what a server stores there it gives back, and no file of it lies in the data folder."""

from pathlib import Path

import httpx
import pytest

from tests.journeys.server import RollcallServer
from tests.s3_server import ACCESS_KEY, SECRET_KEY, S3Server
from tests.s3_server import s3_server as s3_server
from tests.sources import DemoSources

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]


def test_photos_live_in_the_bucket(tmp_path: Path, s3_server: S3Server, demo: DemoSources) -> None:
    """Enrolled, read back, private, and gone with the person; the keys to the bucket are in no line of the log."""
    bucket = s3_server.make_bucket()
    with RollcallServer(tmp_path, settings=s3_server.settings(bucket)) as server, server.login() as api:
        person = api.enrol("Eileen Collins", demo.collins)
        names = s3_server.names(bucket)
        assert len(names) == 2
        assert {name.split("/")[0] for name in names} == {"people"}
        [photo] = api.get(f"people/{person}/photos")
        assert api.picture(photo["url"])[:2] == b"\xff\xd8"
        assert api.picture(api.get(f"people/{person}")["photoUrl"])[:2] == b"\xff\xd8"
        assert httpx.get(f"{s3_server.endpoint}/{bucket}/{names[0]}").status_code == 403
        assert httpx.get(f"{server.url}/api/v1/objects/{names[0]}").status_code == 403
        api.call("DELETE", f"people/{person}", 204)
        assert s3_server.names(bucket) == []
    assert list(tmp_path.rglob("*.jpg")) == []
    log = server.log.read_text()
    assert SECRET_KEY not in log
    assert ACCESS_KEY not in log
