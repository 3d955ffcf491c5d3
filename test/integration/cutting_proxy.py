"""An SMTP proxy that cuts its first connection at a step of the dialogue, and passes all others on.

A step is named after what the client says, and cut `before` the server hears it or `after` the server has
answered, when the answer is swallowed: connect, EHLO, AUTH, MAIL, RCPT, DATA; `body` cuts in the middle of
the message; `dot` before: the server never hears the final dot, after: it does, and its answer is lost."""
import socket
import threading


class CuttingProxy:
    def __init__(self, upstream_port, step, when):
        self.upstream_port, self.step, self.when = upstream_port, step, when
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.cut = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.hang_up(self.listener, socket.SHUT_RDWR)  # wakes accept()
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(client, self.connections == 1),
                             daemon=True).start()

    def serve(self, client, to_be_cut):
        with client:
            if to_be_cut and self.step == "connect":
                return self.end(client)
            with socket.create_connection(("127.0.0.1", self.upstream_port)) as server:
                swallow = threading.Event()
                down = threading.Thread(target=self.down, args=(server, client, swallow))
                down.start()
                self.up(client, server, to_be_cut, swallow)
                down.join()

    def down(self, server, client, swallow):
        try:
            while data := server.recv(65536):
                if swallow.is_set():
                    break
                client.sendall(data)
        except OSError:
            pass
        if swallow.is_set():
            self.end(server, client)
        else:
            self.hang_up(client, socket.SHUT_WR)

    def up(self, client, server, to_be_cut, swallow):
        held, in_body, body_bytes = b"", False, 0
        try:
            while data := client.recv(65536):
                held += data
                if in_body:
                    # The last bytes are held back until it is known whether they are the final dot.
                    whole = held.endswith(b"\r\n.\r\n")
                    if to_be_cut and self.step == "body" and body_bytes > 20000:
                        return self.end(server, client)
                    if to_be_cut and self.step == "dot" and whole:
                        if self.when == "before":
                            server.sendall(held[:-3])
                            return self.end(server, client)
                        swallow.set()
                    keep = 0 if whole else min(5, len(held))
                    server.sendall(held[:len(held) - keep])
                    body_bytes += len(held) - keep
                    held, in_body = held[len(held) - keep:], not whole
                    continue
                while b"\r\n" in held:
                    line, held = held.split(b"\r\n", 1)
                    verb = line.split(b" ")[0].decode("latin-1").upper()
                    if to_be_cut and verb == self.step:
                        if self.when == "before":
                            return self.end(server, client)
                        swallow.set()
                    server.sendall(line + b"\r\n")
                    in_body = verb == "DATA"
        except OSError:
            pass
        self.hang_up(server, socket.SHUT_WR)

    def end(self, *sockets):
        """The client's side last, so that it can't come back before the server knows."""
        for s in sockets:
            self.hang_up(s, socket.SHUT_RDWR)
        self.cut.set()

    @staticmethod
    def hang_up(s, how):
        # Not close(): the other thread may be waiting in recv(), which keeps the socket open.
        try:
            s.shutdown(how)
        except OSError:
            pass
