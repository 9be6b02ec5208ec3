"""What the project ships beside its packages: extras that are enough, a Procfile, a compose file, an image."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from darklaunch_console.cli.command_table import COMMANDS
from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys
from darklaunch_shared.redis.client import connect
from darklaunch_shared.wire.fields import pair_fields
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PATIENCE_S = 60.0
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAMES = {entry.name for entry in COMMANDS}

BLOCKING = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from darklaunch_console.cli.main import main
for arguments in {calls!r}:
    sys.argv = ["darklaunch", *arguments]
    try:
        main()
    except SystemExit as end:
        print("exit code", end.code or 0, flush=True)
"""


def with_extra_only(extra: str, *calls: str) -> subprocess.CompletedProcess[str]:
    """Run commands as if the project had been installed with one extra ("" for none); each says its exit code."""
    wanted = [*PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] if extra else ())]
    present = closure(wanted) | {"darklaunch"}
    absent = {
        module
        for module, owners in metadata.packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & present
    }
    program = BLOCKING.format(absent=absent, calls=[call.split() for call in calls])
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


def closure(requirements: Iterable[str]) -> set[str]:
    """Name the distributions that come with these requirements, and with theirs."""
    found: set[str] = set()
    todo = [(Requirement(text), "") for text in requirements]
    while todo:
        wanted, extra = todo.pop()
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(wanted.name)
        if name == "darklaunch":
            own = [text for each in wanted.extras for text in PROJECT["optional-dependencies"][each]]
            todo += [(Requirement(text), "") for text in own]
        elif name not in found:
            found.add(name)
            needed = [Requirement(text) for text in metadata.requires(name) or ()]
            todo += [(each, extra) for each in needed for extra in wanted.extras or {""}]
    return found


@pytest.mark.parametrize(
    ("extra", "commands"),
    [
        ("workers", {"worker"}),
        ("comparator", {"comparator", "migrate"}),
        ("console", NAMES - {"demo", "dashboard"}),
        ("dashboard", {"dashboard", "list"}),
    ],
)
def test_an_extra_is_enough_for_its_commands(extra: str, commands: set[str]) -> None:
    done = with_extra_only(extra, *(f"{command} --help" for command in sorted(commands)))
    assert done.stderr == ""
    assert re.findall(r"^Usage: darklaunch ([a-z-]+)", done.stdout, re.MULTILINE) == sorted(commands)
    assert set(re.findall(r"^exit code (\d+)", done.stdout, re.MULTILINE)) == {"0"}


def test_without_extras_a_command_says_which_one_it_needs() -> None:
    done = with_extra_only("", "", "list", "worker", "comparator", "demo")
    wanted = re.findall(r"^Error: `darklaunch.*pip install 'darklaunch\[(\w+)\]'$", done.stderr, re.MULTILINE)
    assert wanted == ["console", "console", "workers", "comparator", "all"]
    assert done.stdout.splitlines() == ["exit code 1"] * 5


def test_the_procfile_runs_under_honcho_and_stops_cleanly(own_valkey: Valkey, postgres_dsn: str) -> None:
    """While both parts run, the compose file's health checks find them; before and after, they do not."""
    servers = {"DARKLAUNCH_REDIS_URL": own_valkey.url, "DARKLAUNCH_DATABASE_URL": postgres_dsn}
    environment = {**os.environ, **servers, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    redis = connect(own_valkey.url, client_name="darklaunch-test")
    assert healths(environment) == {"worker": 1, "comparator": 1}
    command = [str(BIN / "honcho"), "start", "--no-colour"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        registries = (keys.WORKERS, keys.COMPARATORS)
        eventually(lambda: all(pair_fields(redis.execute_command("HGETALL", name)) for name in registries))
        assert healths(environment) == {"worker": 0, "comparator": 0}
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert sorted(re.findall(r"(\w+)\.1 stopped \(rc=(-?\d+)\)", said)) == [("comparator", "0"), ("worker", "0")], said
    assert all(not pair_fields(redis.execute_command("HGETALL", name)) for name in registries)
    redis.close()


def test_a_health_check_does_not_blame_a_process_for_redis(tmp_path: Path) -> None:
    environment = {**os.environ, "DARKLAUNCH_REDIS_URL": f"unix://{tmp_path}/nobody-listens"}
    assert healths(environment) == {"worker": 0, "comparator": 0}


def test_every_line_of_the_procfile_execs_a_command() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    for line in lines:
        name, command = line.split(": ", 1)
        assert shlex.split(command) == ["exec", "darklaunch", name]
        assert name in NAMES
    assert subprocess.run([BIN / "honcho", "check"], cwd=ROOT, capture_output=True).returncode == 0


def test_the_compose_file_names_real_commands_and_checks_what_others_wait_for() -> None:
    services = compose_services()
    ours = {name: text for name, text in services.items() if "<<: *darklaunch" in text}
    assert set(ours) == {"migrate", "worker", "comparator", "console"}
    for text in ours.values():
        (command,) = words(text, "command")
        assert command in NAMES
    for name, text in services.items():
        assert not re.search(r"^    (ports|container_name|network_mode):", text, re.MULTILINE), f"{name} cannot scale"
        for other in re.findall(r"^      (\w+): \{ condition: service_healthy \}", text, re.MULTILINE):
            assert "    healthcheck:\n" in services[other]


def test_the_password_of_postgres_may_stand_beside_its_url(postgres_dsn: str) -> None:
    """As in the compose file: then it may hold any character."""
    assert "PGPASSWORD: ${POSTGRES_PASSWORD" in (ROOT / "compose.yaml").read_text()
    url = urlsplit(postgres_dsn)
    bare = url._replace(netloc=url.netloc.replace(f":{url.password}@", "@")).geturl()
    environment = {**os.environ, "DARKLAUNCH_DATABASE_URL": bare, "PGPASSWORD": unquote(url.password or "")}
    command = [sys.executable, "-m", "darklaunch_console", "migrate", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout or done.stderr) == {"applied": []}


def test_docker_reads_the_compose_file() -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("there is no `docker compose` here")
    environment = {**os.environ, "POSTGRES_PASSWORD": "secret"}
    for options in ([], ["--profile", "console"]):
        done = subprocess.run(
            [docker, "compose", *options, "config", "--format", "json"], cwd=ROOT, env=environment, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
        assert set(json.loads(done.stdout)["services"]) >= {"redis", "postgres", "migrate", "worker", "comparator"}


def test_the_image_holds_everything_the_build_asks_for() -> None:
    text = (ROOT / "Dockerfile").read_text()
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE) for word in line.split()}
    assert all((ROOT / each).exists() for each in copied)
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {package.partition("/")[0] for package in build["packages"]} | {PROJECT["readme"], "LICENSE"} <= copied
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert copied == kept


def compose_services() -> dict[str, str]:
    """Split the compose file into its services; a test of its structure that needs no YAML reader."""
    _, _, rest = (ROOT / "compose.yaml").read_text().partition("\nservices:\n")
    body = re.split(r"^\w", rest, maxsplit=1, flags=re.MULTILINE)[0]
    parts = re.split(r"^  (\w+):\n", body, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def words(text: str, key: str) -> list[str]:
    """Read a list in one line: `command: [worker]`."""
    found = re.search(rf"^ +{key}: \[(.*)\]$", text, re.MULTILINE)
    assert found, f"there is no {key} in {text}"
    return [word.strip().strip('"') for word in found[1].split(",")]


def healths(environment: dict[str, str]) -> dict[str, int]:
    """Run the compose file's health checks here; return their exit codes."""
    services = compose_services()
    codes: dict[str, int] = {}
    for name in ("worker", "comparator"):
        kind, program, *arguments = words(services[name], "test")
        assert (kind, program) == ("CMD", "python")
        done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, timeout=60)
        codes[name] = done.returncode
    return codes


def eventually(happened: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.05)
