"""Manifests are read strictly; a network that is not the named one is refused."""

import shutil
from pathlib import Path

import pytest

from server.errors import PackRefused
from server.vision.packs import default_pack, find_pack, find_packs, load_pack, read_manifest


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    """A copy of CenterFace's pack."""
    copy = tmp_path / "packs" / "centerface"
    shutil.copytree(models / "centerface", copy)
    return copy


def test_the_packs_that_come_with_the_program(models: Path) -> None:
    """Two defaults that allow commercial use, others built or pulled; each says what it was trained on."""
    packs = {pack.name: pack for pack in find_packs(models)}
    pulled = {pack.name for pack in packs.values() if pack.manifest.download}
    assert pulled == {"yunet", "sface"} | {
        f"buffalo-{size}-{role}" for size in "ls" for role in ("detector", "embedder")
    }
    assert set(packs) - pulled == {"centerface", "dlib-resnet", "mobilefacenet"}
    assert not any(pack.built for pack in packs.values() if pack.name in pulled)
    assert {pack.name for pack in packs.values() if pack.default} == {"centerface", "mobilefacenet"}
    assert {name for name, pack in packs.items() if pack.research_only} == {
        n for n in pulled if n.startswith("buffalo")
    }
    assert {name for name, pack in packs.items() if not pack.sha256} == {n for n in pulled if n.startswith("buffalo")}
    assert all(pack.manifest.training["collection"] for pack in packs.values())
    assert "withdrawn" in packs["mobilefacenet"].manifest.training["use"].lower()
    assert packs["mobilefacenet"].label == "mobilefacenet@1"
    assert default_pack("detection", models).name == "centerface"
    assert default_pack("embedding", models).dimension == 192


def test_thresholds_grow_with_the_gallery(models: Path) -> None:
    """More people, more chances that a stranger looks like one of them."""
    for pack in find_packs(models):
        people = [count for count, _ in pack.thresholds]
        cosines = [cosine for _, cosine in pack.thresholds]
        assert people == sorted(set(people))
        assert cosines == sorted(set(cosines))
        assert pack.task != "embedding" or (people[0] == 1 and pack.margin > 0)


def test_a_changed_network_is_refused(folder: Path) -> None:
    """One byte is enough; so is none at all."""
    load_pack(folder)
    network = folder / "centerface.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"x")
    with pytest.raises(PackRefused, match="not the file"):
        load_pack(folder)
    network.unlink()
    with pytest.raises(PackRefused, match="rollcall models build centerface") as caught:
        load_pack(folder)
    assert caught.value.code == "pack_missing"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('task = "detection"', 'task = "guessing"', "task"),
        ('task = "detection"', 'task = "embedding"', "section"),
        ('licence = "MIT"', "", "licence"),
        ("overlap = 0.3", "overlap = 0.3\nsurprise = 1", "surprise"),
        ("confidence = 0.35", "confidence =", "not TOML"),
        ('head = "centerface"', 'head = "hydra"', "detection.head"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_place(folder: Path, old: str, new: str, says: str) -> None:
    """In one line that names the file."""
    manifest = folder / "model.toml"
    manifest.write_text(manifest.read_text().replace(old, new, 1))
    with pytest.raises(PackRefused, match=says) as caught:
        read_manifest(folder)
    assert "model.toml" in caught.value.message
    assert "\n" not in caught.value.message.strip()


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    """Reading says what is not there."""
    with pytest.raises(PackRefused, match="cannot be read"):
        read_manifest(tmp_path)


def test_the_first_folder_wins_and_a_later_one_may_hold_the_network(folder: Path, tmp_path: Path) -> None:
    """So an installation that cannot be written still gets what is built on demand."""
    mine = tmp_path / "mine"
    (mine / "centerface").mkdir(parents=True)
    (folder / "centerface.onnx").rename(mine / "centerface" / "centerface.onnx")
    (pack,) = find_packs(folder.parent, mine, tmp_path / "nowhere")
    assert pack.folder == folder
    assert pack.model.parent == mine / "centerface"
    assert default_pack("detection", folder.parent, mine).built
    with pytest.raises(PackRefused, match="No model pack"):
        find_pack("nobody", folder.parent, mine)
    with pytest.raises(PackRefused, match="No default"):
        default_pack("embedding", folder.parent, mine)


def test_a_pack_in_a_folder_of_another_name_is_refused(folder: Path) -> None:
    """Names are found by folder; two truths would differ one day."""
    folder.rename(folder.parent / "other")
    with pytest.raises(PackRefused, match="another name"):
        find_packs(folder.parent)
