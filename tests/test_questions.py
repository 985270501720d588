"""The page of learners' questions: each one short, settled by a theorem or a chapter, and asked somewhere."""

import re

import pytest

from literate import ledger
from literate.chapters import ROOT, toc_files

TEXT = (ROOT / "book" / "questions.md").read_text(encoding="utf-8")
THREAD = re.compile(
    r"\[(?P<name>[^\]]+) (?P<number>\d+)\]\(https://(?:(?:stats|math|ai|datascience)\.stackexchange\.com/questions"
    r"|stackoverflow\.com/questions|github\.com/[\w.-]+/[\w.-]+/(?:issues|pull))/(?P<id>\d+)\)"
)
LINES = 5 * 100  # characters: five lines of the page at its full width, with "Theorem 1.1" for a reference


def problems(text, labels, pages):
    """One sentence for each question that is not in its form."""
    questions = re.split(r"^\((q-[a-z-]+)\)=\n", text, flags=re.M)[1:]
    names, bodies = questions[::2], questions[1::2]
    if len(set(names)) != len(names) or len(names) != len(re.findall("^### ", text, re.M)):
        yield "a question has no label of its own"
    for name, body in zip(names, bodies, strict=True):
        body = re.sub(r"\n## .*", "", body, flags=re.S)
        parts = body.strip().split("\n\n")
        if len(parts) != 3 or not re.fullmatch(r"### .+\?", parts[0]):
            yield f"{name}: not a question, one paragraph and the threads"
            continue
        _, answer, threads = parts
        theorems, chapters = (re.findall(rf"\{{{role}\}}`([^`]+)`", answer) for role in ("prf:ref", "doc"))
        if not theorems + chapters:
            yield f"{name}: nothing settles it"
        for target in {*theorems} - labels | {*chapters} - pages:
            yield f"{name}: there is no {target}"
        if len(re.sub(r"\{prf:ref\}`[^`]+`", "Theorem 1.1", answer)) > LINES:
            yield f"{name}: longer than five lines"
        if re.search(r"\d\.\d", answer):
            yield f"{name}: a typed decimal"
        found = [match for link in threads.split("), ") if (match := THREAD.search(link + ")"))]
        if not threads.startswith("Asked at: ") or len(found) != threads.count("]("):
            yield f"{name}: a thread without a known address"
        for match in found:
            if match["number"] != match["id"]:
                yield f"{name}: {match['name']} {match['number']} leads to {match['id']}"


@pytest.fixture(scope="module")
def known(book):
    return set(ledger.statements(book)), {entry.removeprefix("book/") for entry in toc_files()}


def test_every_question_is_settled(known):
    assert list(problems(TEXT, *known)) == []
    assert TEXT.count("### ") >= 21
    addresses = re.findall(r"\]\((https[^)]+)\)", TEXT)
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize(
    "right, wrong, complaint",
    [
        ("thm-pinning", "thm-pining", "there is no thm-pining"),
        ("{doc}`00-workbench`", "{doc}`00-workshop`", "there is no 00-workshop"),
        ("questions/298849", "questions/298848", "leads to 298848"),
        ("https://github.com/numpy", "https://example.org/numpy", "without a known address"),
        ("Convex, and strictly so", "Convex. " * 70 + "And strictly so", "longer than five lines"),
        ("above 5", "5.909", "a typed decimal"),
        ("(q-convex)=\n", "", "no label of its own"),
    ],
)
def test_a_planted_fault_is_seen(known, right, wrong, complaint):
    assert right in TEXT
    found = list(problems(TEXT.replace(right, wrong, 1), *known))
    assert any(complaint in problem for problem in found)
