"""`rollcall models export` makes a pack of an export, if it is a face detector."""

import importlib.util
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from server.commands.export import exported, make_pack
from server.commands.models import app
from server.errors import PackRefused
from server.vision.detector import open_detector
from server.vision.packs import find_pack
from server.vision.session import CPU
from server.vision.verify import verify

onnx = pytest.importorskip("onnx")


def yolo_like(path: Path, depth: int) -> Path:
    """A network with a YOLO face model's edges that sees nothing: any picture in, a table of zeros out."""
    from onnx import TensorProto, helper

    edges = (
        helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, "h", "w"]),
        helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, depth, 8]),
    )
    zeros = helper.make_tensor("zeros", TensorProto.FLOAT, [1, depth, 8], np.zeros(depth * 8, np.float32))
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Constant", [], ["table"], value=zeros),
        helper.make_node("Mul", ["mean", "table"], ["output0"]),
    ]
    graph = helper.make_graph(nodes, "yolo", [edges[0]], [edges[1]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_an_export_becomes_a_pack(tmp_path: Path) -> None:
    """It is found by its name, opens as a detector, and verifies; a second of that name is refused."""
    network = yolo_like(tmp_path / "best.onnx", 20)
    make_pack(network, tmp_path / "models", "my-faces")
    pack = find_pack("my-faces", tmp_path / "models")
    [found] = open_detector(pack, providers=[CPU]).detect([np.full((90, 120, 3), 90, np.uint8)])
    assert len(found) == 0
    assert verify(pack, [CPU]).difference == 0
    with pytest.raises(PackRefused, match="there already"):
        make_pack(network, tmp_path / "models", "my-faces")


def test_a_detector_of_boxes_only_is_refused(tmp_path: Path) -> None:
    """Faces without points cannot be aligned; nothing is left behind."""
    with pytest.raises(PackRefused, match="head yolo"):
        make_pack(yolo_like(tmp_path / "best.onnx", 5), tmp_path / "models", "boxes")
    assert list((tmp_path / "models").iterdir()) == []


def test_weights_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["export", "nothing.pt"])
    assert isinstance(result.exception, PackRefused)
    assert "nothing.pt is not there" in result.exception.message


@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is not None, reason="ultralytics is installed")
def test_without_ultralytics_the_extra_is_named() -> None:
    """It is AGPL-3.0, so nothing installs it by itself."""
    with pytest.raises(PackRefused, match=r"\[yolo\]") as caught:
        exported(Path("any.pt"))
    assert caught.value.code == "needs_ultralytics"


def test_ultralytics_exports_weights(tmp_path: Path) -> None:
    """A model of its own for faces with five points goes all the way to a pack. Weights are not ours to bring."""
    pytest.importorskip("ultralytics", reason="the extra yolo is not installed")
    weights = os.environ.get("ROLLCALL_TEST_YOLO_FACE", "")
    if not weights:
        pytest.skip("ROLLCALL_TEST_YOLO_FACE does not name weights of a face model")
    shutil.copy(weights, tmp_path / "face.pt")
    make_pack(exported(tmp_path / "face.pt"), tmp_path / "models", "face")
    open_detector(find_pack("face", tmp_path / "models"), providers=[CPU])
