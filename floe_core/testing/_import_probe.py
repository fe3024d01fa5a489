"""Runs in a fresh process, which imports one module and writes down what that did besides."""

from __future__ import annotations

import json
import os
import sys
import threading
from importlib import import_module
from time import perf_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NETWORK = frozenset(
    [
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    ]
)


def waited_for_a_processor() -> float:
    """For how many seconds this thread could have run and others did, where Linux tells: that is no fault of the module."""
    try:
        with open("/proc/thread-self/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):  # pragma: no cover  # other systems than Linux do not tell
        return 0.0


def main(result_file: str, module: str) -> None:
    """Import *module*, and write what happened into *result_file*, as JSON."""
    import_module("floe_core.plugins")  # every plugin needs these, so their time is not the module's
    import_module("pydantic")

    threads: list[str] = []
    network: list[str] = []
    start = threading.Thread.start

    def start_and_note(thread: threading.Thread) -> None:  # pragma: no cover  # such a process ends without a word
        threads.append(thread.name)
        start(thread)

    def note(event: str, _: tuple[Any, ...]) -> None:  # pragma: no cover  # Python traces no audit hook
        if event in NETWORK:
            network.append(event)

    path, environment, folder = list(sys.path), dict(os.environ), os.getcwd()
    threading.Thread.start = start_and_note  # type: ignore[assignment, method-assign]  # Python 3.11 has no audit event for it
    sys.addaudithook(note)
    error = ""
    begun = perf_counter() - waited_for_a_processor()
    try:
        import_module(module)
    except BaseException as exc:  # the author's module: it may even exit
        from floe_core._places import place_of_error

        error = f"{type(exc).__name__} at {place_of_error(exc) or module}"
    seconds = perf_counter() - waited_for_a_processor() - begun
    seen = {
        "error": error,
        "seconds": seconds,
        "threads": threads,
        "network": network,
        "path": sys.path != path,
        "environment": sorted(
            name for name in {*environment, *os.environ} if environment.get(name) != os.environ.get(name)
        ),
        "folder": os.getcwd() != folder,
    }
    with open(result_file, "w", encoding="utf-8") as file:
        json.dump(seen, file)
    sys.stdout.flush()
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        os._exit(0)  # the interpreter would wait for them  # pragma: no cover - the measuring ends here too
