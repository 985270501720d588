"""The page that a static host shows in place of one that is not there, at whatever address was asked for.

Relative links lead nowhere from most addresses. Where the site has an address, its links are made whole while
building; where it has none yet, a script looks for the site's root in the address that was asked for. A
Sphinx extension; the words are in the template missing.html.
"""

import re
from pathlib import Path
from urllib.parse import urljoin

PAGE = "404"  # the name that GitHub Pages, Netlify and others look for
LINK = re.compile(r'(\s(?:href|src|action|data-content_root)=")(?!#|[a-z]+:)([^"]*)"')

# The root is above the last folder of the site's own; opened as a file, the page is where it belongs.
FIND_ROOT = r"""
if (location.protocol !== "file:") {
  const own = /^(.*\/)(?:book|sheets|downloads|_images|_sources|_static)\/.*$/;
  const path = location.pathname;
  const root = own.test(path) ? path.replace(own, "$1") : path.replace(/[^/]*$/, "");
  document.write(`<base href="${root}">`);
  document.addEventListener("DOMContentLoaded", () => {
    for (const link of document.querySelectorAll('a[href^="#"]')) // these stay on the page
      link.setAttribute("href", path + link.getAttribute("href"));
  });
}
"""


def with_whole_links(page, address):
    """A page with its relative links counted from an address."""
    return LINK.sub(lambda link: f'{link[1]}{urljoin(address, link[2])}"', page)


def hand_over_script(app, page, template, context, doctree):
    if page == PAGE:
        context["find_root"] = None if app.config.html_baseurl else FIND_ROOT


def make_links_whole(app, error):
    if error or app.builder.name != "html" or not app.config.html_baseurl:
        return
    path = Path(app.outdir, f"{PAGE}.html")
    page = path.read_text(encoding="utf-8")
    path.write_text(with_whole_links(page, app.config.html_baseurl), encoding="utf-8")


def setup(app):
    app.connect("html-page-context", hand_over_script)
    app.connect("build-finished", make_links_whole, priority=960)  # after literate.site.page_load
    return {"parallel_read_safe": True}
