"""The page of learners' questions: answered at once, settled by a theorem or chapter, tried, asked somewhere.

The examples themselves are doctests, which pytest collects from the page.
"""

import doctest
import re

import numpy as np
import pytest
from test_peers import import_peer

import softlit
from literate import ledger
from literate.chapters import ROOT, toc_files

TEXT = (ROOT / "book" / "questions.md").read_text(encoding="utf-8")
THREAD = re.compile(
    r"\[(?P<name>[^\]]+) (?P<number>\d+)\]\(https://(?:(?:stats|math|ai|datascience)\.stackexchange\.com/questions"
    r"|stackoverflow\.com/questions|github\.com/[\w.-]+/[\w.-]+/(?:issues|pull))/(?P<id>\d+)\)"
)
LINES = 6 * 100  # characters: six lines of the page at its full width, with "Theorem 1.1" for a reference
WIDTH = 78  # characters of code that the page shows without scrolling
EXAMPLE = re.compile(r"```python\n(>>> .*?\n)\n```", re.S)
SET_UP = re.compile(r"(Try|Let|Consider|Suppose|If|For)\b")  # what does not answer yet


def parts_of(text):
    """The name, the heading and the paragraphs of each question."""
    pieces = re.split(r"^\((q-[a-z-]+)\)=\n", text, flags=re.M)[1:]
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        body = re.sub(r"<!--.*?-->\n|\n## .*", "", body, flags=re.S)
        heading, _, rest = body.strip().partition("\n")
        yield name, heading, rest


def problems(text, labels, pages):
    """One sentence for each question that is not in its form."""
    names = [name for name, _, _ in parts_of(text)]
    if len(set(names)) != len(names) or len(names) != len(re.findall("^### ", text, re.M)):
        yield "a question has no label of its own"
    for name, heading, rest in parts_of(text):
        examples = EXAMPLE.findall(rest)
        *answer, threads = EXAMPLE.sub("", rest).strip().split("\n\n")
        if not re.fullmatch(r"### [^?].+\?", heading.replace(" (calibration)?", "?")):
            yield f"{name}: no question"
        if not answer or SET_UP.match(answer[0]):
            yield f"{name}: does not begin with the answer"
            continue
        if not examples and "| " not in rest:
            yield f"{name}: nothing to try"
        if any(len(line) > WIDTH for example in examples for line in example.splitlines()):
            yield f"{name}: an example that is wider than the page"
        if any(not re.search(r"^(?!>>>|\.\.\.).", example, re.M) for example in examples):
            yield f"{name}: an example that shows nothing"
        theorems, chapters = (re.findall(rf"\{{{role}\}}`([^`]+)`", rest) for role in ("prf:ref", "doc"))
        if not theorems + chapters:
            yield f"{name}: nothing settles it"
        for target in {*theorems} - labels | {*chapters} - pages:
            yield f"{name}: there is no {target}"
        if len(re.sub(r"\{prf:ref\}`[^`]+`", "Theorem 1.1", answer[0])) > LINES:
            yield f"{name}: longer than six lines"
        for number in re.findall(r"\d+\.\d+", " ".join(answer)):
            if number not in " ".join(examples):
                yield f"{name}: {number} stands in none of its examples"
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
    assert TEXT.count("### ") >= 30
    addresses = re.findall(r"\]\((https[^)]+)\)", TEXT)
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize(
    "right, wrong, complaint",
    [
        ("thm-pinning", "thm-pining", "there is no thm-pining"),
        ("{doc}`00-workbench`", "{doc}`00-workshop`", "there is no 00-workshop"),
        ("questions/298849", "questions/298848", "leads to 298848"),
        ("https://github.com/numpy", "https://example.org/numpy", "without a known address"),
        ("Convex, and strictly so", "Convex. " * 90 + "And strictly so", "longer than six lines"),
        ("above 5", "above 5.8", "5.8 stands in none of its examples"),
        ("(q-convex)=\n", "", "no label of its own"),
        ("Because only with it a common shift changes nothing. Try", "Try", "does not begin with the answer"),
        ("5.91 6.91\n", "", "an example that shows nothing"),
        ("  # 0: along 1", "  # 0 for the direction that has all entries alike", "wider than the page"),
    ],
)
def test_a_planted_fault_is_seen(known, right, wrong, complaint):
    assert right in TEXT
    found = list(problems(TEXT.replace(right, wrong, 1), *known))
    assert any(complaint in problem for problem in found)


def test_an_example_that_does_not_hold_is_seen():
    """pytest collects the page; a wrong number in it fails."""
    globs = {"__name__": "__main__"}
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    wrong = TEXT.replace("[0.665 0.245 0.09 ]", "[0.664 0.245 0.09 ]", 1)
    test = parser.get_doctest(wrong, globs, "questions", None, 0)
    test.examples = test.examples[:6]
    assert runner.run(test, out=lambda text: None).failed == 1
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "--doctest-glob=book/questions.md" in config


def test_every_question_can_be_linked_by_its_label(site):
    page = site["book/questions.html"]
    for name, heading, _ in parts_of(TEXT):
        (title,) = page.xpath(f"//section[@id='{name}']/h3")
        assert title.xpath("./a[@class='headerlink']/@href") == [f"#{name}"], heading


def test_the_page_stands_second(site):
    links = site["book/01-hard-and-soft.html"].xpath("//nav[contains(@class, 'bd-links')]//a/@href")
    assert links[0] == "questions.html"


# --- The table of names: what it says of PyTorch

Q, K, V = np.random.default_rng(0).normal(size=(3, 2, 1, 4, 8))
X, LABELS = np.random.default_rng(1).normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
MASK = np.array([[True, False, False, True], [False, False, True, True]])


def test_losses_and_temperatures_of_the_table():
    torch = import_peer("torch")
    x, y = torch.from_numpy(X), torch.from_numpy(LABELS)
    mine = softlit.cross_entropy(X, LABELS).mean()
    assert softlit.cross_entropy(softlit.log_softmax(X), LABELS).mean() == pytest.approx(mine, rel=1e-14)
    assert torch.nn.CrossEntropyLoss()(x, y).item() == pytest.approx(mine, rel=1e-14)
    assert torch.nn.NLLLoss()(torch.log_softmax(x, 1), y).item() == pytest.approx(mine, rel=1e-14)
    assert torch.nn.NLLLoss()(torch.softmax(x, 1), y).item() != pytest.approx(mine, rel=1e-2), "no logarithm"
    for theirs, own in (
        (torch.softmax(x / 3, dim=-1), softlit.softmax(X, beta=1 / 3)),
        (torch.softmax(x, dim=0), softlit.softmax(X, axis=0)),
    ):
        np.testing.assert_allclose(theirs.numpy(), own, rtol=1e-14, atol=0)


def test_masks_of_the_table():
    torch = import_peer("torch")
    x, hidden = torch.from_numpy(X[:2, :3]), torch.from_numpy(MASK[:, :3])
    theirs = torch.softmax(x.masked_fill(hidden, -np.inf), -1).numpy()
    np.testing.assert_allclose(theirs, softlit.softmax(X[:2, :3], where=~MASK[:, :3]), rtol=1e-14)
    q, k, v = map(torch.from_numpy, (Q, K, V))
    seen = torch.from_numpy(~MASK)[:, None, None, :]
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen).numpy()
    np.testing.assert_allclose(theirs, softlit.attention(Q, K, V, mask=seen.numpy()), rtol=1e-12)
    layer = torch.nn.MultiheadAttention(8, 1, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.eye(8).repeat(3, 1))
        layer.out_proj.weight.copy_(torch.eye(8))
        theirs = layer(q[:, 0], k[:, 0], v[:, 0], key_padding_mask=torch.from_numpy(MASK))[0].numpy()
    mine = softlit.attention(Q, K, V, mask=~MASK[:, None, None, :])
    np.testing.assert_allclose(theirs, mine[:, 0], rtol=1e-12)
    assert np.abs(theirs - softlit.attention(Q, K, V, mask=MASK[:, None, None, :])[:, 0]).max() > 0.1
