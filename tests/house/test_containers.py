"""The files that containers are made from: well formed, locked down, and without a single password in them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from server.settings import PREFIX, unknown_names

ROOT = Path(__file__).parents[2]
COMPOSE, HOST = ROOT / "compose.yaml", ROOT / "compose.host.yaml"
PROGRAMS = Path(sys.executable).parent
YAML_RULES = {
    "extends": "default",
    "rules": {
        "line-length": {"max": 120},
        "braces": {"max-spaces-inside": 1},
        "document-start": "disable",
        "truthy": {"check-keys": False},
    },
}
REQUIRED = {"ROLLCALL_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "S3_SECRET_KEY", "MINIO_ROOT_PASSWORD"}
# Each is said beside the service, too.
# What an image cannot start without: coturn's binary has a file capability.
ADDED = {"coturn": ["NET_BIND_SERVICE"]}
NO_HEALTH = {"worker": "has no port", "bucket": "runs once"}
ON_THE_HOST = {"coturn"}
AS_ROOT = {"minio", "bucket"}
_VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}")
_SECRET = re.compile(r"PASSWORD|SECRET|CREDENTIAL|TOKEN|ACCESS_KEY_ID")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """With the tags of Compose."""


_Loader.add_constructor("!reset", lambda _loader, _node: None)


def compose(path: Path = COMPOSE) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(path.read_text(), _Loader)
    return loaded


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def each_service() -> list[str]:
    return list(services())


def linted(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_yaml_is_clean() -> None:
    """As yamllint has it, with lines as long as everywhere here."""
    linted(str(PROGRAMS / "yamllint"), "--strict", "-d", json.dumps(YAML_RULES), str(COMPOSE), str(HOST))


def test_the_dockerfile_is_clean() -> None:
    """As hadolint has it, without exceptions."""
    linted(str(PROGRAMS / "hadolint"), "Dockerfile")


def test_every_service_is_there() -> None:
    """And TURN only where it is asked for."""
    assert set(services()) == {"server", "worker", "postgres", "redis", "minio", "bucket", "coturn"}
    assert [name for name, one in services().items() if one.get("profiles")] == ["coturn"]


@pytest.mark.parametrize("name", each_service())
def test_a_service_is_locked_down(name: str) -> None:
    """Nothing is written beside its volumes, no capability, no new privileges, nobody's root but where it is said."""
    one = services()[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one.get("cap_add") == ADDED.get(name)
    assert "privileged" not in one
    assert not any("docker.sock" in str(volume) for volume in one.get("volumes", []))
    if "build" not in one and one["image"] != services()["server"]["image"]:
        assert (name in AS_ROOT) != ("user" in one)


@pytest.mark.parametrize("name", each_service())
def test_a_service_is_bounded_and_watched(name: str) -> None:
    """Processor, memory, processes and logs have limits; who can be asked for its health is."""
    one = services()[name]
    assert {"cpus", "memory", "pids"} <= set(one["deploy"]["resources"]["limits"])
    assert {"max-size", "max-file"} <= set(one["logging"]["options"])
    if name in NO_HEALTH:
        assert one["healthcheck"] == {"disable": True}
        assert NO_HEALTH[name] in COMPOSE.read_text()
    else:
        assert {"test", "interval", "timeout", "retries"} <= set(one["healthcheck"])
        assert one["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", each_service())
def test_an_image_is_a_certain_one(name: str) -> None:
    """By a tag that is a version."""
    image = services()[name]["image"]
    if name not in {"server", "worker"}:
        assert re.search(r":[\w.-]*\d", image), image
        assert not image.endswith(":latest")


def test_the_image_of_ours() -> None:
    """Pinned, not root, with a health check; what may be written are /data and /tmp; no secret is baked in."""
    text = (ROOT / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(stages) == 2
    assert all(re.fullmatch(r"python:3\.12\.\d+-slim-bookworm", image) for image in stages)
    last = text[text.rindex("FROM ") :]
    for line in ("USER 10001:10001", "HEALTHCHECK ", "EXPOSE 8000", "VOLUME /data", 'ENTRYPOINT ["rollcall"]'):
        assert line in last
    assert "/health/ready" in last
    assert 'CMD ["serve", "--host", "0.0.0.0"' in last
    assert not _SECRET.search(text)
    assert "s3,onvif,pdf]" in text


def test_only_what_is_needed_gets_to_the_builder() -> None:
    """Everything else stays out, `.env` and recordings first; what the Dockerfile copies is let in."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert not {".env", ".rollcall", ".git"} & let_in
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {name for line in copied for name in line.split()} <= let_in
    assert all((ROOT / name).exists() for name in let_in)


def _values(found: object) -> Iterator[tuple[str, str]]:
    if isinstance(found, dict):
        for name, value in found.items():
            if isinstance(value, (str, int, float, bool)):
                yield str(name), str(value)
            else:
                yield from _values(value)
    elif isinstance(found, list):
        for value in found:
            yield from _values(value)


@pytest.mark.parametrize("path", [COMPOSE, HOST], ids=lambda path: path.name)
def test_no_password_is_in_the_file_or_has_a_default(path: Path) -> None:
    """Each comes from a variable that has to be set; without one Compose says which and how to make it."""
    text = path.read_text()
    required, with_default = set(), {}
    for found in _VARIABLE.finditer(text):
        if found["how"] == ":?":
            required.add(found["name"])
            assert "openssl rand" in found["rest"]
        else:
            with_default[found["name"]] = found["rest"]
    assert required <= REQUIRED
    assert path == HOST or required == REQUIRED
    assert {name: rest for name, rest in with_default.items() if _SECRET.search(name)} == (
        # TURN's is needed with its profile only, and asked for by its command.
        {"ROLLCALL_PREVIOUS_SECRET_KEYS": "[]", "TURN_PASSWORD": ""} if path == COMPOSE else {}
    )
    for name, value in _values(compose(path)):
        if _SECRET.search(name):
            assert value.startswith("${"), f"{name} is {value}"
        assert not re.search(r"://[^/\s:$]*:[^$@\s]+@", value), f"a login in {name}"
    assert path == HOST or "TURN_PASSWORD:?" in text


def test_the_stores_are_out_of_reach() -> None:
    """They publish no port, and their network leads nowhere; only the server listens, by default on this machine."""
    assert compose()["networks"]["back"] == {"internal": True}
    for name, one in services().items():
        if name == "server":
            assert one["ports"] == ["${ROLLCALL_LISTEN:-127.0.0.1:8000}:8000"]
            assert set(one["networks"]) == {"front", "back"}
        elif name in ON_THE_HOST:
            assert one["network_mode"] == "host"
        else:
            assert "ports" not in one
            assert one["networks"] == ["back"]


def test_they_wait_for_one_another() -> None:
    """The server for healthy stores and a bucket that was made; the worker for the server besides."""
    stores = {"postgres": "service_healthy", "redis": "service_healthy", "bucket": "service_completed_successfully"}
    waits = {
        name: {other: how["condition"] for other, how in one.get("depends_on", {}).items()}
        for name, one in services().items()
    }
    assert waits["server"] == stores
    assert waits["worker"] == stores | {"server": "service_healthy"}
    assert waits["bucket"] == {"minio": "service_healthy"}


def test_settings_are_those_there_are() -> None:
    """Server and worker share one secret and one set of stores; no name is misspelt."""
    server, worker = services()["server"]["environment"], services()["worker"]["environment"]
    for environment in (server, worker, compose(HOST)["services"]["server"]["environment"]):
        assert unknown_names({name: str(value) for name, value in environment.items()}) == []
    assert {name: server[name] for name in worker} == worker
    assert worker[f"{PREFIX}PRODUCTION"] == "true"
    assert server[f"{PREFIX}JOBS__EMBEDDED"] == "false"


def test_turn_leads_to_the_server_alone() -> None:
    """Every address is denied, of both families, and the server's is the exception."""
    (command,) = services()["coturn"]["command"]
    assert "--denied-peer-ip=0.0.0.0-255.255.255.255" in command
    assert "--denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" in command
    assert re.findall(r"--allowed-peer-ip=(\S+)", command) == ['"$$TURN_PEER"']
    assert {"--lt-cred-mech", "--no-cli", "--no-multicast-peers", "--no-tcp-relay"} <= set(command.split())
    assert services()["server"]["networks"]["front"]["ipv4_address"].endswith(":-172.31.251.10}")
    assert services()["coturn"]["environment"]["TURN_PEER"].endswith(":-172.31.251.10}")


def _client() -> list[str]:
    named = os.environ.get("ROLLCALL_TEST_COMPOSE")
    for command in ([named] if named else [], ["docker", "compose"], ["docker-compose"]):
        if command and shutil.which(command[0]):
            done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
            if done.returncode == 0 and done.stdout.lstrip("v")[:1].isdecimal() and not done.stdout.startswith("1."):
                return command
    pytest.skip("no Compose client here (docker compose, or its path in ROLLCALL_TEST_COMPOSE)")


def test_the_health_of_a_server_on_the_hosts_network() -> None:
    """It is asked where it listens, and not on loopback whatever its address is."""
    server = compose(HOST)["services"]["server"]
    assert "${ROLLCALL_HOST:-127.0.0.1}" in server["command"]
    assert "//${ROLLCALL_HOST:-127.0.0.1}:8000/" in server["environment"]["HEALTH_URL"]


@pytest.mark.parametrize("files", [(COMPOSE,), (COMPOSE, HOST)], ids=["alone", "on the host's network"])
def test_compose_itself_takes_the_files(files: tuple[Path, ...], tmp_path: Path) -> None:
    """With every variable set; with one missing it says which."""
    client = _client()
    given = [argument for path in files for argument in ("-f", str(path))]
    command = [*client, "--project-directory", str(tmp_path), *given, "--profile", "turn", "config", "--format", "json"]
    environment = {name: value for name, value in os.environ.items() if name not in REQUIRED}
    secrets = {name: f"set-{name.lower()}" for name in REQUIRED}
    done = subprocess.run(command, env=environment | secrets, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    resolved = json.loads(done.stdout)["services"]
    assert set(resolved) == set(services())
    on_host = resolved["server"].get("network_mode") == "host"
    assert on_host == (HOST in files)
    assert not (on_host and resolved["server"].get("ports"))
    for name in REQUIRED:
        without = {other: value for other, value in secrets.items() if other != name}
        done = subprocess.run(
            command, env=environment | without, capture_output=True, text=True, timeout=60, check=False
        )
        assert f"required variable {name}" in done.stderr
