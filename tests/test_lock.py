"""The two locks: every version with its hashes, within the ranges, and nothing left for pip to look for."""

import base64
import hashlib
import importlib.metadata
import os
import re
import subprocess
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from literate.chapters import ROOT

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("requirements.txt", "requirements-test.txt")
PIN = re.compile(
    r"^(?P<requirement>[A-Za-z0-9].*?) \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", re.M
)


def pins(name):
    """The requirements of one lock."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = [Requirement(match["requirement"]) for match in PIN.finditer(text)]
    assert len(found) == len(re.findall(r"^[A-Za-z0-9]", text, re.M)), f"{name}: a line without hashes"
    return found


def here(requirements, environment=None):
    """Those that this Python and this system take, or those of another environment, by name."""
    kept = [item for item in requirements if item.marker is None or item.marker.evaluate(environment)]
    assert len({canonicalize_name(item.name) for item in kept}) == len(kept)
    return {canonicalize_name(item.name): item for item in kept}


BOOK, TEST = pins(LOCKS[0]), pins(LOCKS[1])
ALL = here([*BOOK, *TEST])


def test_every_requirement_is_one_version_from_the_default_index():
    for requirement in [*BOOK, *TEST]:
        assert re.fullmatch(r"==[0-9][^*,]*", str(requirement.specifier)), requirement
    assert not any("http" in (ROOT / name).read_text(encoding="utf-8") for name in LOCKS)


@pytest.mark.parametrize(("extras", "locked"), [(("book",), here(BOOK)), (("book", "test"), ALL)])
def test_the_locks_meet_the_ranges_of_the_project(extras, locked):
    wanted = [
        *EXTRAS["dependencies"],
        *(line for key in extras for line in EXTRAS["optional-dependencies"][key]),
    ]
    for requirement in map(Requirement, wanted):
        (specifier,) = locked[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(specifier.version), requirement


@pytest.mark.parametrize("version", ["3.11.0", "3.11.7", "3.12.1", "3.13.0", "3.14.2"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_every_python_and_system_takes_one_version_of_each_package(version, system):
    environment = {
        "python_full_version": version,
        "python_version": version.rpartition(".")[0],
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
        "os_name": "nt" if system == "win32" else "posix",
    }
    taken = here([*BOOK, *TEST], environment)
    assert {"numpy", "scipy", "zarr", "numcodecs"} <= taken.keys()  # the versions of these depend on Python


def test_the_lock_of_the_tests_adds_to_that_of_the_book():
    assert (ROOT / LOCKS[1]).read_text(encoding="utf-8").startswith(f"-r {LOCKS[0]}\n")
    assert not here(BOOK).keys() & here(TEST).keys()
    assert not {"pytest", "scipy", "playwright", "ruff"} & here(BOOK).keys(), "a reader needs none of these"


def wheel(folder, name, version, requires=(), extras=()):
    """An empty wheel that asks for what the real one asks for; returns its hash."""
    label = f"{name.replace('-', '_')}-{version}"
    info = f"{label}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Provides-Extra: {extra}" for extra in extras]
    metadata += [f"Requires-Dist: {line}" for line in requires]
    files = {
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for path, text in files.items()
    }
    files[f"{info}/RECORD"] = (
        "".join(f"{path},sha256={digests[path]},\n" for path in files) + f"{info}/RECORD,,\n"
    )
    path = folder / f"{label}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Every locked package as an empty wheel, a newer version of each, and the locks with their hashes."""
    folder = tmp_path_factory.mktemp("index")
    lines = {}
    for name, requirement in ALL.items():
        (specifier,) = requirement.specifier
        installed = importlib.metadata.distribution(name)
        asked = (installed.requires or [], installed.metadata.get_all("Provides-Extra") or [])
        digest = wheel(folder, name, specifier.version, *asked)
        wheel(folder, name, "99999999", *asked)
        lines[name] = f"{requirement} --hash=sha256:{digest}\n"
    return folder, lines


def resolve(bare_python, index, lines):
    """What pip says of a lock, with nothing but the wheels of the index to look for."""
    folder = index[0]
    (folder / "lock.txt").write_text("".join(lines), encoding="utf-8")
    options = [
        "--dry-run",
        "--no-index",
        "--find-links",
        folder,
        "--require-hashes",
        "-r",
        folder / "lock.txt",
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    return subprocess.run(
        [bare_python, "-m", "pip", "install", *options],
        env=environment | {"PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
    )


def test_pip_takes_the_lock_though_everything_in_it_has_a_newer_version(bare_python, index):
    result = resolve(bare_python, index, index[1].values())
    assert result.returncode == 0, result.stdout + result.stderr
    assert "99999999" not in result.stdout


def test_pip_refuses_a_lock_that_leaves_something_out(bare_python, index):
    result = resolve(bare_python, index, [index[1]["pytest"]])
    assert result.returncode == 1 and "must have their versions pinned" in result.stderr


def test_what_is_asked_for_with_extras_is_locked_with_them():
    """Before 24.0, pip looks beyond the lock for `coverage[toml]` if that has `coverage` alone."""
    asked = {}
    for name, requirement in ALL.items():
        for line in importlib.metadata.distribution(name).requires or []:
            wanted = Requirement(line)
            applies = wanted.marker is None or any(
                wanted.marker.evaluate({"extra": extra}) for extra in requirement.extras or {""}
            )
            if wanted.extras and applies:
                asked[canonicalize_name(wanted.name)] = wanted.extras
    assert "coverage" in asked, "nothing is asked for with extras: the test has lost its object"
    for name, extras in asked.items():
        assert ALL[name].extras == extras, f"{name}[{','.join(sorted(extras))}]"
