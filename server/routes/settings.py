"""The settings that take effect while the server runs."""

from server.routes.endpoint import Call, Endpoint, endpoint
from server.store.runtime import RuntimeSettings
from server.wire import Time

RESOURCE = "settings"
EXAMPLE = RuntimeSettings().as_json()


class SettingsPublic(RuntimeSettings):
    """What holds now, everywhere within seconds."""

    updated_at: Time


def _shown(call: Call) -> SettingsPublic:
    runtime = call.parts.runtime
    return SettingsPublic(**dict(runtime.current), updated_at=runtime.updated_at)


@endpoint("GET", "/settings", allow="settings:read")
async def get_settings(call: Call) -> SettingsPublic:
    """The settings that can be changed while the server runs; those of the environment are not among them."""
    await call.parts.runtime.load()  # another process may have changed them a moment ago
    return _shown(call)


@endpoint("PUT", "/settings", allow="settings:write", example=EXAMPLE)
async def put_settings(call: Call, body: RuntimeSettings) -> SettingsPublic:
    """All of them at once; what is left out gets its default. No restart is needed."""
    runtime = call.parts.runtime
    async with call.parts.store.transaction() as session:
        row = await runtime.locked(session)
        call.check_unchanged(row.updated_at)
        before, after = runtime.merged(row.value), runtime.completed(body)
        if after != before:
            await runtime.save(session, row, after)
            await call.audit(session, "settings.changed", RESOURCE, None, before=before, after=after)
    runtime.apply(row)
    return _shown(call)


ENDPOINTS: tuple[Endpoint, ...] = (get_settings, put_settings)
