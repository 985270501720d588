"""What `make newest` builds with; that it does so is seen once a week."""

import re

from literate.site import newest


def test_jupyter_book_gives_way_to_what_it_brings():
    names = set(newest.packages())
    assert {"sphinx", "sphinx-book-theme", "myst-nb", "sphinx-proof", "numpy"} <= names
    assert not names & {"jupyter-book", *newest.ITS_OWN}
    assert not [name for name in names if re.search(r"[<>=~ ]", name)], "the newest, whichever that is"


def test_the_settings_have_every_extension_but_those_of_jupyter_book(tmp_path, monkeypatch):
    few = [newest.ROOT / name for name in ("_config.yml", "_toc.yml", "book/references.bib")]
    monkeypatch.setattr(newest, "project_files", lambda root: few)
    newest.copy_project(tmp_path)
    settings = {}
    exec((tmp_path / "conf.py").read_text(encoding="utf-8"), settings)
    assert {"literate.site", "literate.paper", "sphinx_external_toc", "myst_nb"} <= set(
        settings["extensions"]
    )
    assert not [name for name in settings["extensions"] if "jupyter" in name]
    assert settings["html_theme"] == "sphinx_book_theme" and settings["katex_prerender"] is True
