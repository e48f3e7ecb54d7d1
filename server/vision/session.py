"""A loaded ONNX graph and the execution provider that runs it."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from server.errors import PackRefused, Unavailable

# Its packages report machine and models to their maker, unless this is said before they are loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as ort

# Best first. TensorRT is left out: it builds engines for minutes, so only who names it gets it.
PREFERENCE = ("CUDAExecutionProvider", "ROCMExecutionProvider", "OpenVINOExecutionProvider", "CPUExecutionProvider")
CPU = "CPUExecutionProvider"
OPTIONS: dict[str, dict[str, str]] = {
    # Batches and picture sizes vary: an exhaustive search for each new shape would stall the cameras.
    "CUDAExecutionProvider": {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"},
}


def available_providers() -> list[str]:
    """What the installed onnxruntime can run on, best first."""
    return list(ort.get_available_providers())


def choose_providers(wanted: Sequence[str] | None) -> list[str]:
    """The providers to try, in order, the CPU last; naming one that is not installed is refused."""
    installed = available_providers()
    if not wanted:
        return [name for name in PREFERENCE if name in installed]
    missing = [name for name in wanted if name not in installed]
    if missing:
        raise Unavailable(
            f"onnxruntime has no {', '.join(missing)} here; it has {', '.join(installed)}.", code="provider_missing"
        )
    return list(dict.fromkeys([*wanted, CPU]))


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Session:
    """One graph in memory. Runs may come from several threads; each waits for nothing but the device."""

    def __init__(self, model: Path, providers: Sequence[str] | None = None, threads: int | None = None) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or min(usable_cores(), 8)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin for work between two pictures cost a core each while nothing happens.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        # A plan of the memory is kept for every shape that was ever seen: with varying batches it only grows.
        options.enable_mem_pattern = False
        chosen = choose_providers(providers)
        try:
            self._session = ort.InferenceSession(
                str(model), options, providers=[(name, OPTIONS.get(name, {})) for name in chosen]
            )
        except Exception as error:  # onnxruntime raises classes of its own that share no parent
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise PackRefused(f"{model.name} cannot be loaded: {reason}") from error
        self.inputs = [value.name for value in self._session.get_inputs()]
        self.outputs = [value.name for value in self._session.get_outputs()]
        self._shape = list(self._session.get_inputs()[0].shape) if self.inputs else []

    def fixed(self, axis: int) -> int:
        """The only length that the first input takes along an axis; 0 where any will do."""
        length = self._shape[axis] if axis < len(self._shape) else None
        return length if isinstance(length, int) and length > 0 else 0

    @property
    def provider(self) -> str:
        """The provider that really runs the graph, which is the CPU where a better one could not start."""
        return str(self._session.get_providers()[0])

    @property
    def on_cpu(self) -> bool:
        """Whether a larger batch only costs memory: on a CPU one picture already keeps all threads busy."""
        return self.provider == CPU

    def run(self, *feeds: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The graph's outputs, in its order, for its inputs, in its order."""
        try:
            return list(self._session.run(None, dict(zip(self.inputs, feeds, strict=True))))
        except Exception as error:  # as above
            raise PackRefused(f"The network does not take this input: {str(error).splitlines()[0]}") from error
