"""server/media/allowed.py: an address is checked before each opening, and after each redirect."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from server.address import AddressRules
from server.errors import Invalid, SourceFailed
from server.media.allowed import checked, moved
from server.media.source import SourceSpec
from tests.media.films import write_film
from tests.media.http_server import HttpCamera

HERE = AddressRules(allowed_networks=(ip_network("127.0.0.1/32"),))


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[HttpCamera]:
    write_film(tmp_path / "film.avi", codec="mjpeg")
    with HttpCamera(tmp_path, write_film(tmp_path / "film.mp4")) as running:
        yield running


def spec(url: str) -> SourceSpec:
    return SourceSpec("c1", "http", url, open_timeout_s=2.0)


async def test_a_file_is_opened_by_its_real_path(tmp_path: Path) -> None:
    """A link that points out of the folders is found out at each opening."""
    inside, outside = tmp_path / "films", tmp_path / "other.mp4"
    inside.mkdir()
    outside.touch()
    film, link = inside / "film.mp4", inside / "link.mp4"
    film.touch()
    link.symlink_to(film)
    rules = AddressRules(roots=(inside,))
    assert (await checked(SourceSpec("c1", "file", str(link)), rules)).url == str(film)
    link.unlink()
    link.symlink_to(outside)
    with pytest.raises(Invalid):
        await checked(SourceSpec("c1", "file", str(link)), rules)


async def test_names_and_networks() -> None:
    """A name that nobody knows is not found; a forbidden network is not asked."""
    with pytest.raises(SourceFailed) as failure:
        await checked(spec("http://camera.invalid/"), HERE)
    assert failure.value.code == "not_found"
    with pytest.raises(Invalid):
        await checked(spec("http://10.0.0.5/"), HERE)
    assert await checked(replace(spec("0"), kind="usb"), HERE) == replace(spec("0"), kind="usb")


async def test_a_chain_of_redirects(camera: HttpCamera) -> None:
    """Each step is taken, and the login goes along to the same host alone."""
    there = f"/away/127.0.0.1/{camera.port}/away/127.0.0.1/{camera.port}/mjpeg"
    found = await moved(spec(camera.url(there).replace("//", "//guard:hush@", 1)), HERE)
    assert found is not None
    assert found.url == camera.url("/mjpeg").replace("//", "//guard:hush@", 1)
    wide = AddressRules(allowed_networks=(ip_network("127.0.0.0/8"),))
    elsewhere = camera.url(f"/away/127.0.0.2/{camera.port}/mjpeg").replace("//", "//guard:hush@", 1)
    other = await moved(spec(elsewhere), wide)
    assert other is not None
    assert other.url == f"http://127.0.0.2:{camera.port}/mjpeg"


@pytest.mark.parametrize("host", ["127.0.0.2", "169.254.169.254", "10.0.0.5"])
async def test_a_redirect_to_what_is_not_allowed(camera: HttpCamera, host: str) -> None:
    """Refused as if it had been given in the first place, and not asked."""
    with pytest.raises(Invalid) as refused:
        await moved(spec(camera.url(f"/away/{host}/{camera.port}/mjpeg")), HERE)
    assert [detail.code for detail in refused.value.details] == ["not_allowed"]


@pytest.mark.parametrize("path", ["/mjpeg", "/nowhere", "/locked", "/text", "/silent"])
async def test_no_redirect(camera: HttpCamera, path: str) -> None:
    """What answers otherwise, or not at all, sends us nowhere."""
    assert await moved(replace(spec(camera.url(path)), open_timeout_s=0.5), HERE) is None


async def test_only_http_redirects(camera: HttpCamera) -> None:
    """Nobody else is asked; and who sends us round in a circle, or to a file, gets nowhere."""
    assert await moved(replace(spec("rtsp://10.0.0.5/"), kind="rtsp"), HERE) is None
    round_and_round = f"/away/127.0.0.1/{camera.port}" * 7
    assert await moved(spec(camera.url(f"{round_and_round}/mjpeg")), HERE) is None
