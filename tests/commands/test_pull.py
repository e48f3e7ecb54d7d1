"""`rollcall models pull` takes a network whose licence was accepted, and refuses every other file."""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.assets import asset
from server.commands.models import app
from server.errors import PackRefused
from server.vision.packs import find_pack
from tests.commands.file_server import Served, serve

NETWORK = (asset("models") / "mobilefacenet/mobilefacenet.onnx").read_bytes()
HASH = hashlib.sha256(NETWORK).hexdigest()


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(NETWORK) as found:
        yield found


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROLLCALL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data/models"


def manifest(packs: Path, url: str, *, sha256: str | None = HASH, member: str = "", dimension: int = 192) -> Path:
    """A pack `mine` that says that MobileFaceNet is to be had there."""
    folder = packs / "mine"
    folder.mkdir(parents=True, exist_ok=True)
    text = (asset("models") / "mobilefacenet/model.toml").read_text()
    head, _, rest = text.partition("[source]")
    _, _, rest = rest.partition("[input]")
    result = '[result]\nfile = "mine.onnx"\ntolerance = 0.02\n' + (f'sha256 = "{sha256}"\n' if sha256 else "")
    source = f'[download]\nurl = "{url}"\n' + (f'member = "{member}"\n' if member else "")
    head = head.replace('name = "mobilefacenet"', 'name = "mine"').replace("default = true\n", "")
    rest = rest.replace("dimension = 192", f"dimension = {dimension}")
    (folder / "model.toml").write_text(f"{head}{source}{result}[input]{rest}")
    return folder


def pull(*options: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["pull", "mine", *options])
    said = result.exception.message if isinstance(result.exception, PackRefused) else ""
    return result.exit_code, result.stdout, said


def test_pull_verify_use(packs: Path, served: Served) -> None:
    """The licence is shown; afterwards the pack verifies, can be chosen, and says what choosing means."""
    folder = manifest(packs, served.url)
    code, shown, _ = pull("--accept-licence")
    assert code == 0
    assert "MIT" in shown
    assert served.url in shown
    assert (folder / "mine.onnx").read_bytes() == NETWORK
    assert not list(folder.glob("*.part"))
    verified = CliRunner().invoke(app, ["verify", "mine"])
    assert verified.exit_code == 0, verified.stderr
    used = CliRunner().invoke(app, ["use", "mine"])
    assert used.exit_code == 0, used.exception
    assert "mine is the embedder" in used.stdout
    assert "Templates of mobilefacenet" in used.stdout
    rows = CliRunner().invoke(app, ["list"]).stdout.splitlines()
    assert next(row for row in rows if row.startswith("mine ")).split()[-2:] == ["built", "used"]


def test_a_licence_that_is_not_accepted(packs: Path, served: Served) -> None:
    """Where nobody can be asked, nothing is fetched."""
    folder = manifest(packs, served.url)
    code, shown, said = pull()
    assert code == 1
    assert "MIT" in shown
    assert "--accept-licence" in said
    assert served.asked == []
    assert not (folder / "mine.onnx").exists()


def test_a_hash_that_nobody_has_stated_is_kept_at_the_first_pull(packs: Path, served: Served) -> None:
    """And another file is refused from then on; what was there goes on."""
    folder = manifest(packs, served.url, sha256=None)
    code, shown, _ = pull("--accept-licence")
    assert code == 0
    assert f"from now on it is {HASH}" in shown
    assert find_pack("mine", packs).sha256 == HASH
    served.content = NETWORK[:-1] + b"x"
    code, _, said = pull("--accept-licence")
    assert code == 1
    assert "is not the file of mine that is known" in said
    assert (folder / "mine.onnx").read_bytes() == NETWORK
    assert CliRunner().invoke(app, ["verify", "mine"]).exit_code == 0


@pytest.mark.parametrize(
    ("content", "dimension", "says"),
    [(NETWORK, 128, r"\(1, 192\)"), (b"letters", 192, "cannot be loaded")],
)
def test_a_network_that_is_not_what_its_manifest_says(
    packs: Path, served: Served, content: bytes, dimension: int, says: str
) -> None:
    """Another shape, or no network at all: nothing is put in place, and the choice stays."""
    folder = manifest(packs, served.url, sha256=None, dimension=dimension)
    served.content = content
    code, _, said = pull("--accept-licence")
    assert code == 1
    assert re.search(says, said)
    assert sorted(path.name for path in folder.iterdir()) == ["model.toml"]
    assert CliRunner().invoke(app, ["use", "mine"]).exit_code == 1
    assert not (packs / "chosen.toml").exists()


def test_one_member_of_an_archive(packs: Path, served: Served) -> None:
    """By its exact name, and nothing else of the archive is written."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inside/net.onnx", NETWORK)
        archive.writestr("../other.onnx", b"other")
    served.content = packed.getvalue()
    folder = manifest(packs, served.url, sha256=None, member="inside/net.onnx")
    assert pull("--accept-licence")[0] == 0
    assert sorted(path.name for path in folder.iterdir()) == ["mine.onnx", "model.toml", "pulled.toml", "reference.npz"]
    manifest(packs, served.url, sha256=None, member="inside/another.onnx")
    assert "does not contain inside/another.onnx" in pull("--accept-licence")[2]


def test_what_is_built_is_not_pulled(packs: Path) -> None:
    """The answer says what to do instead; research packs say what they are for."""
    result = CliRunner().invoke(app, ["pull", "dlib-resnet", "--accept-licence"])
    assert isinstance(result.exception, PackRefused)
    assert "rollcall models build dlib-resnet" in result.exception.message
    assert "research only" in CliRunner().invoke(app, ["pull", "buffalo-l-embedder"]).stdout
