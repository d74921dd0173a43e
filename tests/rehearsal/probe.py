"""Runs in a place's namespace: opens all connections at once and reports which were answered.

Reads `{"from": ADDRESS, "targets": [[address, port], …], "wait": seconds}` from stdin, writes the
targets that answered. A refusal counts as an answer: the packet arrived. Standard library only.
"""

import errno
import json
import selectors
import socket
import sys
import time

ANSWERED = (0, errno.ECONNREFUSED)


def main() -> None:
    task = json.load(sys.stdin)
    waiting = selectors.DefaultSelector()
    answered = []
    for address, port in task["targets"]:
        probe = socket.socket()
        probe.setblocking(False)
        code = probe.connect_ex((address, port))
        if code in ANSWERED:
            answered.append([address, port])
        elif code == errno.EINPROGRESS:
            waiting.register(probe, selectors.EVENT_WRITE, [address, port])
    deadline = time.monotonic() + task["wait"]
    while waiting.get_map() and time.monotonic() < deadline:
        for key, _ in waiting.select(0.05):
            assert isinstance(key.fileobj, socket.socket)
            if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in ANSWERED:
                answered.append(key.data)
            waiting.unregister(key.fileobj)
            key.fileobj.close()
    json.dump(answered, sys.stdout)


main()
