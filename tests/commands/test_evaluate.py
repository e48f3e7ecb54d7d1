"""`rollcall models eval` measures the chosen packs on a folder of photos."""

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.commands.evaluate import examine
from server.commands.models import app
from server.commands.people import app as enrolling
from server.errors import Invalid
from server.identity.pictures import decode, encode_jpeg
from server.settings import Settings

SHARED = Path(__file__).parents[2].parent / "shared/data/people10"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ROLLCALL_INFERENCE__THREADS", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def people(two_people: dict[str, bytes], tmp_path: Path) -> Path:
    """Each person twice: the same photo, so that its pair is as alike as can be."""
    for name, photo in two_people.items():
        folder = tmp_path / "people" / name
        folder.mkdir(parents=True)
        for number in (1, 2):
            (folder / f"{name}_{number:04d}.jpg").write_bytes(photo)
    return tmp_path / "people"


def test_for_people_and_for_programs(people: Path, two_people: dict[str, bytes]) -> None:
    """All figures are there; what so few photos cannot tell is null."""
    result = CliRunner().invoke(app, ["eval", str(people), "--photos", "1", "--json"])
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)
    assert (found["people"], found["photos"]) == (len(two_people), 2 * len(two_people))
    assert found["failureToEnrol"] == 0
    assert set(found["tar"]) == {"1e-2", "1e-3", "1e-4"}
    assert found["tar"]["1e-4"] is None
    (size,) = found["fpir"]
    assert (found["fpir"][size], found["fnir"][size]) == (0, 0)
    assert found["msPerFace"] > 0
    shown = CliRunner().invoke(app, ["eval", str(people), "--photos", "1"]).stdout
    assert "too few pairs" in shown
    assert "FPIR 0.00%, FNIR 0.00%" in shown


def test_listed_pairs_and_curves(people: Path, two_people: dict[str, bytes], tmp_path: Path) -> None:
    """Only what the list says is compared."""
    pytest.importorskip("matplotlib")
    one, two = sorted(two_people)[:2]
    pairs = tmp_path / "pairs.txt"
    pairs.write_text(f"2 1\n{one} 1 2\n{one} 1 {two} 1\n{two} 1 2\n{one} 2 {two} 2\n")
    plots = tmp_path / "plots"
    result = CliRunner().invoke(app, ["eval", str(people), "--pairs", str(pairs), "--json", "--plots", str(plots)])
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)
    assert found["pairs"] == {"same": 2, "different": 2}
    assert found["accuracy"] == 1
    assert sorted(path.name for path in plots.iterdir()) == ["det.png", "roc.png"]


def test_one_person_alone_cannot_be_told_from_anybody(
    people: Path, two_people: dict[str, bytes], tmp_path: Path
) -> None:
    """That is said, not computed."""
    for name in sorted(two_people)[1:]:
        (people / name).rename(tmp_path / name)
    with pytest.raises(Invalid, match="nothing to compare"):
        examine(Settings(), people)


def test_on_what_is_enrolled_here(people: Path, two_people: dict[str, bytes], tmp_path: Path) -> None:
    """The stored photos of whoever is enrolled; the outcome is kept for the page. A folder beside it is refused."""
    empty = CliRunner().invoke(app, ["eval", "--site"])
    assert isinstance(empty.exception, Invalid)
    assert "Nobody is enrolled" in empty.exception.message
    for second in people.rglob("*_0002.jpg"):  # the same file twice would be one photo
        second.write_bytes(encode_jpeg(decode(second.read_bytes())))
    assert CliRunner().invoke(enrolling, ["import", str(people)]).exit_code == 0
    result = CliRunner().invoke(app, ["eval", "--site", "--photos", "1", "--json"])
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)
    assert (found["people"], found["photos"]) == (len(two_people), 2 * len(two_people))
    with closing(sqlite3.connect(tmp_path / "data" / "rollcall.db")) as database:
        [[kept]] = database.execute("SELECT value FROM settings WHERE key = 'evaluation'").fetchall()
    assert json.loads(kept)["pairs"] == found["pairs"]
    assert json.loads(kept)["det"]
    assert isinstance(CliRunner().invoke(app, ["eval", str(people), "--site"]).exception, Invalid)


def test_ten_people_as_the_model_card_says() -> None:
    """Ten people with ten photos each: nobody is taken for somebody else, hardly anybody is missed."""
    if not SHARED.is_dir():
        pytest.skip("the shared photos are not here")
    found = examine(Settings(), SHARED)
    assert found.measured.failure_to_enrol == 0
    assert found.accuracy is not None
    assert found.accuracy.mean > 0.99
    tar = found.tar[1e-3][0]
    assert tar is not None
    assert tar > 0.97
    (identified,) = found.identification
    assert identified.fpir == 0
    assert identified.fnir < 0.02


def test_a_liveness_pack_is_judged(two_people: dict[str, bytes], tmp_path: Path) -> None:
    """The same two portraits as real faces and as prints: rates of both, or what is missing."""
    network = SHARED.parents[1] / "models/antispoof_print_replay_1.5_128.onnx"
    if not network.is_file():
        pytest.skip("the shared liveness network is not here")
    folder = tmp_path / "data/models/antispoof"
    folder.mkdir(parents=True)
    shutil.copy(network, folder / "antispoof.onnx")
    (folder / "model.toml").write_text(ANTISPOOF.format(sha256=hashlib.sha256(network.read_bytes()).hexdigest()))
    for kind in ("live", "print"):
        (tmp_path / "pad" / kind).mkdir(parents=True)
        for name, photo in two_people.items():
            (tmp_path / "pad" / kind / f"{name}.jpg").write_bytes(photo)
    command = ["eval", "--pad", str(tmp_path / "pad")]
    result = CliRunner().invoke(app, [*command, "--liveness", "antispoof", "--json"])
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)
    assert found["judged"] == {"live": 2, "print": 2}
    # The same pictures are in both folders: whatever passes as live is no print, and the other way round.
    assert found["apcer"]["print"] + found["bpcer"] == 1
    assert found["acer"] == 0.5
    assert "APCER" in CliRunner().invoke(app, [*command, "--liveness", "antispoof"]).stdout
    missing = CliRunner().invoke(app, command).exception
    assert isinstance(missing, Invalid)
    assert "--liveness" in missing.message


ANTISPOOF = """
name = "antispoof"
version = "1"
title = "Print and replay"
task = "liveness"
licence = "not stated"
[result]
file = "antispoof.onnx"
sha256 = "{sha256}"
[input]
colour = "rgb"
size = 128
scale = 0.00392156862745098
[liveness]
crop = 1.5
classes = ["live", "print", "replay"]
live = "live"
threshold = 0.5
"""
