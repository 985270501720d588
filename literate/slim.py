"""The last step of the site's build: leave out what no page uses.

A reader loads with every page the theme's style sheet and a font of icons, made for any site, and
formulas and code in a markup that repeats itself. Style sheets keep the rules whose classes and ids occur in
some page or script, fonts keep the characters that occur in a page or a style sheet, and pages lose the spans
around names and punctuation, which take the colour of the text, and the styles that KaTeX writes out at each
letter. A chapter is half as large, and looks the same.
"""

import re
from html import unescape
from pathlib import Path

from fontTools import subset

# --- Style sheets

# A comment, a string, a bracket of a block, the end of a declaration, or the text between them.
TOKEN = re.compile(
    r"""/\*.*?\*/|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|url\([^"')]*\)|[{};]|[^{};"'/u]+|.)""", re.DOTALL
)
GROUPS = ("@media", "@supports", "@layer", "@container")
ARGUMENT = re.compile(r":(?:not|is|where|has|nth-[\w-]+)\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
# Comments are lost, except those that a licence asks to keep: /*! ... */
LICENCE = re.compile(r"/\*!.*?\*/", re.DOTALL)


def used_rules(css, names):
    """A style sheet without the rules that need a class or an id other than the names."""
    tokens = (match[1] for match in TOKEN.finditer(css) if match[1])
    return "\n".join([*LICENCE.findall(css), *_rules(tokens, names)])


def _rules(tokens, names):
    prelude = ""
    for token in tokens:
        if token == "}":
            return
        if token == ";":  # @import, @charset
            yield f"{prelude.strip()};"
            prelude = ""
        elif token != "{":
            prelude += token
        else:
            head, prelude = prelude.strip(), ""
            if head.startswith(GROUPS):
                body = "\n".join(_rules(tokens, names))
            else:
                body = _block(tokens)
                if not head.startswith("@"):
                    head = ",".join(one for one in _selectors(head) if _needs(one) <= names)
            if head and body:
                yield f"{head}{{{body}}}"


def _block(tokens):
    text, depth = "", 1
    for token in tokens:
        depth += (token == "{") - (token == "}")
        if not depth:
            break
        text += token
    return re.sub(r"\s+", " ", text).strip()


def _selectors(head):
    """The selectors between the commas that stand in no bracket."""
    return re.split(r",(?![^(]*\))(?![^\[]*\])\s*", re.sub(r"\s+", " ", head))


def _needs(selector):
    """The classes and ids without which a selector finds nothing; what :not and :is name is no need."""
    bare = ARGUMENT.sub("", selector)
    return {
        name.replace("\\", "") for name in re.findall(r"[.#]((?:[\w-]|\\.)+)", re.sub(r"\[[^]]*\]", "", bare))
    }


# --- Pages

TAG = re.compile(r"""<[a-zA-Z][^>]*?\s(?:class|id)=["'][^>]*>""")
VALUE = re.compile(r"""\s(?:class|id)=(?:"([^"]*)"|'([^']*)')""")
COLOURLESS = re.compile(r'<span class="(?:n|p|w)">([^<]*)</span>')
ANNOTATION = re.compile(r"<annotation[^>]*>[^<]*</annotation>")
STYLED = re.compile(r'<span(?: class="([\w -]*)")? style="((?:[\w-]+:-?[\w.]+;)+)">')


def names_in(page):
    """The classes and ids that a page uses."""
    return {
        name for tag in TAG.findall(page) for pair in VALUE.findall(tag) for name in "".join(pair).split()
    }


def slim_page(page):
    """A page without TeX beside its MathML, spans without a colour, and styles that stand there twice."""
    page = ANNOTATION.sub("", COLOURLESS.sub(r"\1", page))
    styles = {}

    def by_class(match):
        name = styles.setdefault(match[2], f"k{len(styles)}")
        return f'<span class="{match[1]} {name}">' if match[1] else f'<span class="{name}">'

    page = STYLED.sub(by_class, page)
    if not styles:
        return page
    rules = "".join(f".katex .{name}{{{style.rstrip(';')}}}" for style, name in styles.items())
    return page.replace("</head>", f"<style>{rules}</style>\n</head>", 1)


# --- Fonts


def slim_font(path, characters):
    """Keep the glyphs of some characters."""
    options = subset.Options(flavor="woff2")
    font = subset.load_font(path, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    subset.save_font(font, path, options)


# --- The site


def slim_site(app, error):
    if error or app.builder.name != "html":
        return
    folder = Path(app.outdir)
    static = folder / "_static"
    names, characters = set(), set()
    for path in folder.rglob("*.html"):
        if static in path.parents:
            continue
        page = slim_page(path.read_text(encoding="utf-8"))
        path.write_text(page, encoding="utf-8")
        names |= names_in(page)
        characters |= set(unescape(page))
    for path in static.rglob("*.js"):
        names.update(re.findall(r"[\w-]+", path.read_text(encoding="utf-8")))
    for path in static.rglob("*.css"):
        css = used_rules(path.read_text(encoding="utf-8"), names)
        path.write_text(css, encoding="utf-8")
        characters.update(chr(int(code, 16)) for code in re.findall(r'"\\([0-9a-fA-F]{2,5})"', css))
    for path in static.rglob("*.woff2"):
        slim_font(path, "".join(sorted(characters)))


def setup(app):
    # After other extensions have had their say about the written pages.
    app.connect("build-finished", slim_site, priority=900)
    return {"parallel_read_safe": True}
