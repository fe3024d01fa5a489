"""A pytest plugin (``-p stub_out``) that puts a stub in the place of a library: every name is there, and nothing happens."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LIBRARIES = tuple(os.environ.get("STUB_OUT", "").split())


class Anything:
    """Has every attribute, can be called, iterated, entered and compared; is nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return Anything()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getitem__(self, item: object) -> Any:
        return Anything()

    def __setitem__(self, item: object, value: object) -> None:
        pass

    def __enter__(self) -> Any:
        return Anything()

    def __exit__(self, *exc: object) -> None:
        pass

    def __int__(self) -> int:
        return 0

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (object,)


class Stub(ModuleType):
    """A module in which every name is anything."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()


class StubFinder(MetaPathFinder, Loader):
    """Answers for the libraries, and for all modules in them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if any(fullname == library or fullname.startswith(f"{library}.") for library in LIBRARIES):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Stub(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


if LIBRARIES:
    for name in [name for name in sys.modules if name.partition(".")[0] in LIBRARIES]:
        del sys.modules[name]
    sys.meta_path.insert(0, StubFinder())
