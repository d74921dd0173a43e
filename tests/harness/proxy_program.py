"""A TCP proxy that misbehaves on command: `proxy_program NAME:LISTEN:TARGET …`.

A process of its own, so that a busy test does not delay what passes through it; harness/proxy.py
starts and commands it.

Each line of standard input is `NAME MODE [ARGUMENT]`. The reply is the number of bytes that the
clients of this route have sent so far, after the mode has taken effect:

    pass            forward; what was swallowed before stays lost
    count           change nothing
    reset           end every connection now, with a reset; new ones work
    refuse          the same, and end new ones at once
    half-open       forward nothing more on today's connections, not even what is in transit, and
                    close none of them; new ones work
    hole            the same, and new connections are accepted and never answered
    mute            forward what clients send, and swallow the answers, also those in transit
    delay SECONDS   forward everything so much later, in order
    target PORT     connect new clients to this port (an endpoint that was moved)
"""

import asyncio
import contextlib
import socket
import struct
import sys
from dataclasses import dataclass, field

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # linger for 0 s: close sends a reset


@dataclass(slots=True, eq=False)
class Link:
    """Both ends of one connection. `dead`: received bytes are swallowed; `mute`: those of the
    server."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    dead: bool = False
    mute: bool = False

    def swallows(self, sink: asyncio.StreamWriter) -> bool:
        return self.dead or (self.mute and sink is self.near)

    def reset(self) -> None:
        for end in (self.near, self.far):
            if end is not None:
                with contextlib.suppress(OSError):  # it is closed already
                    raw = end.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.transport.abort()


@dataclass(slots=True)
class Route:
    target: int
    delay_s: float = 0.0
    hole: bool = False
    refuses: bool = False
    mute: bool = False
    taken: int = 0  # bytes from clients
    links: set[Link] = field(default_factory=set)

    def switch_to(self, mode: str, *arguments: str) -> None:
        if mode == "count":
            return
        if mode == "target":
            self.target = int(arguments[0])
        self.delay_s = float(arguments[0]) if mode == "delay" else 0.0
        self.hole, self.refuses, self.mute = mode == "hole", mode == "refuse", mode == "mute"
        for link in list(self.links):
            link.mute = link.mute or self.mute
            if mode in ("reset", "refuse"):
                link.reset()
            elif mode in ("half-open", "hole"):
                link.dead = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writer, dead=self.hole, mute=self.mute)
        if self.refuses:
            link.reset()
            return
        self.links.add(link)
        try:
            await self._join(link, reader)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.links.discard(link)
            for end in (link.near, link.far):
                if end is not None:
                    end.close()

    async def _join(self, link: Link, reader: asyncio.StreamReader) -> None:
        if link.dead:
            while data := await reader.read(_CHUNK):
                self.taken += len(data)
            return
        back, link.far = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._pour(link, reader, link.far), self._pour(link, back, link.near))

    async def _pour(
        self, link: Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        """Forward bytes in order, each `delay_s` after it came; bytes in transit of a dead link
        are dropped."""
        loop, in_transit = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()
        delivering = asyncio.create_task(_deliver(link, in_transit, sink))
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                self.taken += len(data) if sink is link.far else 0
                in_transit.put_nowait((loop.time() + self.delay_s, data))
        in_transit.put_nowait((loop.time() + self.delay_s, b""))
        await delivering


async def _deliver(
    link: Link, in_transit: "asyncio.Queue[tuple[float, bytes]]", sink: asyncio.StreamWriter
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due, data = await in_transit.get()
        if (wait_s := due - loop.time()) > 0:
            await asyncio.sleep(wait_s)
        if link.swallows(sink):
            continue  # the end of the stream is not forwarded either
        if not data:
            break
        with contextlib.suppress(OSError):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(OSError):
        sink.close()


async def main(*descriptions: str) -> None:
    routes: dict[str, Route] = {}
    for description in descriptions:
        name, listen, target = description.split(":")
        routes[name] = Route(int(target))
        await asyncio.start_server(routes[name].serve, "127.0.0.1", int(listen), backlog=1024)
    print(0, flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    while line := (await lines.readline()).decode().split():
        route = routes[line[0]]
        route.switch_to(*line[1:])
        print(route.taken, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
