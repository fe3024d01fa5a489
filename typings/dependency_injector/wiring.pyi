from collections.abc import Callable
from typing import Any, TypeVar, overload

from dependency_injector import containers, providers

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

MARKER_EXTRACTORS: list[Callable[[Any], Any]]

class DIWiringWarning(RuntimeWarning): ...
class UnresolvedMarkerWarning(DIWiringWarning): ...

class Modifier:
    def modify(self, provider: providers.Provider[Any], providers_map: object) -> providers.Provider[Any] | None: ...

# A marker has the type of what takes its place; one that names its provider by a string may be anything.
class _Injected(type):
    @overload
    def __getitem__(cls, provider: providers.Provider[T]) -> T: ...
    @overload
    def __getitem__(cls, provider: str | tuple[str, object] | type[containers.Container]) -> Any: ...

class _Delegated(type):
    @overload
    def __getitem__(cls, provider: providers.Provider[T]) -> providers.Provider[T]: ...
    @overload
    def __getitem__(cls, provider: str | tuple[str, object]) -> Any: ...

class Provide(metaclass=_Injected):
    provider: providers.Provider[Any] | type[containers.Container] | str
    modifier: Any
    def __init__(self, provider: object, modifier: object = None) -> None: ...

class Provider(metaclass=_Delegated):
    provider: providers.Provider[Any] | str
    def __init__(self, provider: object, modifier: object = None) -> None: ...

class Closing(metaclass=_Injected):
    provider: Any
    def __init__(self, provider: object, modifier: object = None) -> None: ...

def inject(fn: F) -> F: ...
