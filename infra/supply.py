"""What is installed: the hashes of every tested version, made from constraints.txt and compared with it.

`make lock` has uv write them down for the files of all platforms, from the index that is set up; a build that is in
another one, such as a torch without CUDA, is named in `infra/lock/builds.txt` by hand. An installation with
`pip install --require-hashes --requirement infra/lock/requirements.txt` then takes these very files and no others.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "infra" / "lock" / "requirements.txt"
BUILDS: Final = ROOT / "infra" / "lock" / "builds.txt"
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]+)")
_HEAD: Final = "# Made by make lock from constraints.txt and builds.txt: not to be changed by hand.\n"


def pinned(text: str) -> dict[str, str]:
    """The version of each package that a list of requirements names, by the name as indices write it."""
    return {_plain(name): version for name, version in _PIN.findall(text)}


def hashes(text: str) -> dict[str, tuple[str, ...]]:
    """The hashes of each package of a lock, by name==version."""
    found: dict[str, tuple[str, ...]] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        if pin := _PIN.search(block):
            found[f"{_plain(pin[1])}=={pin[2]}"] = tuple(_HASH.findall(block))
    return found


def differences(wanted: Mapping[str, str], locked: Mapping[str, tuple[str, ...]]) -> list[str]:
    """A sentence for each version that has no hash in the lock, and for each that is there and not wanted."""
    names = {f"{name}=={version}" for name, version in wanted.items()}
    missing = [f"{name} has no hash in {LOCK.name}: run make lock." for name in names if not locked.get(name)]
    return sorted(
        [*missing, *(f"{name} is locked and not in constraints.txt: run make lock." for name in set(locked) - names)]
    )


def lock(uv: str) -> str:
    """The lock as `uv` makes it of constraints.txt, with the builds that come from elsewhere. Raises ValueError."""
    command = [uv, "pip", "compile", "constraints.txt", "--generate-hashes", "--no-deps", "--no-annotate"]
    command += ["--no-header", "--universal", "--python-version", "3.11", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"The lock cannot be made: {done.stderr.strip()}")
    text = done.stdout
    for name, more in hashes(BUILDS.read_text(encoding="utf-8")).items():
        added = "".join(f" \\\n    --hash=sha256:{one}" for one in more)
        if f"\n{name} " not in f"\n{text}":
            raise ValueError(f"{BUILDS.name} names {name}, which is not in constraints.txt.")
        text = text.replace(f"{name} ", f"{name}{added} ", 1)
    return _HEAD + text


def main() -> int:
    """Write the lock with the uv that is named; returns the exit code."""
    try:
        LOCK.write_text(lock(sys.argv[1]), encoding="utf-8")
    except (ValueError, OSError, IndexError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
