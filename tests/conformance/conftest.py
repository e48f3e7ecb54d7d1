"""Against the server at ROLLCALL_CONFORMANCE_URL, with the account in …_EMAIL and …_PASSWORD, or one of our own."""

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conformance.site import EMAIL, PASSWORD, URL, Site


@pytest.fixture(scope="session")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if url := os.environ.get(URL):
        site = Site.signed_in(url.rstrip("/"), os.environ[EMAIL], os.environ[PASSWORD])
        with closing(site.http):
            yield site
        return
    from tests.journeys import server

    private = {
        "ROLLCALL_MEDIA__ALLOWED_NETWORKS": '["10.0.0.0/8"]',  # as a server has it by default
        # Sooner than by default, for the test of who does not answer.
        "ROLLCALL_REALTIME__PING_EVERY_S": "2",
        "ROLLCALL_REALTIME__PING_TIMEOUT_S": "6",
    }
    with server.RollcallServer(tmp_path_factory.mktemp("conformance"), settings=private) as running:
        site = Site.signed_in(running.url, server.ADMIN, server.PASSWORD)
        with closing(site.http):
            yield site


@pytest.fixture
def site(signed_in: Site) -> Iterator[Site]:
    signed_in.settle()
    yield signed_in
    signed_in.tidy()
