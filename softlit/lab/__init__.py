# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
"""Modules that the chapters of the book build and use; they need the packages of softlit[book]."""
