"""From the setting to the storage, or a mistake that is named without being quoted."""

from pathlib import Path

import pytest

from server.errors import Invalid
from server.objects.folder import FolderObjects
from server.objects.open import open_objects
from server.objects.s3 import S3Objects
from tests.s3_server import ACCESS_KEY, SECRET_KEY, S3Server


async def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    """Also one with a space in its name."""
    objects = open_objects(f"file://{tmp_path}/my%20objects")
    assert isinstance(objects, FolderObjects)
    await objects.put("x/y.jpg", b"1")
    assert (tmp_path / "my objects/x/y.jpg").read_bytes() == b"1"


@pytest.mark.parametrize(("tail", "kept_as"), [("", ""), ("/", ""), ("/site-1/faces", "site-1/faces/"), ("/A/", "A/")])
async def test_an_s3_url_is_a_bucket_with_a_prefix(s3_server: S3Server, tail: str, kept_as: str) -> None:
    """With the endpoint and the keys beside it."""
    bucket = s3_server.make_bucket()
    objects = open_objects(
        f"s3://{bucket}{tail}", endpoint=s3_server.endpoint + "/", access_key=ACCESS_KEY, secret_key=SECRET_KEY
    )
    assert isinstance(objects, S3Objects)
    await objects.put("x/y.jpg", b"1")
    assert s3_server.names(bucket) == [f"{kept_as}x/y.jpg"]


def test_unknown_storage_is_refused_by_name() -> None:
    """A scheme that is not there is an error of the setting."""
    with pytest.raises(Invalid, match="ftp"):
        open_objects("ftp://host/x")


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///x",
        "s3://UPPER",
        "s3://bucket/../other",
        "s3://bucket//x",
        "s3://bucket/x?versionId=1",
        "s3://bucket:9000/x",
        f"s3://{ACCESS_KEY}:{SECRET_KEY}@bucket",
    ],
)
def test_a_wrong_bucket_is_refused_and_not_quoted(url: str) -> None:
    """People write keys into URLs; the message goes to a log."""
    with pytest.raises(Invalid) as wrong:
        open_objects(url)
    assert [detail.field for detail in wrong.value.details] == ["storage.url"]
    assert SECRET_KEY not in str(wrong.value)


@pytest.mark.parametrize(
    "endpoint", ["minio:9000", "http://key:secret@minio", "ftp://minio", "http://minio/?x", "http:// minio"]
)
def test_a_wrong_endpoint_is_refused(endpoint: str) -> None:
    """Without logins, queries and blanks."""
    with pytest.raises(Invalid) as wrong:
        open_objects("s3://rollcall", endpoint=endpoint)
    assert [detail.field for detail in wrong.value.details] == ["storage.endpoint"]


@pytest.mark.parametrize(("access_key", "secret_key"), [(ACCESS_KEY, ""), ("", SECRET_KEY)])
def test_half_a_login_is_refused(access_key: str, secret_key: str) -> None:
    """It would be the environment's keys instead, in silence."""
    with pytest.raises(Invalid) as wrong:
        open_objects("s3://rollcall", access_key=access_key, secret_key=secret_key)
    assert [detail.field for detail in wrong.value.details] == ["storage.secret_key"]
    assert SECRET_KEY not in str(wrong.value)
