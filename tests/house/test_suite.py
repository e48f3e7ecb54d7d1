"""The suite reaches every test: the Makefile names folders for what takes long, and no mark stands outside of them."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
ELSEWHERE = {"routes"}  # named with the fuzzing, and run once more on PostgreSQL and Redis


def folders(name: str) -> set[str]:
    """Those of a variable of the Makefile."""
    found = re.search(rf"^{name} := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found, name
    return {Path(path).name for path in found[1].split()}


def marks(path: Path) -> set[str]:
    """The marks that a module sets, on one test or on all of it."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "mark"
    }


def test_what_is_marked_is_run() -> None:
    whole, alone = folders("WHOLE"), folders("ALONE")
    lost = []
    for path in sorted(TESTS.rglob("*.py")):
        folder = path.relative_to(TESTS).parts[0]
        found = marks(path)
        if found & {"journey", "browser"} and folder not in whole:
            lost.append(str(path))
        if "slow" in found and folder not in whole | alone | ELSEWHERE:
            lost.append(str(path))
    assert lost == []
    assert {path.name for path in TESTS.iterdir() if path.is_dir()} >= whole | alone
