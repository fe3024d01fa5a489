"""Loading plugins on the main thread, as an application does, and yet never longer than a bound."""

from __future__ import annotations

import signal
import threading

from floe_core._places import place_of_thread
from floe_core.plugin_errors import PluginLoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_registry import PluginRegistry
    from floe_core.plugin_types import PluginKey


def load(registry: PluginRegistry, key: PluginKey, timeout: float) -> PluginMetadata:
    """
    The plugin of *key*, loaded here and now. Call it on the main thread.

    Args:
        timeout: Seconds. A load that takes longer is interrupted the way the keyboard does it; and again, as long as it
            waits for something else on its way out.

    Raises:
        PluginError: As ``PluginRegistry.get``; a PluginLoadError where it took too long, with the place where it stood.

    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    watch = _Watch(timeout)
    watch.start()
    try:
        plugin = registry.get(*key)
        if watch.call_off():
            return plugin
        threading.Event().wait(1.0)  # the interrupt is on its way
    except KeyboardInterrupt:
        if not watch.has_struck:
            raise
    finally:
        watch.call_off()
        signal.signal(signal.SIGINT, before)
    reason = f"loading it took longer than {timeout:g} s; it stood at {watch.place}"
    raise PluginLoadError(key, reason, advice="Mend that line: importing and constructing a plugin does no waiting.")


class _Watch(threading.Thread):
    """Interrupts the main thread, unless it is called off in time; then again, until it is."""

    def __init__(self, timeout: float) -> None:
        super().__init__(name="floe-plugins watch", daemon=True)
        self._timeout = timeout
        self._over = threading.Event()
        self._lock = threading.Lock()  # held while it is decided whether the watch strikes
        self.has_struck = False
        self.place = ""

    def run(self) -> None:
        pause = self._timeout
        while not self._over.wait(pause):
            with self._lock:
                if not self._over.is_set():
                    main = threading.main_thread().ident or 0
                    self.place = self.place or place_of_thread(main)
                    self.has_struck = True
                    signal.pthread_kill(main, signal.SIGINT)  # ends a sleep too
            pause = 1.0

    def call_off(self) -> bool:
        """Whether it was in time."""
        with self._lock:
            self._over.set()
            return not self.has_struck
