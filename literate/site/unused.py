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

import tinycss2
from fontTools import subset

# --- Style sheets

GROUPS = ("media", "supports", "layer", "container")


def used_rules(css, names):
    """A style sheet without the rules that need a class or an id other than the names."""
    rules = tinycss2.parse_stylesheet(css, skip_whitespace=True)
    return "\n".join(_used(rules, names))


def _used(rules, names):
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [
                tinycss2.serialize(one).strip() for one in _alternatives(rule) if _needs(one) <= names
            ]
            if selectors:
                yield f"{','.join(selectors)}{{{_tidy(rule.content)}}}"
        elif rule.type == "at-rule" and rule.content and rule.lower_at_keyword in GROUPS:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if body := "\n".join(_used(inner, names)):
                yield f"@{rule.at_keyword}{_tidy(rule.prelude, ' ')}{{{body}}}"
        elif rule.type != "comment" or rule.value.startswith("!"):  # which asks to be kept: a licence
            yield _tidy([rule])


def _alternatives(rule):
    """The selectors of a rule, as lists of tokens; a comma inside of :is(...) is inside of one token."""
    selectors = [[]]
    for token in rule.prelude:
        if token == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def _needs(selector):
    """The classes and ids without which a selector finds nothing; what :not and :is name is no need."""
    pairs = zip([None, *selector], selector, strict=False)
    classes = {token.value for dot, token in pairs if dot == "." and token.type == "ident"}
    return classes | {token.value for token in selector if token.type == "hash"}


def _tidy(tokens, before=""):
    text = re.sub(r"\s+", " ", tinycss2.serialize(tokens)).strip()
    return before + text if text else ""


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


def without_repetition(markup):
    """Some HTML without TeX beside its MathML, and without spans that have no colour."""
    return ANNOTATION.sub("", COLOURLESS.sub(r"\1", markup))


def slim_page(page):
    """A page without what it repeats, styles among it."""
    page = without_repetition(page)
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
        characters |= set(css)  # icons among them: tinycss2 writes them as themselves
    for path in static.rglob("*.woff2"):
        slim_font(path, "".join(sorted(characters)))


def setup(app):
    # After other extensions have had their say about the written pages.
    app.connect("build-finished", slim_site, priority=900)
    return {"parallel_read_safe": True}
