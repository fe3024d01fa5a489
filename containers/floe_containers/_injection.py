"""``@inject`` with the holes of the stock one closed, and a check of all markers at once."""

from __future__ import annotations

import functools
import inspect
import typing
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

from dependency_injector import providers, wiring

from floe_core.plugin_errors import PluginError, PluginErrorGroup, PluginStateError

from floe_containers._markers import PluginMarker, how_to_wire, plugin_container_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from dependency_injector import containers

    from floe_core.plugin_registry import PluginRegistry

P = ParamSpec("P")
R = TypeVar("R")


def inject(function: Callable[P, R]) -> Callable[P, R]:
    """
    Have the markers among *function*'s parameters replaced at each call, once its module is wired.

    Works on functions, methods, ``__init__``, coroutine functions, generators and asynchronous generators; under
    ``@classmethod`` and ``@staticmethod``, which go above it. Beyond dependency-injector's own ``inject``: a marker in
    ``Annotated[...]`` counts under ``from __future__ import annotations`` too; an argument passed by position is used
    like one passed by name; a call before wiring fails before the body runs, naming function, parameter and plugin.

    Raises:
        PluginStateError: No parameter has a marker, or an ``Annotated`` annotation cannot be evaluated.
    """
    if not inspect.isfunction(function):
        advice = "Put @inject directly above the def, below @classmethod, @staticmethod or @property."
        raise PluginStateError(None, f"@inject takes a function, not a {type(function).__name__}", advice=advice)
    signature = _evaluated_signature(function)
    waiting = _Waiting(function, signature)
    inner: Any
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def inner(*args: Any, **kwargs: Any) -> Any:
            waiting.resolve(args, kwargs)
            return await function(*args, **kwargs)

    elif inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def inner(*args: Any, **kwargs: Any) -> Any:
            waiting.resolve(args, kwargs)
            async for item in function(*args, **kwargs):
                yield item

    else:

        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            waiting.resolve(args, kwargs)
            return function(*args, **kwargs)

    inner.__signature__ = waiting.signature
    injected: Callable[P, R] = wiring.inject(inner)
    return injected


def check_wiring(container: containers.DynamicContainer, modules: Iterable[ModuleType | str]) -> None:
    """
    Look at every marker in *modules* and say all at once which of them cannot be injected. Imports no plugin.

    Args:
        container: The wired container: a ``PluginContainer``, or one that nests it.

    Raises:
        PluginErrorGroup: Some cannot: the function is not wired, or no such plugin can be used. Each error names module,
            function, parameter and plugin.
    """
    registry: PluginRegistry = plugin_container_in(container).registry()
    errors: list[PluginError] = []
    for module in modules:
        loaded = import_module(module) if isinstance(module, str) else module
        for function in _functions_of(loaded):
            errors += _problems_of(function, registry)
    if errors:
        raise PluginErrorGroup(f"{len(errors)} markers cannot be injected", errors)


class _Late:
    """Handed to the function's wrapper by the stock one, which must not build a plugin that the caller passes itself."""

    __slots__ = ("provider",)

    def __init__(self, provider: providers.Provider[Any]) -> None:
        self.provider = provider


class _LateMarker(PluginMarker):
    """Resolves to what gives the plugin instead of to the plugin."""

    def __init__(self, marker: PluginMarker) -> None:
        super().__init__(marker.wanted, marker._provider_in, marker._module)
        self.check = marker.check

    def modify(self, provider: providers.Provider[Any], providers_map: object) -> providers.Provider[Any] | None:
        resolved = super().modify(provider, providers_map)
        if resolved is None:
            return None
        late: providers.Object[Any] = providers.Object(_Late(resolved))
        late.disable_async_mode()
        return late


class _Waiting:
    """The parameters of one function that wait for a plugin."""

    def __init__(self, function: Callable[..., Any], signature: inspect.Signature) -> None:
        self._function = function
        self._positions: dict[str, int] = {}
        self._wanted: dict[str, str] = {}
        parameters: list[inspect.Parameter] = []
        has_marker = False
        for position, parameter in enumerate(signature.parameters.values()):
            marker = _marker_of(parameter)
            has_marker = has_marker or marker is not None
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY and marker is not None:
                self._positions[parameter.name] = position
            if isinstance(marker, PluginMarker):
                self._wanted[parameter.name] = marker.wanted
            parameters.append(_with_late_marker(parameter))
        if not has_marker:
            advice = "Give it one, such as compute=plugin(PluginType.COMPUTE), or take @inject away."
            raise PluginStateError(None, f"{_name(function)} has no parameter to inject", advice=advice)
        self.signature = signature.replace(parameters=parameters)
        self._by_name = tuple(self._wanted)

    def resolve(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Complete *kwargs*, leaving alone what the caller passed by name or by position."""
        given = len(args)
        for name, position in self._positions.items():
            if position < given and (name not in self._wanted or type(kwargs.get(name)) is _Late):
                kwargs.pop(name, None)
        for name in self._by_name:
            value = kwargs.get(name, self)
            if type(value) is _Late:
                kwargs[name] = value.provider()
            elif (value is self and self._positions.get(name, given) >= given) or isinstance(value, PluginMarker):
                raise self._not_wired(name)

    def _not_wired(self, parameter: str) -> PluginStateError:
        module = self._function.__module__
        return PluginStateError(
            None,
            f"{_name(self._function)} was called without {self._wanted[parameter]} for its parameter {parameter!r}",
            advice=f"Pass the argument, or {how_to_wire(module)}.",
        )


def _evaluated_signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature with those annotations evaluated in which a marker can stand."""
    signature = inspect.signature(function)
    namespace = getattr(function, "__globals__", {})
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        annotation = parameter.annotation
        if isinstance(annotation, str) and "Annotated" in annotation:
            try:
                annotation = eval(annotation, namespace)  # noqa: S307  # the author's own annotation, in its own module
            except Exception as exc:
                reason = f"the annotation of {parameter.name!r} in {_name(function)} cannot be evaluated"
                advice = "Import what it names at run time, or write the marker as the parameter's default."
                raise PluginStateError(None, reason, advice=advice) from exc
        parameters.append(parameter.replace(annotation=annotation))
    return signature.replace(parameters=parameters)


def _marker_of(parameter: inspect.Parameter) -> Any:
    """The marker that the stock ``inject`` sees in a parameter, or None: in ``Annotated``, else the default."""
    annotated = typing.get_origin(parameter.annotation) is Annotated
    for candidate in typing.get_args(parameter.annotation)[1:] if annotated else (parameter.default,):
        held = (extract(candidate) for extract in wiring.MARKER_EXTRACTORS)  # such as FastAPI's Depends
        marker = next((marker for marker in held if marker), candidate)
        if isinstance(marker, (wiring.Provide, wiring.Provider, wiring.Closing)):
            return marker
    return None


def _with_late_marker(parameter: inspect.Parameter) -> inspect.Parameter:
    """The parameter as the stock ``inject`` is to see it. Markers inside FastAPI's ``Depends`` stay: it passes by name."""
    if isinstance(parameter.default, PluginMarker):
        parameter = parameter.replace(default=_LateMarker(parameter.default))
    if typing.get_origin(parameter.annotation) is Annotated:
        kind, *metadata = typing.get_args(parameter.annotation)
        late = [_LateMarker(item) if isinstance(item, PluginMarker) else item for item in metadata]
        parameter = parameter.replace(annotation=Annotated[(kind, *late)])
    return parameter


def _functions_of(module: ModuleType) -> Iterator[Callable[..., Any]]:
    """Functions and methods that *module* defines, and those of its classes."""
    for member in vars(module).values():
        if getattr(member, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(member):
            yield member
        elif inspect.isclass(member):
            for attribute in vars(member).values():
                function = getattr(attribute, "__func__", attribute)
                if inspect.isfunction(function):
                    yield function


def _problems_of(function: Callable[..., Any], registry: PluginRegistry) -> Iterator[PluginError]:
    try:
        parameters = _evaluated_signature(function).parameters
    except PluginStateError as exc:
        yield exc
        return
    for parameter in parameters.values():
        marker = _marker_of(parameter)
        if not isinstance(marker, PluginMarker):
            continue
        where = f"{_name(function)}, parameter {parameter.name!r}: {marker.wanted}"
        if not marker.is_wired:
            advice = f"Use floe_containers.inject, and {how_to_wire(function.__module__)}."
            yield PluginStateError(None, f"{where} is not wired", advice=advice)
        else:
            try:
                marker.check(registry)
            except PluginError as exc:
                yield PluginStateError(None, f"{where} cannot be had", advice=str(exc))


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}()"
