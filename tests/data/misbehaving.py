"""A server on loopback that misbehaves on request."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """What is served under each path, and how often each was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Handler], None]] = {}
        self.asked: Counter[str] = Counter()
        self.address = ""

    def serve(self, path: str, answer: Answer) -> str:
        """Answer under a path from now on; its URL."""
        self.answers[path] = answer
        return self.address + path


class Handler(BaseHTTPRequestHandler):
    """One request, answered by the function that the path names."""

    book: Server

    def do_GET(self) -> None:
        self.book.asked[self.path] += 1
        try:
            self.book.answers[self.path](self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Nothing."""

    def reply(self, body: bytes, status: int = 200, length: int | None = None) -> None:
        """Answer with a body, and a length that may be a lie."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running() -> Iterator[Server]:
    """The server, for as long as it is needed."""
    book = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"book": book}))
    book.address = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield book
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


Answer = Callable[[Handler], None]


def whole(body: bytes) -> Answer:
    """The body, as it should be."""
    return lambda handler: handler.reply(body)


def status(code: int) -> Answer:
    """An error of the server."""
    return lambda handler: handler.reply(b"sorry", code)


def cut_off(body: bytes) -> Answer:
    """Half of the body, announced as all of it."""
    return lambda handler: handler.reply(body[: len(body) // 2], length=len(body))


def silent(seconds: float) -> Answer:
    """Nothing at all for a while."""
    return lambda handler: time.sleep(seconds)


def dripping(body: bytes, pause: float) -> Answer:
    """A few bytes at a time."""

    def answer(handler: Handler) -> None:
        handler.reply(b"", length=len(body))
        for begin in range(0, len(body), 8):
            time.sleep(pause)
            handler.wfile.write(body[begin : begin + 8])
            handler.wfile.flush()

    return answer


def redirect(to: str) -> Answer:
    """Elsewhere."""

    def answer(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def in_turn(*answers: Answer) -> Answer:
    """One answer after the other; the last one stays."""
    left = list(answers)

    def answer(handler: Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return answer


def archive(members: dict[str, bytes]) -> bytes:
    """A zip file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()
