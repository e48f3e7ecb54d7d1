"""Writes the event types of both clients from the server's own classes: `make clients`. A test compares them."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from server.events.facts import FACTS, SNAPSHOTS
from server.events.schema import Filter
from server.events.topics import TOPIC_KINDS, TopicKind

FOLDER = Path(__file__).parent
PYTHON = FOLDER / "python" / "rollcall_client" / "event_types.py"
TOPICS = PYTHON.with_name("topics.py")
TYPESCRIPT = FOLDER / "js" / "event-types.d.ts"
MADE_BY = "Made from the server's: `make clients` writes it anew."
Schema = Mapping[str, Any]

_PYTHON_HEAD = f'''"""The types of events and of their data. {MADE_BY}"""

from typing import Literal, NotRequired, TypedDict

from rollcall_client.items import Event
'''
_TOPICS_HEAD = f'''"""The topics, each with the type of its events. {MADE_BY}"""

from typing import Literal, overload

from rollcall_client.event_types import {{names}}
from rollcall_client.items import AnyEvent, Cursor
from rollcall_client.subscription import Subscription


class Topics:
    """What a subscription to each of them gives."""
'''
_SUBSCRIBE = """
    {overload}def subscribe(
        self,
        topic: {topic},
        *,
        since: Cursor | str | None = None,
        filter: Filter | None = None,
        snapshot: bool = False,
    ) -> Subscription[{event}]:"""
_SUBSCRIBE_SAYS = '''
        """Follow a topic, from now on or on from the place `since`; it goes on where it was after a lost connection.

        With `snapshot` a Resync with the state comes first where there is no `since`, and whenever history was lost."""
        return self._open(topic, since, filter, snapshot)

    def _open(
        self, topic: str, since: Cursor | str | None, wanted: Filter | None, snapshot: bool
    ) -> Subscription[AnyEvent]:
        raise NotImplementedError
'''


def python_types() -> str:
    """The module, as ruff formats it."""
    lines = [_PYTHON_HEAD]
    for name, schema in _definitions().items():
        lines.append(_python_class(_short(name), schema))
    for kind in TOPIC_KINDS:
        events = [f"Event[Literal[{event!r}], {_short(FACTS[event].__name__)}]" for event in kind.event_types]
        lines.append(f"{_name_of(kind)} = {' | '.join(events)}\n")
    return _formatted("\n".join(lines))


def python_topics() -> str:
    """The module whose class `RollcallEvents` fills in."""
    plain = [kind for kind in TOPIC_KINDS if "{" not in kind.address]
    names = sorted([*map(_name_of, plain), "Filter"], key=str.lower)
    lines = [_TOPICS_HEAD.format(names=f"({', '.join(names)})")]
    for kind in plain:
        topic = f"Literal[{kind.address!r}]"
        lines.append(_SUBSCRIBE.format(overload="@overload\n    ", topic=topic, event=_name_of(kind)) + " ...\n")
    lines.append(_SUBSCRIBE.format(overload="@overload\n    ", topic="str", event="AnyEvent") + " ...\n")
    any_of = " | ".join(f"Subscription[{_name_of(kind)}]" for kind in plain)
    whole = _SUBSCRIBE.format(overload="", topic="str", event="AnyEvent")
    lines.append(whole.replace("-> Subscription[AnyEvent]", f"-> {any_of} | Subscription[AnyEvent]") + _SUBSCRIBE_SAYS)
    return _formatted("\n".join(lines))


def typescript_types() -> str:
    """The declarations."""
    lines = [f"/** The types of events and of their data. {MADE_BY} */\n"]
    lines.append(
        "/** What happened. `data` is the state that results, so an event applied twice does no harm. */\n"
        "export interface RollcallEvent<Type extends string = string, Data = Record<string, unknown>> {\n"
        "  id: string;\n  type: Type;\n  /** RFC 3339, in UTC */\n  time: string;\n"
        "  source: string;\n  data: Data;\n}\n"
    )
    for name, schema in _definitions().items():
        lines.append(_typescript_interface(_short(name), schema))
    for kind in TOPIC_KINDS:
        events = [f'RollcallEvent<"{event}", {_short(FACTS[event].__name__)}>' for event in kind.event_types]
        lines.append(f"export type {_name_of(kind)} =\n" + "\n".join(f"  | {event}" for event in events) + ";\n")
    lines.append("/** The events of a topic, by its name. */\nexport type EventOf<Topic extends string> =")
    for kind in TOPIC_KINDS:
        lines.append(f"  Topic extends {_typescript_name(kind)} ? {_name_of(kind)} :")
    lines.append("  RollcallEvent;\n")
    lines.append("/** What `snapshot` of a topic gives, by its name. */")
    lines.append("export type SnapshotOf<Topic extends string> =")
    for kind in TOPIC_KINDS:
        if kind.address in SNAPSHOTS:
            lines.append(f"  Topic extends {_typescript_name(kind)} ? {SNAPSHOTS[kind.address].__name__} :")
    lines.append("  Record<string, unknown>;\n")
    return "\n".join(lines)


def _definitions() -> Schema:
    facts = [(model, "validation") for model in (*dict.fromkeys(FACTS.values()), *SNAPSHOTS.values(), Filter)]
    _, schema = models_json_schema(facts, by_alias=True, ref_template="{model}")  # type: ignore[arg-type]
    found: dict[str, Any] = schema["$defs"]
    return {name: found[name] for name in _in_order(found)}


def _in_order(found: Schema) -> list[str]:
    """What another one refers to stands before it."""
    done: list[str] = []

    def visit(name: str) -> None:
        for other in sorted(_referred(found[name])):
            visit(other)
        if name not in done:
            done.append(name)

    for name in found:
        visit(name)
    return done


def _referred(schema: object) -> set[str]:
    if isinstance(schema, Mapping):
        own = {schema["$ref"]} if "$ref" in schema else set()
        return own.union(*(_referred(value) for value in schema.values()))
    return set().union(*(_referred(one) for one in schema)) if isinstance(schema, list) else set()


def _short(name: str) -> str:
    return name.removesuffix("Fact")


def _name_of(kind: TopicKind) -> str:
    """`AttendanceEvent`, `CameraTracksEvent`, `SystemStatsEvent`."""
    words = [word for word in kind.address.split("/") if not word.startswith("{")]
    return "".join(word.removesuffix("s").capitalize() if "{" in kind.address and word == words[0] else
                   word.capitalize() for word in words) + "Event"  # fmt: skip


def _typescript_name(kind: TopicKind) -> str:
    return f"`{kind.address.replace('{id}', '${string}')}`" if "{" in kind.address else f'"{kind.address}"'


def _python_class(name: str, schema: Schema) -> str:
    fields = schema.get("properties", {})
    if not fields:
        return f"{name} = dict[str, object]\n"
    required = set(schema.get("required", ()))
    lines = [f"class {name}(TypedDict):"]
    if says := schema.get("description"):
        lines.append(f'    """{says}"""\n')
    for field, kind in fields.items():
        said = _python(kind)
        lines.append(f"    {field}: {said if field in required else f'NotRequired[{said}]'}")
    return "\n".join(lines) + "\n"


def _python(schema: Schema) -> str:
    if "$ref" in schema:
        return _short(schema["$ref"])
    if "anyOf" in schema:
        return " | ".join(_python(one) for one in schema["anyOf"])
    if values := schema.get("enum", [schema["const"]] if "const" in schema else None):
        return f"Literal[{', '.join(map(repr, values))}]"
    if schema.get("type") == "array":
        return f"list[{_python(schema['items'])}]"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"dict[str, {_python(schema['additionalProperties'])}]"
    plain = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
    return plain.get(schema.get("type", ""), "dict[str, object]" if schema.get("type") == "object" else "object")


def _typescript_interface(name: str, schema: Schema) -> str:
    says = f"/** {' '.join(schema['description'].split())} */\n" if "description" in schema else ""
    fields = schema.get("properties", {})
    if not fields:
        return f"{says}export type {name} = Record<string, unknown>;\n"
    required = set(schema.get("required", ()))
    lines = [f"{says}export interface {name} {{"]
    lines += [f"  {field}{'' if field in required else '?'}: {_typescript(kind)};" for field, kind in fields.items()]
    return "\n".join(lines) + "\n}\n"


def _typescript(schema: Schema) -> str:
    if "$ref" in schema:
        return _short(schema["$ref"])
    if "anyOf" in schema:
        return " | ".join(_typescript(one) for one in schema["anyOf"])
    if values := schema.get("enum", [schema["const"]] if "const" in schema else None):
        return " | ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in values)
    if schema.get("type") == "array":
        inner = _typescript(schema["items"])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if schema.get("type") == "object":
        more = schema.get("additionalProperties")
        return f"Record<string, {_typescript(more) if isinstance(more, Mapping) else 'unknown'}>"
    plain = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
    return plain.get(schema.get("type", ""), "unknown")


def _formatted(code: str) -> str:
    ruff = Path(sys.executable).with_name("ruff")
    command = [str(ruff), "format", "--stdin-filename", str(PYTHON), "-"]
    return subprocess.run(command, input=code, capture_output=True, text=True, check=True, timeout=60).stdout


if __name__ == "__main__":
    PYTHON.write_text(python_types())
    TOPICS.write_text(python_topics())
    TYPESCRIPT.write_text(typescript_types())
