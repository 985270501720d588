"""The wheel and the sdist build, install into an empty environment, and import with NumPy alone."""

import json
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy

from literate.chapters import ROOT
from literate.tangle import package_files

PROBE = """
import json, sys
import softlit
values = softlit.softmax([0.0, 0.0]).tolist()
print(json.dumps({"values": values, "version": softlit.__version__, "file": softlit.__file__,
                  "modules": sorted(m for m in sys.modules if "." not in m)}))
"""


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def test_the_wheel_holds_the_package_and_nothing_else(distribution):
    wheel, _ = distribution
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        fields = Parser().parsestr(archive.read(metadata).decode())
    results = {f"lab/results/{path.name}" for path in (ROOT / "benchmarks" / "results").glob("*.json")}
    assert names == {f"softlit/{name}" for name in {*package_files(ROOT / "softlit")} | results}
    assert not re.search(r"\]\((?!https?:)", fields.get_payload()), "README: an index knows no file beside it"
    required = [line for line in fields.get_all("Requires-Dist") if "extra ==" not in line]
    assert required == ["numpy>=2"]
    assert fields["Requires-Python"] == ">=3.11"


def test_the_sdist_holds_the_licences(distribution):
    _, source = distribution
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "LICENSE-TEXT",
        "CITATION.cff",
        "README.md",
        "softlit/kernels.py",
    } <= names
    assert not any(name.startswith(("book/", "tests/", ".venv")) for name in names)


def test_installs_into_an_empty_environment_and_imports_with_numpy_alone(distribution, tmp_path):
    """NumPy is lent to the new environment from this one, so that the test needs no network."""
    venv.create(tmp_path / "env", with_pip=False)
    python = next(path for path in (tmp_path / "env").glob("*/python*") if path.stem == "python")
    wheel, _ = distribution
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        str(wheel),
    )
    packages = Path(run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    assert [path.name for path in packages.glob("*") if path.is_dir() and "dist-info" not in path.name] == [
        "softlit"
    ]
    installed = Path(numpy.__file__).parent
    for name in (installed.name, "numpy.libs"):
        if (source := installed.parent / name).exists():
            (packages / name).symlink_to(source)
    seen = json.loads(run(str(python), "-I", "-c", PROBE, cwd=tmp_path))
    assert seen["values"] == [0.5, 0.5] and Path(seen["file"]).is_relative_to(packages)
    assert not {"sympy", "mpmath", "matplotlib", "IPython", "scipy"} & set(seen["modules"])
