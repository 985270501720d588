# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15a-states-and-files.ipynb, cell build-zarr
"""What modules of softlit take from packages that need not be installed."""

import os
import zipfile
from importlib import import_module

import numpy as np


def required(module, extra="dask"):
    """The module, or an ImportError that names the extra which installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"softlit.{extra} needs {package}: pip install 'softlit[{extra}]'"
        ) from error


def is_archive(path):
    """Whether a file holds a Zarr store in a zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {os.path.basename(name) for name in archive.namelist()}
    except zipfile.BadZipFile:
        return False
    return bool(names & {"zarr.json", ".zarray", ".zgroup"})


class ZarrArray:
    """A Zarr array that names the chunk which cannot be read."""

    def __init__(self, path, component):
        self.path, self.array = path, _zarr_array(path, component)
        self.shape, self.dtype = self.array.shape, self.array.dtype
        self.ndim = len(self.shape)

    def __getitem__(self, at):
        try:
            return self.array[at]
        except OSError:  # names its file
            raise
        except Exception as error:
            raise ValueError(
                f"{self.path}: the chunk {self._chunk(at)} cannot be read: {error}"
            ) from error

    def _chunk(self, at):
        """The name of the chunk of the first of these entries; dask reads no two at once."""
        sizes = self.array.shards or self.array.chunks
        first = (
            np.ravel(range(size)[part])[0]
            for part, size in zip(at, self.shape, strict=True)
        )
        place = (
            int(entry) // size for entry, size in zip(first, sizes, strict=True)
        )
        return self.array.metadata.encode_chunk_key(tuple(place))


def _zarr_array(path, component):
    """The array at a path, or that of this name in the group there."""
    zarr = required("zarr")
    store = (
        zarr.storage.ZipStore(path, mode="r") if os.path.isfile(path) else path
    )
    try:
        found = zarr.open(store, mode="r", path=component)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path}{'' if component is None else f', {component}'}: "
            f"no Zarr array can be opened there: {error}"
        ) from error
    if isinstance(found, zarr.Group):
        within = f"{component.strip('/')}/" if component else ""
        arrays = (
            name
            for name, node in found.members(None)
            if isinstance(node, zarr.Array)
        )
        names = [within + name for name in arrays]
        raise ValueError(
            f"{path} is a Zarr group, which holds the arrays {', '.join(sorted(names)) or '(none)'}: "
            "name one as component"
        )
    if found.dtype.kind not in "fiub":
        raise TypeError(
            f"{path} must hold real numbers, not values of dtype {found.dtype}"
        )
    return found


__all__ = [
    "ZarrArray",
    "is_archive",
    "required",
]
