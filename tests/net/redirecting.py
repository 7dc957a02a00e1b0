"""Servers that redirect as a row of the `redirect` cases says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.net.ports import Ports
from tests.servers.http_message import Request, Response
from tests.servers.recording import Script

_HOP = "/hop"


class Redirecting:
    """The server of `start` (with its real port) sends on to `location`, over `hops` redirects; what lies there is up to
    `beyond`, else everybody gets 200. `port`: the start's, as the row names it."""

    def __init__(self, given: Mapping[str, Any], ports: Ports, beyond: Script | None = None) -> None:
        start = given.get("from", "http://u:p@localhost:9101/s/")
        location: str | None = given["to"] if "to" in given else given.get("location", "/t/")
        hops = int(given.get("hops", given.get("redirects", 1)))
        self.start, self.location = ports.here(start), location
        self.port = re.findall(r":(\d+)/", start)[0]
        self.is_insecure = start.startswith("https:") and str(location).startswith("http:")
        self._ports, self._path = ports, urlsplit(start).path
        there = None if location is None else ports.here(location)

        def answer(request: Request) -> Response:
            if not self._is_on_the_way(request):
                found = Response() if beyond is None else beyond(request)
                return found if isinstance(found, Response) else Response(*found)
            number = int(request.path.removeprefix(_HOP)) if request.path.startswith(_HOP) else 1
            place = there if number >= hops else f"{_HOP}{number + 1}"
            return Response(given.get("status", 302), {} if place is None else {"Location": place})

        ports[self.port].script = answer

    def _is_on_the_way(self, request: Request) -> bool:
        return request.path == self._path or request.path.startswith(_HOP)

    def ends(self) -> list[str | None]:
        """What was sent to where the redirects lead."""
        requests = [(port, one) for port in self._ports.names() for one in self._ports[port].requests]
        return [one.exchange[0] for port, one in requests if port != self.port or not self._is_on_the_way(one)]
