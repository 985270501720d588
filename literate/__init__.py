"""The machinery of the book: one reader of the chapters, and what works from it.

`chapters` reads, `tangle` writes the package, `run` executes, `ledger` links claims to proofs,
`gates` holds the rules that a chapter keeps, and `site` is the Sphinx extension.
"""
