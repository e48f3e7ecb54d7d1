"""The networks of the packs that are chosen."""

from pathlib import Path

import pytest

from server.errors import PackRefused
from server.loading import Models, chosen_build, opener
from server.settings import Settings
from server.store.embedders import Build
from server.vision.swapped import SwappedEmbedder
from tests.opened import models


def test_each_says_what_it_is_for() -> None:
    """And the embedder is the one that is in use now; without a pack for liveness there is none."""
    loaded = models()
    embedder = SwappedEmbedder(loaded.embedder)
    assert {role: pack.name for role, (pack, _) in loaded.packs(embedder).items()} == {
        "detector": "centerface", "embedder": "mobilefacenet",
    }  # fmt: skip


def test_what_is_not_installed_is_refused(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "inference": {"detector": "nowhere"}})
    with pytest.raises(PackRefused, match="nowhere"):
        Models.load(settings)


def test_another_build_of_a_pack_is_not_opened(tmp_path: Path) -> None:
    """Its vectors could not be compared with those that are kept."""
    settings = Settings(data_dir=tmp_path)
    build = chosen_build(settings)
    assert opener(settings)(build).pack.sha256 == build.sha256
    with pytest.raises(PackRefused) as refused:
        opener(settings)(Build(build.pack, "0" * 64))
    assert refused.value.code == "pack_changed"
