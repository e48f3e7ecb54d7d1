"""Which packs are used: what the settings name, else what `rollcall models use` kept, else the default."""

import tomllib
from pathlib import Path
from typing import Literal

from server.assets import asset
from server.errors import PackRefused
from server.settings import Settings
from server.vision.packs import MANIFEST, Pack, find_pack

Role = Literal["detector", "embedder", "liveness"]
TASKS: dict[Role, str] = {"detector": "detection", "embedder": "embedding", "liveness": "liveness"}
NONE = "none"
DEFAULTS: dict[Role, str] = {"detector": "centerface", "embedder": "mobilefacenet", "liveness": NONE}
CHOSEN = "chosen.toml"


def pack_folders(settings: Settings) -> tuple[Path, Path]:
    """Where packs lie: those of the program, and those of this installation."""
    return asset("models"), settings.data_dir / "models"


def chosen_name(settings: Settings, role: Role) -> str:
    """The name of the pack of that role. Raises PackRefused where what was kept cannot be read."""
    return named(settings, role) or kept(settings).get(role) or DEFAULTS[role]


def named(settings: Settings, role: Role) -> str:
    """What the setting names; empty where it is not given."""
    chosen = settings.inference
    return {"detector": chosen.detector, "embedder": chosen.embedder, "liveness": chosen.liveness}[role]


def liveness_pack(settings: Settings) -> Pack | None:
    """The passive liveness pack, which there need not be. Raises PackRefused."""
    return None if chosen_name(settings, "liveness") == NONE else chosen_pack(settings, "liveness")


def roles_in_use(settings: Settings) -> list[Role]:
    """Those for which there is a pack, or should be: one that cannot be read is for whoever opens it to tell."""
    try:
        without = chosen_name(settings, "liveness") == NONE
    except PackRefused:
        without = False
    return [role for role in TASKS if not (without and role == "liveness")]


def stamp(settings: Settings, pack: str) -> tuple[int, ...]:
    """Another one whenever what is kept of the choice, or the manifest of that pack, is another one."""
    folders = pack_folders(settings)
    files = (folders[1] / CHOSEN, *(folder / pack / MANIFEST for folder in folders))
    return tuple(_changed_ns(path) for path in files)


def _changed_ns(path: Path) -> int:
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_mtime_ns ^ found.st_ino


def chosen_pack(settings: Settings, role: Role) -> Pack:
    """The pack of that role, permitted but with its network not checked yet. Raises PackRefused."""
    pack = find_pack(chosen_name(settings, role), *pack_folders(settings))
    if pack.task != TASKS[role]:
        raise PackRefused(f"{pack.name} is a pack for {pack.task}: it cannot be the {role}.")
    refuse_research(settings, pack)
    return pack


def refuse_research(settings: Settings, pack: Pack) -> None:
    """Production takes a pack for research only where somebody answers for it by name."""
    if settings.production and pack.research_only and pack.name not in settings.inference.accept_research_only:
        raise PackRefused(
            f"{pack.name} may be used for research only; production refuses it unless "
            f"ROLLCALL_INFERENCE__ACCEPT_RESEARCH_ONLY names it.",
            code="research_only",
        )


def kept(settings: Settings) -> dict[Role, str]:
    """What `rollcall models use` kept; nothing where it never was used."""
    path = pack_folders(settings)[1] / CHOSEN
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise PackRefused(f"{path} cannot be read: {error}.") from error
    return {role: found[role] for role in TASKS if isinstance(found.get(role), str)}


def keep(settings: Settings, role: Role, name: str) -> Path:
    """Remember the choice, whole or not at all."""
    path = pack_folders(settings)[1] / CHOSEN
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'{one} = "{pack}"\n' for one, pack in sorted({**kept(settings), role: name}.items())]
    unfinished = path.with_suffix(".part")
    unfinished.write_text(
        "# Written by `rollcall models use`; a setting of the environment goes before it.\n" + "".join(lines)
    )
    unfinished.replace(path)
    return path
