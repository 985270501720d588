"""Citing the book: a box at the foot of each page, tags for reference managers, the version and its date.

A Sphinx extension. All of it comes from `_config.yml`, `pyproject.toml` and git; none of it is typed. What
needs the address of the site (in citations, the sitemap) is there as soon as `html: baseurl:` is set.
"""

import re
import shutil
import subprocess
import tomllib
from html import escape
from pathlib import Path, PurePosixPath

from literate.chapters import NUMBERED, number_of

BIBTEX_SPECIAL = str.maketrans({character: f"\\{character}" for character in "&%$#_"})


def commit_date(root, form="%cs"):
    """The day of the last commit, the same in every build of it; None where there is no git to ask.

    `form` is one of git's, such as %ct for seconds.
    """
    if not (root / ".git").exists() or not shutil.which("git"):
        return None
    command = ["git", "log", "-1", f"--format={form}"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True).stdout.strip() or None


def show_version(app, config):
    """Say in the footer which version the pages document, and of which day it is."""
    settings = tomllib.loads((Path(app.srcdir) / "pyproject.toml").read_text(encoding="utf-8"))
    config.version = config.release = settings["project"]["version"]
    config.commit_date = commit_date(Path(app.srcdir))
    config.html_theme_options["extra_footer"] = f"{config.project} {dated_version(config)}"


def dated_version(config):
    return ", ".join(filter(None, [config.release, config.commit_date]))


def chapter_slug(page):
    """`shift-invariance` for the page `book/02-shift-invariance`; None for a page that is no chapter."""
    match = NUMBERED.fullmatch(PurePosixPath(page).name)
    return match and match["words"]


def bibtex(config, page, title, address):
    """The BibTeX entry of a chapter, or of the whole book for any other page."""
    slug = chapter_slug(page)
    fields = {
        "author": f"{{{config.author}}}",  # one name: without braces BibTeX takes the last word for a surname
        "title": f"{{{title if slug else config.html_title}}}",
        "booktitle": slug and f"{{{config.html_title}}}",
        "chapter": slug and number_of(page),
        "year": (config.commit_date or config.copyright)[:4],
        "note": f"Version {dated_version(config)}",
    }
    lines = [f"  {name:<9} = {{{text.translate(BIBTEX_SPECIAL)}}}" for name, text in fields.items() if text]
    if address:
        lines.append(f"  {'url':<9} = {{{address}}}")
    kind, key = ("incollection", f"softlit-{slug}") if slug else ("misc", "softlit")
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"


def highwire(config, page, title, address):
    """The tags that Google Scholar and Zotero read, as pairs of a name and a text."""
    slug = chapter_slug(page)
    yield "citation_title", title if slug else config.html_title
    yield "citation_author", config.author
    yield "citation_publication_date", (config.commit_date or config.copyright).replace("-", "/")
    if slug:
        # Two names for one thing: by the first Zotero knows a chapter, the second is Google Scholar's.
        yield "citation_book_title", config.html_title
        yield "citation_inbook_title", config.html_title
    yield "citation_language", "en"
    if address:
        yield "citation_public_url", address


def about(app, page, context):
    return app.config, page, app.env.titles[page].astext(), context.get("pageurl")


def add_box(app, page, template, context, doctree):
    """Hand the entry to the template cite.html, which the theme includes at the foot of the page."""
    if doctree is not None:  # the search, for one, is no page of the book
        context["cite_what"] = "chapter" if chapter_slug(page) else "book"
        context["cite_bibtex"] = bibtex(*about(app, page, context))


def add_tags(app, page, template, context, doctree):
    """Put the tags into the head of the page."""
    if doctree is None:
        return
    tags = highwire(*about(app, page, context))
    context["metatags"] += "".join(
        f'<meta name="{name}" content="{escape(text)}" />\n' for name, text in tags
    )
    if not context.get("pageurl"):  # Open Graph's is then a relative one, which leads nowhere
        context["metatags"] = re.sub(r'<meta property="og:url"[^>]*>\n?', "", context["metatags"])


def use_address(app, config):
    """Give the address of the site to the extensions that need it; both want the slash at its end."""
    if config.html_baseurl:
        config.html_baseurl = config.ogp_site_url = config.html_baseurl.rstrip("/") + "/"


def setup(app):
    app.add_config_value("commit_date", None, "html")
    app.connect("config-inited", show_version)
    app.connect("config-inited", use_address)
    app.connect("html-page-context", add_box, priority=490)  # 500: the theme leaves out empty templates
    app.connect("html-page-context", add_tags, priority=510)  # 500: sphinxext.opengraph adds its tags
    if app.config.html_baseurl:  # without it, sphinx_sitemap warns, and a warning stops the build
        app.setup_extension("sphinx_sitemap")
        app.config.sitemap_url_scheme = "{link}"  # one language, one version
        app.config.sitemap_excludes = [
            "index.html",
            "search.html",
            "404.html",
        ]  # the way in, and no pages to find
    return {"parallel_read_safe": True}
