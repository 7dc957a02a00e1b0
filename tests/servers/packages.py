"""Distributions to serve and to install: wheels and sources that need nothing else."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping

from tests.servers.repositories import python_project


def wheel(name: str, version: str, files: Mapping[str, str]) -> tuple[str, bytes]:
    """A pure wheel with `files`: its name and content."""
    info = f"{name}-{version}.dist-info"
    texts = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*texts, f"{info}/RECORD"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in {**texts, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", packed.getvalue()


def sdist(name: str, version: str) -> tuple[str, bytes]:
    """The sources of a project that brings its own build backend: name and content."""
    top = f"{name}-{version}"
    texts = {path: text for path, text in python_project(name=name, version=version).items() if isinstance(text, str)}
    texts["PKG-INFO"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in texts.items():
            entry = tarfile.TarInfo(f"{top}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"{top}.tar.gz", packed.getvalue()
