"""Which pages a build reads again."""

import hashlib
from pathlib import Path

from literate.site import downloads


def outdated_pages(app, env, added, changed, removed):
    """Reread every page when the package, the claims, the lock or this machinery changed.

    Left to itself, Sphinx rereads, and myst-nb executes, only pages whose own file changed.
    """
    root = Path(app.srcdir)
    patterns = ("softlit/**/*.py", "literate/**/*.py", "book/*.yml", "requirements.txt")
    sources = (path for pattern in patterns for path in root.glob(pattern))
    contents = [path.read_bytes() for path in sorted(sources)]
    contents.append(str(downloads.offered(root)).encode())  # two pages link what is there
    digest = hashlib.sha256(b"".join(contents)).hexdigest()
    if getattr(env, "softlit_digest", None) == digest:
        return []
    env.softlit_digest = digest
    return env.found_docs


def setup(app):
    app.connect("env-get-outdated", outdated_pages)
    return {"parallel_read_safe": True}
