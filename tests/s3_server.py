"""A server that speaks S3's protocol, for tests: moto's, on a port of this machine."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from server.clock import Clock, SystemClock
from server.ids import new_id
from server.objects.s3 import S3Objects, S3Place

ACCESS_KEY = "AKIAROLLCALLTESTKEYS"
SECRET_KEY = "a-secret-key-that-nobody-may-see"


@dataclass(frozen=True, slots=True)
class S3Server:
    """Its address, and what tests do to it from behind."""

    endpoint: str

    def make_bucket(self) -> str:
        """A new one, empty."""
        bucket = f"test-{new_id()}"
        httpx.put(f"{self.endpoint}/{bucket}").raise_for_status()
        return bucket

    def settings(self, bucket: str) -> dict[str, str]:
        """What the environment of a server would have."""
        return {
            "ROLLCALL_STORAGE__URL": f"s3://{bucket}",
            "ROLLCALL_STORAGE__ENDPOINT": self.endpoint,
            "ROLLCALL_STORAGE__ACCESS_KEY": ACCESS_KEY,
            "ROLLCALL_STORAGE__SECRET_KEY": SECRET_KEY,
        }

    def objects(self, bucket: str, prefix: str = "", clock: Clock | None = None) -> S3Objects:
        place = S3Place(bucket, prefix, self.endpoint, "us-east-1", ACCESS_KEY, SECRET_KEY)
        return S3Objects(place, clock or SystemClock())

    def names(self, bucket: str) -> list[str]:
        """What lies in the bucket, in full."""
        listing = httpx.get(f"{self.endpoint}/{bucket}?list-type=2").raise_for_status().text
        return [part.split("</Key>")[0] for part in listing.split("<Key>")[1:]]

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Meanwhile it knows no keys."""
        httpx.post(f"{self.endpoint}/moto-api/reset-auth", content="0").raise_for_status()
        try:
            yield
        finally:
            httpx.post(f"{self.endpoint}/moto-api/reset-auth", content="Infinity").raise_for_status()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """Running for the whole session; each test takes a bucket of its own."""
    from moto.server import ThreadedMotoServer  # takes a while, so only where it is wanted

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()
