"""New ids: UUIDv7 strings, which sort by the time they were made."""

import uuid_utils


def new_id() -> str:
    """36 characters, lower case."""
    return str(uuid_utils.uuid7())
