"""Every storage, for the tests that all of them have to pass."""

from pathlib import Path

import pytest

from server.objects.folder import FolderObjects
from server.objects.objects import Objects
from tests.s3_server import S3Server
from tests.s3_server import s3_server as s3_server


@pytest.fixture(params=["folder", "s3", "s3 with a prefix"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return FolderObjects(tmp_path / "objects")
    server: S3Server = request.getfixturevalue("s3_server")
    return server.objects(server.make_bucket(), "site-1/rollcall" if "prefix" in request.param else "")
