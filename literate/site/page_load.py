"""How a page loads: one style sheet, scripts and pictures that wait, and boxes that are measured when seen.

A phone fetches a dozen style sheets by turns, stops for each script on the way, and then lays a chapter out
once for every box that might have to scroll. Here the style sheets become one, scripts wait until the page is
read, and what is far from the window is neither fetched nor laid out nor measured: see "content-visibility"
in book/web/softlit.css.
"""

import hashlib
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.images import get_image_size

# --- Pictures


def let_pictures_wait(app, doctree):
    """Fetch a picture when it comes near: the text of a page is there sooner."""
    for image in doctree.findall(nodes.image):
        image["loading"] = "lazy"


PICTURE = re.compile(r'<img (?=[^>]*\bsrc="(?!data:)(?P<source>[^"]+)")(?P<attributes>[^>]*?) ?/?>')
STATED = re.compile(r' ?\bstyle="width: (\d+)px;?"')


def with_sizes(page, folder):
    """A page whose pictures say how large they are, so that nothing below them moves when they come.

    A figure is drawn for one width, which the style sheet needs, too; `folder` is the one of the page.
    """

    def sized(match):
        attributes = match["attributes"]
        if re.search(r"\b(width|height)=", attributes):
            return match[0]
        size = get_image_size(folder / unquote(match["source"]))
        if size is None and match["source"].endswith(".svg"):
            return match[0]  # an icon of the theme, whose style sheet gives it a size
        if size is None:
            raise ExtensionError(f"{match['source']}: a picture without a size")
        width, height = size
        if stated := STATED.search(attributes):
            width, height = int(stated[1]), round(height * int(stated[1]) / width)
            attributes = STATED.sub(f' style="--drawn: {width}px"', attributes)
        return f'<img {attributes} width="{width}" height="{height}">'

    return PICTURE.sub(sized, page)


DRAWN = re.compile(r'<img (?P<attributes>[^>]*?)src="data:image/svg\+xml,(?P<drawing>[^"]*)"')


def with_drawings_aside(page, folder, pictures):
    """A page whose inline drawings are files, which wait; a script that draws them itself needs none.

    `folder` is the one of the page, `pictures` the one that the files go to.
    """

    def moved(match):
        drawing = unquote(match["drawing"])
        path = pictures / f"drawing-{hashlib.sha256(drawing.encode()).hexdigest()[:16]}.svg"
        path.write_text(drawing, encoding="utf-8")
        source = posixpath.relpath(path.as_posix(), folder.as_posix())
        return f'<img loading="lazy" {match["attributes"]}src="{source}"'

    return DRAWN.sub(moved, page)


# --- Scripts


def let_scripts_wait(app, page, template, context, doctree):
    """Run scripts in their order once the page is read; but for the options, which lines of a page extend."""
    for script in context["script_files"]:  # the same objects for every page
        if "documentation_options" not in (script.filename or "documentation_options"):
            script.attributes["defer"] = "defer"


THEME = "_static/scripts/pydata-sphinx-theme.js"
REACH = "e.tabIndex=e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight?0:-1"
MEASURE_ALL = f"forEach(e=>{{{REACH}}})"
# A box is within reach until it comes near and turns out to fit. One that stays near is not reported again
# when the theme asks once more, as it does after a change of the window: it is forgotten first. What comes
# near may ask for fonts that change its width, so it is measured once they are there.
MEASURE_SEEN = f"""forEach(e=>{{
const o=window.softlitNear??=new IntersectionObserver(
l=>l.forEach(({{target:e,isIntersecting:i}})=>{{
if(i)document.fonts.ready.then(()=>requestAnimationFrame(()=>{{{REACH}}}))}}),{{rootMargin:"50%"}});
e.tabIndex=0;o.unobserve(e);o.observe(e)}})"""


def measure_what_is_seen(script):
    """The theme's script, which lets the keyboard reach boxes that scroll, with each measured when seen.

    As it stands it measures and marks all of them in turn, and the browser lays the page out for each.
    """
    if script.count(MEASURE_ALL) != 1:
        raise ExtensionError(f"{THEME} measures boxes in another way: see literate/site/page_load.py")
    return script.replace(MEASURE_ALL, MEASURE_SEEN)


# --- Style sheets

SHEET = "_static/book.css"
OF_THEME = ["_static/styles/theme.css", "_static/styles/pydata-sphinx-theme.css"]  # which its template links
LINK = re.compile(r'\s*<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="((?:\.\./)*)([^"?]+)[^"]*"[^>]*>')
IMPORT = re.compile(r'@import\s+(?:url\()?["\']?([^"\')]+)["\']?\)?\s*;')
URL = re.compile(r'url\((["\']?)(?!data:|#)([^"\')]+)\1\)')


def joined(sheets, folder):
    """What several style sheets of a site say, imported ones included, as one that stands at SHEET."""
    return "\n".join(_whole(sheet, folder) for sheet in sheets)


def _whole(sheet, folder):
    css = (folder / sheet).read_text(encoding="utf-8").removeprefix('@charset "UTF-8";')

    def beside(path):
        return posixpath.normpath(posixpath.join(posixpath.dirname(sheet), path))

    def moved(url):
        return f'url("{posixpath.relpath(beside(url[2]), posixpath.dirname(SHEET))}")'

    pieces = IMPORT.split(css)  # every second one is a path
    pieces[::2] = [URL.sub(moved, piece) for piece in pieces[::2]]
    pieces[1::2] = [_whole(beside(path), folder) for path in pieces[1::2]]
    return "".join(pieces)


def with_one_sheet(page, sheets, version):
    """A page with one link to SHEET in place of the links to style sheets, whose names it checks."""
    links = list(LINK.finditer(page))
    if not links:
        return page
    named = [link[2] for link in links]
    if named not in (sheets, [SHEET]):  # as Sphinx wrote it, or as this function did in an earlier build
        raise ExtensionError(f"a page links {named}, the site has {sheets}")
    one = f'\n    <link rel="stylesheet" href="{links[0][1]}{SHEET}?v={version}">'
    return page[: links[0].start()] + one + LINK.sub("", page[links[0].end() :])


# --- The site


def load_quickly(app, error):
    if error or app.builder.name != "html":
        return
    folder = Path(app.outdir)
    of_extensions = sorted(app.builder._css_files, key=lambda sheet: sheet.priority)
    sheets = [*OF_THEME, *(sheet.filename for sheet in of_extensions)]
    css = joined(sheets, folder)
    for path in folder.glob("_static/**/*.css"):
        path.unlink()
    (folder / SHEET).write_text(css, encoding="utf-8")
    version = hashlib.sha256(css.encode()).hexdigest()[:8]
    for path in set(folder.rglob("*.html")) - set(folder.glob("_static/**/*")):
        page = path.read_text(encoding="utf-8")
        page = with_drawings_aside(page, path.parent, folder / "_images")
        page = with_sizes(with_one_sheet(page, sheets, version), path.parent)
        path.write_text(page, encoding="utf-8")
    theme = folder / THEME
    theme.write_text(measure_what_is_seen(theme.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app):
    app.connect("doctree-read", let_pictures_wait)
    app.connect("html-page-context", let_scripts_wait)
    # After literate.site.unused: the version in a style sheet's address is that of the sheet as it is served.
    app.connect("build-finished", load_quickly, priority=950)
    return {"parallel_read_safe": True}
