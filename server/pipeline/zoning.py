"""Zoning: the zones of one running camera, as they are at this moment."""

from server.media.areas import NO_AREAS, Areas


class Zoning:
    """Shared by all that looks at the camera or shows it. Replaced as a whole, so that a thread sees one moment."""

    def __init__(self, areas: Areas = NO_AREAS) -> None:
        self.now = areas
