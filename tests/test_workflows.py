"""The workflows: pinned actions, steps with names, few permissions, and commands that exist."""

import re
import tomllib

import pytest
import yaml

from literate.chapters import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
MAY_WRITE = {("site.yml", "deploy"): {"pages", "id-token"}, ("release.yml", "attach"): {"contents"}}


def steps_of(text):
    for job in yaml.safe_load(text)["jobs"].values():
        yield from job["steps"]


def make_targets():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][\w-]*):", text, re.M))


def problems(name, text):
    """One sentence for each place where a workflow breaks a rule."""
    for number, line in enumerate(text.splitlines(), start=1):
        if "uses:" in line and not PINNED.search(line):
            yield f"{name}, line {number}: an action without a full hash, and its version behind it."
        if re.match(r" {6}- ", line) and ":" in line and not re.match(r" {6}- name: \w", line):
            yield f"{name}, line {number}: a step without a name."
    workflow = yaml.safe_load(text)
    if workflow.get("permissions") not in ({}, {"contents": "read"}):
        yield f"{name}: the workflow as a whole may do more than read."
    for job, settings in workflow["jobs"].items():
        allowed = settings.get("permissions", {})
        granted = {scope for scope, level in allowed.items() if level != "read"}
        if granted != MAY_WRITE.get((name, job), set()):
            yield f"{name}: {job} may write {sorted(granted)}."
        if "timeout-minutes" not in settings:
            yield f"{name}: {job} has no time limit."
    for step in steps_of(text):
        command = step.get("run", "")
        if "${{" in command:
            yield f"{name}: {step['name']} puts an expression into a shell."
        checkout = step.get("uses", "").startswith("actions/checkout@")
        if checkout and (step.get("with") or {}).get("persist-credentials") is not False:
            yield f"{name}: {step['name']} leaves the token on the disk."
        for target in re.findall(r"\bmake ([\w.-]+)", command):
            if target not in make_targets():
                yield f"{name}: there is no make {target}."
        for path in re.findall(r"\btests/\w+\.py|[\w-]+\.txt", command):
            if not (ROOT / path).exists():
                yield f"{name}: there is no {path}."


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_a_workflow_keeps_the_rules(path):
    assert list(problems(path.name, path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "name, old, new, sentence",
    [
        ("test.yml", r"@[0-9a-f]{40} # (v\d+)\S+", r"@\1", "an action without a full"),
        ("test.yml", r" # v\d\S+", "", "an action without a full hash"),
        ("test.yml", "      - name: Run all tests\n        run", "      - run", "a step without a name"),
        ("test.yml", "  contents: read", "  contents: write", "may do more than read"),
        ("site.yml", "      contents: read", "      contents: write", "build may write"),
        ("site.yml", "    timeout-minutes: 60\n", "", "build has no time limit"),
        ("site.yml", "make book", "make site", "there is no make site"),
        ("test.yml", "test_laws.py", "test_lows.py", "there is no tests/test_lows.py"),
        ("test.yml", "persist-credentials: false", "fetch-depth: 1", "leaves the token on the disk"),
        ("site.yml", "PYTHON=python", "PYTHON=${{ github.head_ref }}", "an expression into a shell"),
    ],
)
def test_a_fault_in_a_workflow_is_seen(name, old, new, sentence):
    text = (ROOT / ".github/workflows" / name).read_text(encoding="utf-8")
    planted, count = re.subn(old, new, text)  # patterns, since Dependabot moves the versions
    assert count
    assert any(sentence in problem for problem in problems(name, planted))


def test_the_oldest_and_the_newest_versions_are_tested():
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))["jobs"]
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for job in ("project", "systems"):
        pythons = jobs[job]["strategy"]["matrix"]["python"]
        assert package["requires-python"] == f">={pythons[0]}" and len(pythons) == 2
        ends = re.findall(r"^(?:OLDEST|NEWEST) := (\d+)$", makefile, re.M)
        assert pythons == [f"3.{end}" for end in ends], "the Makefile lets in what is not tested"
    systems = {jobs["project"]["runs-on"], *jobs["systems"]["strategy"]["matrix"]["system"]}
    assert {system.split("-")[0] for system in systems} == {"ubuntu", "macos", "windows"}
    oldest = package["dependencies"][0].removeprefix("numpy>=")
    assert any(f"numpy=={oldest}.0.*" in step.get("run", "") for step in jobs["oldest-numpy"]["steps"])


def test_dependabot_watches_the_actions_and_the_rules_of_accessibility():
    settings = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))
    assert [update["package-ecosystem"] for update in settings["updates"]] == ["npm", "github-actions"]
