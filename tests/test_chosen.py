"""Which pack is used: the setting, else the choice that was kept, else the default."""

from pathlib import Path

import pytest

from server.chosen import chosen_name, chosen_pack, keep, liveness_pack, pack_folders, roles_in_use, stamp
from server.errors import PackRefused
from server.settings import InferenceSettings, Settings
from tests.twin_pack import make_twin


def settings_in(folder: Path, production: bool = False, **inference: object) -> Settings:
    return Settings(data_dir=folder, production=production, inference=InferenceSettings.model_validate(inference))


def test_setting_then_choice_then_default(tmp_path: Path) -> None:
    """A choice outlives the process; what the environment names goes before it."""
    assert chosen_name(settings_in(tmp_path), "embedder") == "mobilefacenet"
    keep(settings_in(tmp_path), "embedder", "dlib-resnet")
    keep(settings_in(tmp_path), "detector", "centerface")
    assert chosen_name(settings_in(tmp_path), "embedder") == "dlib-resnet"
    assert chosen_name(settings_in(tmp_path, embedder="mobilefacenet"), "embedder") == "mobilefacenet"


def test_a_setting_beside_it_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads from the environment do not bring the default back."""
    monkeypatch.setenv("ROLLCALL_INFERENCE__THREADS", "2")
    monkeypatch.setenv("ROLLCALL_DATA_DIR", str(tmp_path))
    keep(Settings(), "embedder", "dlib-resnet")
    assert chosen_name(Settings(), "embedder") == "dlib-resnet"


def test_a_broken_choice_is_refused_with_its_place(tmp_path: Path) -> None:
    """Rather than passed over: another network would recognise nobody."""
    path = keep(settings_in(tmp_path), "embedder", "dlib-resnet")
    path.write_text("embedder =")
    with pytest.raises(PackRefused, match=r"chosen\.toml cannot be read"):
        chosen_pack(settings_in(tmp_path), "embedder")


def test_a_pack_for_something_else_is_refused(tmp_path: Path) -> None:
    """A detector does not tell people apart."""
    with pytest.raises(PackRefused, match="cannot be the embedder"):
        chosen_pack(settings_in(tmp_path, embedder="centerface"), "embedder")


def test_production_refuses_research_until_somebody_answers_for_it(tmp_path: Path) -> None:
    """By the name of the pack; elsewhere it may be tried."""
    folder = pack_folders(settings_in(tmp_path))[1] / "studied"
    folder.mkdir(parents=True)
    ours = (pack_folders(settings_in(tmp_path))[0] / "mobilefacenet/model.toml").read_text()
    changed = ours.replace('name = "mobilefacenet"', 'name = "studied"\nresearch_only = true', 1)
    (folder / "model.toml").write_text(changed.replace("default = true", "default = false", 1))
    assert chosen_pack(settings_in(tmp_path, embedder="studied"), "embedder").research_only
    with pytest.raises(PackRefused, match="production refuses") as caught:
        chosen_pack(settings_in(tmp_path, True, embedder="studied"), "embedder")
    assert caught.value.code == "research_only"
    accepted = settings_in(tmp_path, True, embedder="studied", accept_research_only=["studied"])
    assert chosen_pack(accepted, "embedder").name == "studied"


def test_liveness_has_no_default(tmp_path: Path) -> None:
    """There is a pack only where somebody chose one, and `none` takes the choice back."""
    assert liveness_pack(settings_in(tmp_path)) is None
    assert roles_in_use(settings_in(tmp_path)) == ["detector", "embedder"]
    keep(settings_in(tmp_path), "liveness", "studied")
    assert roles_in_use(settings_in(tmp_path)) == ["detector", "embedder", "liveness"]
    with pytest.raises(PackRefused, match="No model pack is called studied"):
        liveness_pack(settings_in(tmp_path))
    assert liveness_pack(settings_in(tmp_path, liveness="none")) is None
    with pytest.raises(PackRefused, match="cannot be the liveness"):
        liveness_pack(settings_in(tmp_path, liveness="centerface"))


def test_a_choice_is_told_without_reading_it(tmp_path: Path) -> None:
    """By what the file system says of what is kept, and of the manifest of the pack."""
    settings = settings_in(tmp_path)
    before = stamp(settings, "twin")
    assert stamp(settings, "twin") == before
    keep(settings, "embedder", "twin")
    chosen = stamp(settings, "twin")
    assert chosen != before
    twin = make_twin(pack_folders(settings)[1])
    made = stamp(settings, "twin")
    assert made != chosen
    manifest = (twin / "model.toml").read_text()
    (twin / "model.part").write_text(manifest)
    (twin / "model.part").replace(twin / "model.toml")
    assert stamp(settings, "twin") != made
    assert stamp(settings, "twin") == stamp(settings, "twin")
