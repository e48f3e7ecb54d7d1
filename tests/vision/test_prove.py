"""A network without a reference is tried, and gives one."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from server.errors import PackRefused
from server.vision.packs import Pack, find_pack
from server.vision.prove import prove
from server.vision.session import CPU
from server.vision.verify import verify


@pytest.mark.parametrize("name", ["centerface", "mobilefacenet"])
def test_what_it_computes_verifies_afterwards(models: Path, tmp_path: Path, name: str) -> None:
    """The arrays are those that `verify` reads."""
    pack = find_pack(name, models)
    np.savez_compressed(tmp_path / "reference.npz", **prove(pack, pack.model))  # type: ignore[arg-type]
    alone = Pack(tmp_path, pack.model, pack.manifest)
    assert verify(alone, [CPU]).difference <= pack.manifest.result.tolerance


def test_another_length_is_refused(models: Path) -> None:
    """Before anything is kept of it."""
    pack = find_pack("mobilefacenet", models)
    embedding = pack.manifest.embedding
    assert embedding is not None
    wrong = pack.manifest.model_copy(update={"embedding": embedding.model_copy(update={"dimension": 512})})
    with pytest.raises(PackRefused, match="512 numbers"):
        prove(replace(pack, manifest=wrong), pack.model)


def test_another_file_is_refused(models: Path) -> None:
    """By its hash."""
    pack = find_pack("mobilefacenet", models)
    with pytest.raises(PackRefused, match="not the file"):
        prove(pack, find_pack("centerface", models).model)


def test_outputs_that_are_not_numbers_are_refused(tmp_path: Path, models: Path) -> None:
    """A network that answers NaN for everything is not kept, whatever its hash."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nan = helper.make_tensor("nan", kind, [1, 192], np.full(192, np.nan, np.float32))
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("Constant", [], ["nan"], value=nan),
        helper.make_node("Mul", ["column", "nan"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "nothing",
        [helper.make_tensor_value_info("image", kind, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", kind, ["n", 192])],
        [helper.make_tensor("one", onnx.TensorProto.INT64, [1], [1])],
    )
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()
    (tmp_path / "nan.onnx").write_bytes(content)
    pack = find_pack("mobilefacenet", models)
    pinned = pack.manifest.result.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    wrong = pack.manifest.model_copy(update={"result": pinned})
    with pytest.raises(PackRefused, match="without a direction"):
        prove(replace(pack, manifest=wrong), tmp_path / "nan.onnx")
