"""The house rules that a linter does not know: imports, sizes, first lines and the mirror."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server"
FIRST = {
    "errors", "clock", "ids", "assets", "wire", "address", "supervise", "telemetry", "masking", "charts", "reading",
}  # fmt: skip
EVERY = {
    "media", "vision", "inference", "identity", "attendance", "events", "bus", "store", "objects", "access", "pipeline",
    "webrtc", "demo", "jobs", "evaluation", "outbound",
}  # fmt: skip
# A room may import itself, the first block, and what stands here.
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(FIRST, FIRST),
    "sections": set(),
    "settings": {"sections"},
    "tls": set(),
    "chosen": {"settings", "vision"},
    "loading": {"settings", "chosen", "store", "vision"},
    "media": set(),
    "vision": set(),
    "inference": {"vision"},
    "identity": {"vision"},
    "evaluation": {"vision", "identity"},
    "attendance": {"identity"},
    "events": set(),
    "bus": set(),
    "store": {"identity", "attendance", "events"},
    "objects": set(),
    "access": {"events", "bus", "store"},
    "outbound": {"events", "store"},
    "pipeline": {"media", "vision", "inference", "identity", "attendance", "events", "bus", "store", "objects"},
    "webrtc": {"media"},
    "demo": {"media", "store", "identity", "pipeline", "access"},
    "jobs": EVERY - {"webrtc", "jobs"},
    "parts": EVERY,
    "routes": EVERY | {"parts"},
    "opening": EVERY | {"settings", "parts"},
    "lifespan": EVERY | {"settings", "parts", "chosen", "loading", "opening"},
    "app": {"settings", "lifespan", "routes", "parts", "events"},
    "commands": EVERY
    | {"sections", "settings", "tls", "chosen", "loading", "parts", "opening", "lifespan", "routes", "app"},
    "cli": EVERY | {"settings", "parts", "lifespan", "routes", "app", "commands"},
}
BANNED = {
    "utils",
    "helpers",
    "common",
    "misc",
    "base",
    "manager",
    "handler",
    "processor",
    "service",
    "core",
    "data",
    "info",
}
CEILING = 400


def modules() -> list[Path]:
    return sorted(path for path in SERVER.rglob("*.py") if "bundled" not in path.parts)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    part = path.relative_to(SERVER).parts[0]
    return part.removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)} has a relative import"
            names = [
                f"{node.module}.{alias.name}" if node.module == "server" else node.module or "" for alias in node.names
            ]
        found |= {name.split(".")[1] for name in names if name.startswith("server.")}
    return found


@pytest.mark.parametrize("path", modules(), ids=named)
def test_imports_point_one_way(path: Path) -> None:
    """A room imports only what stands before it in the flow of data."""
    room = room_of(path)
    if room == "__init__":
        return
    allowed = MAY_IMPORT[room] | {room} | FIRST
    assert imported_rooms(path) <= allowed, f"{room} may not import {imported_rooms(path) - allowed}"


@pytest.mark.parametrize("path", modules(), ids=named)
def test_modules_are_small_and_say_their_promise(path: Path) -> None:
    """At most 400 lines, a docstring first, and a name that means something."""
    text = path.read_text()
    if not text.strip():
        return
    assert text.startswith('"""'), "the first line says what the module promises"
    assert len(text.splitlines()) <= CEILING
    assert path.stem not in BANNED


@pytest.mark.parametrize("path", modules(), ids=named)
def test_every_module_has_its_mirror(path: Path) -> None:
    """server/media/stream.py is tested by tests/media/test_stream.py."""
    if path.name == "__init__.py" or len(path.read_text().splitlines()) <= 30:
        return
    inside = path.relative_to(SERVER)
    if inside.parent == Path("store/tables"):  # declarations alone, in several files for their number
        inside = inside.parent.with_suffix(".py")
    assert (ROOT / "tests" / inside.parent / f"test_{inside.name}").is_file()


def test_no_banned_class_names() -> None:
    """No class is called a manager or a handler of something."""
    pattern = re.compile(r"^class \w*(Utils|Helper|Manager|Handler|Processor|Service)\b", re.MULTILINE)
    assert [named(path) for path in modules() if pattern.search(path.read_text())] == []


def test_tests_and_benchmarks_stay_small_too() -> None:
    """The ceiling holds for tests, benchmarks and clients as well."""
    long = [
        named(path)
        for folder in ("tests", "bench", "models", "clients")
        for path in (ROOT / folder).rglob("*.py")
        if len(path.read_text().splitlines()) > CEILING
    ]
    assert long == []


def test_no_page_loads_from_elsewhere() -> None:
    """Pages need no other host."""
    pattern = re.compile(r"""(?:src|href)=["'](?:https?:)?//|@import|url\(["']?https?:""")
    pages = [p for p in (ROOT / "web").rglob("*") if p.suffix in {".html", ".css", ".js"}]
    assert pages
    assert [named(page) for page in pages if pattern.search(page.read_text())] == []


def test_nothing_of_that_name_is_installed_from_elsewhere() -> None:
    """Rollcall is installed from its checkout: the package of that name in the public index is somebody else's."""
    texts = [ROOT / "README.md", ROOT / "Dockerfile", *ROOT.glob("docs/**/*.md"), *ROOT.glob("server/**/*.py")]
    stranger = re.compile(r"pip install[^\n]*[\s'\"]rollcall\b(?![/.])")
    assert [str(path) for path in texts if stranger.search(path.read_text())] == []
