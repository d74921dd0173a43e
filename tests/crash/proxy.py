"""A TCP proxy that misbehaves on request: `proxy NAME:LISTEN:TARGET …`, a process of its own, since
the crowd and the judge would delay what passes through it (harness/proxy.py runs in the test's).

Commands come as lines on standard input, each answered by `ok`:

    NAME pass            as it should be; what was swallowed stays swallowed
    NAME reset           end every connection now, with a reset
    NAME half-open       forget every connection without closing it; new ones work
    NAME hole            the same for connections to come: they are taken, and nothing is answered
    NAME delay SECONDS   everything arrives so much later, in order
    NAME cut             what is on its way is gone; nothing passes any more (a failing host)
    NAME target PORT     connections to come go there (an endpoint that was moved)
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
    """One connection through us: both ends. `dead`: what comes is swallowed."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    dead: bool = False

    def reset(self) -> None:
        for end in (self.near, self.far):
            if end is not None:
                with contextlib.suppress(OSError):  # it has ended by itself
                    raw = end.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.transport.abort()


@dataclass(slots=True)
class Route:
    target: int
    delay_s: float = 0.0
    hole: bool = False
    links: set[Link] = field(default_factory=set)

    def tell(self, verb: str, *said: str) -> None:
        if verb == "target":
            self.target = int(said[0])
        self.delay_s = float(said[0]) if verb == "delay" else 0.0
        self.hole = verb in ("hole", "cut")
        if verb == "reset":
            for link in list(self.links):
                link.reset()
        if verb in ("half-open", "hole", "cut"):
            for link in self.links:
                link.dead = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writer, dead=self.hole)
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
            while await reader.read(_CHUNK):
                pass
            return
        back, link.far = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._pour(link, reader, link.far), self._pour(link, back, link.near))

    async def _pour(
        self, link: Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        """Bytes in order, each `delay_s` after it came; those under way when cut are gone."""
        loop, under_way = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()
        delivering = asyncio.create_task(_deliver(link, under_way, sink))
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                under_way.put_nowait((loop.time() + self.delay_s, data))
        under_way.put_nowait((loop.time() + self.delay_s, b""))
        await delivering


async def _deliver(
    link: Link, under_way: "asyncio.Queue[tuple[float, bytes]]", sink: asyncio.StreamWriter
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due, data = await under_way.get()
        if (late := due - loop.time()) > 0:
            await asyncio.sleep(late)
        if link.dead:
            continue  # nor is an end passed on: the other side hears nothing at all
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
    print("ok", flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    while line := (await lines.readline()).decode().split():
        routes[line[0]].tell(*line[1:])
        print("ok", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
