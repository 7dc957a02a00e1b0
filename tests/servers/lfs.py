"""A Git server that also answers the batch API of Git LFS (git-lfs docs/api/batch.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.servers.git_http import GitHttpServer, Realm, Request, Response

CONTENTS = [b"first\r\n\x00" * 40, b"second" * 30_000, b"third"]


def oid(content: bytes) -> str:
    """The name of an object."""
    return hashlib.sha256(content).hexdigest()


def pointer(content: bytes) -> str:
    """What stands in the repository for an object."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid(content)}\nsize {len(content)}\n"


class LfsServer(GitHttpServer):
    """Also answers the batch API below `<repository>.git/info/lfs`; objects are at /objects/<oid>.

    `change` gets each object of an answer and gives it back, as it is or changed. `served` are the contents.
    """

    change: Callable[[dict[str, object]], object] = staticmethod(lambda one: one)
    status = 200

    def __init__(self, root: Path, realms: Sequence[Realm] = ()) -> None:
        super().__init__(root, realms=realms)
        self.served = {oid(content): content for content in CONTENTS}
        self.batches: list[list[str]] = []

    def answer(self, request: Request) -> Response:
        if request.path.endswith("/info/lfs/objects/batch"):
            if (realm := self._realm(request.path)) and realm.admit(request) is None:
                return realm.refuse(request)
            question = json.loads(b"".join(request.body))
            assert question["operation"] == "download"
            assert "basic" in question["transfers"]
            self.batches.append([one["oid"] for one in question["objects"]])
            objects = [self.change(self.found(one)) for one in question["objects"]]
            lines = [("Content-Type", "application/vnd.git-lfs+json")]
            return Response(self.status, lines, json.dumps({"transfer": "basic", "objects": objects}).encode())
        if request.path.startswith("/objects/"):
            if request.headers.get("x-lfs") != "yes":
                return Response(400, [], b"")
            return Response(200, [("Content-Type", "application/octet-stream")], self.served[request.path[9:]])
        return super().answer(request)

    def found(self, wanted: dict[str, object]) -> dict[str, object]:
        if wanted["oid"] not in self.served:
            return {**wanted, "error": {"code": 404, "message": "gone\x1b[2J"}}
        action = {"href": f"{self.url}/objects/{wanted['oid']}", "header": {"X-Lfs": "yes"}}
        return {**wanted, "authenticated": True, "actions": {"download": action}}
