#!/usr/bin/env python3
"""Takes 20 000 messages of 64 bytes from each client, in pieces as large as they come, then gives as many back.

Prints its port. Whoever sends and receives them one by one does the work; this side does little.
"""
import socket

BYTES = 20_000 * 64

server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
piece = bytearray(1 << 20)
while True:
    client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with client:
        try:
            left = BYTES
            while left:
                count = client.recv_into(piece)
                if not count:
                    break
                left -= count
            client.sendall(bytes(BYTES))
        except OSError:
            pass  # A client that goes away is no concern of the next one.
