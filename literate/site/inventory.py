"""Statements in the inventory by which other Sphinx projects link to this one, objects.inv.

sphinx-proof knows its statements by label only. Here each is an object of its domain: its title, what it is,
and where.
"""

from pathlib import Path

from sphinx.domains import ObjType
from sphinx_proof.proof_type import PROOF_TYPES

from literate import ledger
from literate.site.book import book_of

FIRST = 0  # Sphinx's priority of what it would list before others


def statements(domain):
    titles = {
        label: found.title for label, found in ledger.statements(book_of(Path(domain.env.srcdir))).items()
    }
    for label, place in getattr(domain.env, "proof_list", {}).items():
        if label in titles:
            yield titles[label], titles[label], place["realtype"], place["docname"], label, FIRST


# What the domain gets: see literate/site/repairs.py.
OBJECTS = {
    "object_types": {kind: ObjType(kind.capitalize(), "ref") for kind in PROOF_TYPES},
    "get_objects": statements,
    "get_type_name": lambda domain, kind, primary=False: kind.lname,  # not "Proof Domain Theorem"
}
