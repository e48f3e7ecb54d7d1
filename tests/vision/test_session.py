"""A graph is loaded on the best provider there is, and refuses what it cannot take."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from server.errors import PackRefused, Unavailable
from server.vision.session import CPU, Session, available_providers, choose_providers, usable_cores


def test_the_cpu_is_always_there_and_always_last() -> None:
    """With and without a wish."""
    assert CPU in available_providers()
    assert choose_providers(None)[-1] == CPU
    assert choose_providers([CPU]) == [CPU]
    assert usable_cores() >= 1


def test_a_provider_that_is_not_installed_is_refused_by_name() -> None:
    """Rather than silently running elsewhere."""
    with pytest.raises(Unavailable, match="NoSuchExecutionProvider"):
        choose_providers(["NoSuchExecutionProvider"])


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """Its packages write down an id of the machine, and send it with what is run, unless they are told not to."""
    script = (
        "import sys; from pathlib import Path; from server.vision.session import Session; "
        "Session(Path(sys.argv[1]), threads=1)"
    )
    model = Path(__file__).parents[2] / "models/centerface/centerface.onnx"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "CI", "XDG_"))}
    own = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", script, str(model)], env=plain | own, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []


def test_a_graph_names_its_edges_and_runs(models: Path) -> None:
    """Any batch."""
    session = Session(models / "mobilefacenet/mobilefacenet.onnx", [CPU], threads=1)
    assert (session.inputs, session.outputs, session.provider) == (["image"], ["embedding"], CPU)
    assert session.run(np.zeros((3, 3, 112, 112), np.float32))[0].shape == (3, 192)


def test_a_wrong_shape_is_refused_in_one_line(models: Path) -> None:
    """Not a traceback of the runtime's."""
    session = Session(models / "mobilefacenet/mobilefacenet.onnx", [CPU], threads=1)
    with pytest.raises(PackRefused, match="does not take") as caught:
        session.run(np.zeros((1, 3, 50, 50), np.float32))
    assert "\n" not in caught.value.message


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    """A file of letters is not loaded."""
    path = tmp_path / "letters.onnx"
    path.write_text("not a network")
    with pytest.raises(PackRefused, match="cannot be loaded"):
        Session(path, [CPU])
