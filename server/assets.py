"""Where the files that belong to the program lie: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path


def asset(name: str) -> Path:
    """The folder `models`, `web` or `migrations`."""
    here = Path(__file__).parent
    bundled = here / "bundled" / name
    return bundled if bundled.is_dir() else here.parent / name
