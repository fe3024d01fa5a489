"""``@inject`` with the holes of the stock one closed, and a check of all markers at once."""

from __future__ import annotations

import functools
import inspect
import typing
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

from dependency_injector import providers, wiring

from floe_containers._markers import PluginMarker, how_to_wire, plugin_containers_in, the_only
from floe_core.plugin_errors import PluginError, PluginErrorGroup, PluginStateError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator
    from types import ModuleType

    from dependency_injector import containers

    from floe_core.plugin_registry import PluginRegistry

P = ParamSpec("P")
R = TypeVar("R")


def inject(function: Callable[P, R]) -> Callable[P, R]:
    """
    Have the markers among *function*'s parameters replaced at each call, once its module is wired.

    Works on functions, methods, ``__init__``, coroutine functions, generators and asynchronous generators; under
    ``@classmethod``, ``@staticmethod`` and ``@property``, which go above it. Beyond dependency-injector's own ``inject``:

    - a marker in ``Annotated[...]`` counts under ``from __future__ import annotations`` too;
    - an argument passed by position is used like one passed by name, and nothing is loaded for it;
    - a call before wiring fails before the body runs, naming function, parameter and plugin;
    - what is sent to a generator, thrown into it, or done by closing it, reaches it; and it still counts as a generator;
    - ``inspect.signature`` shows what is left to pass, so that FastAPI and Typer do not ask their users for plugins.

    What dependency-injector's ``Closing`` opened is closed when the function returns; a generator does so before its body
    runs, so open such a thing in the body.

    Raises:
        PluginStateError: No parameter has a marker, one that has is positional-only, or an ``Annotated`` annotation cannot
            be evaluated.

    """
    if not inspect.isfunction(function):
        advice = "Put @inject directly above the def, below @classmethod, @staticmethod or @property."
        raise PluginStateError(None, f"@inject takes a function, not a {type(function).__name__}", advice=advice)
    waiting = _Waiting(function)
    inner = _resolving(function, waiting.resolve)
    inner.__signature__ = waiting.signature
    inner.__floe_markers__ = waiting.markers
    injected: Any = wiring.inject(inner)
    if inspect.isasyncgenfunction(function):
        injected = _async_generator_function(injected)
    elif inspect.isgeneratorfunction(function):
        injected = _generator_function(injected)
    # What is left of the signature has no marker, so wire() leaves what is wrapped around the stock function alone.
    injected.__signature__ = waiting.left_to_pass
    return typing.cast("Callable[P, R]", injected)


def check_wiring(container: containers.Container, modules: Iterable[ModuleType | str]) -> None:
    """
    Look at every marker in *modules* and say all at once which of them cannot be injected. Imports no plugin.

    Args:
        container: The wired container: a ``PluginContainer``, or one that nests it.

        modules: Modules, or their names. Of a package, its ``__init__`` only.

    Raises:
        PluginErrorGroup: Some cannot: the function is not wired by *container*, or no such plugin can be used. Each error
            names module, function, parameter and plugin.
        PluginStateError: *container* has no plugins.

    """
    registry: PluginRegistry = the_only(plugin_containers_in(container)).registry()
    problems: dict[str, PluginError] = {}  # by text, since one function can have several names
    for module in modules:
        for error in _problems_of(import_module(module) if isinstance(module, str) else module, container, registry):
            problems.setdefault(str(error), error)
    if problems:
        raise PluginErrorGroup(f"{len(problems)} markers cannot be injected", [*problems.values()])


class _Late:
    """Handed to the function's wrapper by the stock one, which must not build a plugin that the caller passes itself."""

    __slots__ = ("provider",)

    def __init__(self, provider: providers.Provider[Any]) -> None:
        self.provider = provider


class _LateMarker(PluginMarker):
    """Resolves to what gives the plugin instead of to the plugin."""

    def modify(self, provider: providers.Provider[Any], providers_map: object) -> providers.Provider[Any] | None:
        resolved = super().modify(provider, providers_map)
        if resolved is None:
            return None
        late: providers.Object[Any] = providers.Object(_Late(resolved))
        late.disable_async_mode()
        return late


class _Waiting:
    """The parameters of one function that wait for a plugin."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._positions: dict[str, int] = {}
        self.markers: dict[str, PluginMarker] = {}
        filled_in: set[str] = set()
        parameters: list[inspect.Parameter] = []
        signature = _evaluated_signature(function, must_evaluate=True)
        for position, parameter in enumerate(signature.parameters.values()):
            marker, is_the_whole = _marker_of(parameter)
            if marker is not None:
                self._take_position(parameter, position)
            if is_the_whole:
                filled_in.add(parameter.name)
            if isinstance(marker, PluginMarker):
                if is_the_whole:
                    marker = _LateMarker(marker.wish, function.__module__)
                    parameter = parameter.replace(annotation=Annotated[Any, marker])  # noqa: PLW2901
                self.markers[parameter.name] = marker
            parameters.append(parameter)
        if not filled_in and not self._positions and not self.markers:
            advice = "Give it one, such as compute=plugin(PluginType.COMPUTE), or take @inject away."
            raise PluginStateError(None, f"the function {_name(function)} has no parameter to inject", advice=advice)
        self.signature = signature.replace(parameters=parameters)
        self.left_to_pass = signature.replace(parameters=[*_without(filled_in, parameters)])
        self._names = tuple(self.markers)
        self._first = min(self._positions.values(), default=len(parameters))

    def resolve(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Complete *kwargs*, leaving alone what the caller passed by name or by position."""
        if len(args) > self._first:
            self._drop_what_was_passed(len(args), kwargs)
        for name in self._names:
            try:
                value = kwargs[name]
            except KeyError:
                if self._positions.get(name, len(args)) >= len(args):
                    raise self._not_wired(name) from None
                continue
            if type(value) is _Late:
                kwargs[name] = value.provider()
            elif isinstance(value, PluginMarker):
                raise self._not_wired(name)

    def _take_position(self, parameter: inspect.Parameter, position: int) -> None:
        if parameter.kind is parameter.POSITIONAL_ONLY:
            reason = f"the parameter {parameter.name!r} of {_name(self._function)} is positional-only"
            raise PluginStateError(None, reason, advice="What is injected is passed by name: put it behind the slash.")
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            self._positions[parameter.name] = position

    def _drop_what_was_passed(self, given: int, kwargs: dict[str, Any]) -> None:
        """The stock wrapper looks for injected parameters among the named arguments only, and adds them once more."""
        for name, position in self._positions.items():
            is_late = isinstance(self.markers.get(name), _LateMarker)
            if position < given and (not is_late or type(kwargs.get(name)) is _Late):
                kwargs.pop(name, None)

    def _not_wired(self, parameter: str) -> PluginStateError:
        return PluginStateError(
            None,
            f"the function {_name(self._function)} was called without {self.markers[parameter].wish.what} "
            f"for its parameter {parameter!r}",
            advice=f"Pass the argument, or {how_to_wire(self._function.__module__)}.",
        )


def _resolving(function: Callable[..., Any], resolve: Callable[[tuple[Any, ...], dict[str, Any]], None]) -> Any:
    """What the stock wrapper calls. A coroutine where it may have to await what it injects."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            resolve(args, kwargs)
            return await function(*args, **kwargs)

        return coroutine
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def coroutine_of_generator(*args: Any, **kwargs: Any) -> Any:
            resolve(args, kwargs)
            return function(*args, **kwargs)

        return coroutine_of_generator

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        resolve(args, kwargs)
        return function(*args, **kwargs)

    return plain


def _without(names: set[str], parameters: list[inspect.Parameter]) -> Iterator[inspect.Parameter]:
    """What is left to pass. Behind a parameter that is gone none has its position any more."""
    has_gap = False
    for parameter in parameters:
        if parameter.name in names:
            has_gap = True
        elif has_gap and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            yield parameter.replace(kind=parameter.KEYWORD_ONLY)
        elif not has_gap or parameter.kind is not parameter.VAR_POSITIONAL:
            yield parameter


def _generator_function(make: Callable[..., Generator[Any, Any, Any]]) -> Callable[..., Any]:
    """*make*, which returns a generator, as the generator function that frameworks look for."""

    @functools.wraps(make)
    def outer(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from make(*args, **kwargs))

    return outer


def _async_generator_function(make: Callable[..., Awaitable[AsyncGenerator[Any, Any]]]) -> Callable[..., Any]:
    """As ``_generator_function``: what ``yield from`` does, for an asynchronous generator."""

    @functools.wraps(make)
    async def outer(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = await make(*args, **kwargs)
        step = generator.asend(None)
        try:
            while True:
                item = await step
                try:
                    sent = yield item
                except GeneratorExit:
                    raise
                except BaseException as exc:
                    step = generator.athrow(exc)
                else:
                    step = generator.asend(sent)
        except StopAsyncIteration:
            return
        finally:
            await generator.aclose()

    return outer


def _evaluated_signature(function: Callable[..., Any], *, must_evaluate: bool) -> inspect.Signature:
    """
    The signature with annotations evaluated where possible: a marker can stand in one.

    Frameworks read it too, and would evaluate what is left in the module of the stock wrapper.
    """
    signature = inspect.signature(function)
    namespace = getattr(inspect.unwrap(function), "__globals__", {})
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        annotation, error = _evaluated(parameter.annotation, namespace)
        if error is not None and must_evaluate and "Annotated" in annotation:
            reason = f"the annotation of {parameter.name!r} in {_name(function)} cannot be evaluated"
            advice = "Import what it names at run time, or write the marker as the parameter's default."
            raise PluginStateError(None, reason, advice=advice) from error
        parameters.append(parameter.replace(annotation=annotation))
    returned, _ = _evaluated(signature.return_annotation, namespace)
    return signature.replace(parameters=parameters, return_annotation=returned)


def _evaluated(annotation: Any, namespace: dict[str, Any]) -> tuple[Any, Exception | None]:
    if not isinstance(annotation, str):
        return annotation, None
    try:
        return eval(annotation, namespace), None  # noqa: S307  # the author's own annotation, in its own module
    except Exception as exc:  # what is imported for type checkers only, or defined further down
        return annotation, exc


def _marker_of(parameter: inspect.Parameter) -> tuple[Any, bool]:
    """
    The marker that the stock ``inject`` sees in a parameter: in ``Annotated``, else the default; None when there is none.

    And whether it stands there by itself, not inside what a framework reads, such as FastAPI's ``Depends``.
    """
    in_annotation = typing.get_origin(parameter.annotation) is Annotated
    for candidate in typing.get_args(parameter.annotation)[1:] if in_annotation else (parameter.default,):
        for marker in (candidate, *(extract(candidate) for extract in wiring.MARKER_EXTRACTORS)):
            if isinstance(marker, (wiring.Provide, wiring.Provider, wiring.Closing)):
                return marker, marker is candidate
    return None, False


def _problems_of(
    module: ModuleType, container: containers.Container, registry: PluginRegistry
) -> Iterator[PluginError]:
    for where, marker in _markers_in(module, module.__name__):
        if not marker.is_wired_by(container):
            advice = f"Use floe_containers.inject, and {how_to_wire(module.__name__)}."
            yield PluginStateError(None, f"{where}: {marker.wish.what} is not wired", advice=advice)
            continue
        try:
            marker.wish.check(registry)
        except PluginError as exc:
            yield PluginStateError(None, f"{where}: {marker.wish.what} cannot be had", advice=str(exc))


def _markers_in(holder: object, module: str) -> Iterator[tuple[str, PluginMarker]]:
    """The markers in what *module* defines, at its top and in its classes, and where each of them stands."""
    outer = f"{holder.__qualname__}." if inspect.isclass(holder) else ""
    members: dict[str, Any] = {**vars(holder)}
    for name, member in members.items():
        if isinstance(member, PluginMarker):
            yield f"the attribute {module}.{outer}{name}", member
            continue
        inside: Any = _inside(member)
        if getattr(inside, "__module__", None) != module:
            continue
        if inspect.isclass(inside):
            if inside.__qualname__.startswith(outer):  # else a class could lead to itself
                yield from _markers_in(inside, module)
        elif inspect.isroutine(inside):
            for parameter, marker in _markers_of(inside).items():
                yield f"the parameter {parameter!r} of {_name(inside)}", marker


def _inside(member: Any) -> Any:
    """The function that a class or static method, a property or a partial is about."""
    kinds: dict[Any, str] = {
        classmethod: "__func__",
        staticmethod: "__func__",
        property: "fget",
        functools.partial: "func",
    }
    for kind, attribute in kinds.items():
        if isinstance(member, kind):
            return getattr(member, attribute)
    return member


def _markers_of(function: Callable[..., Any]) -> dict[str, PluginMarker]:
    markers: dict[str, PluginMarker] | None = getattr(function, "__floe_markers__", None)  # functools.wraps hands it on
    if markers is None:
        parameters = _evaluated_signature(function, must_evaluate=False).parameters.values()
        found = {parameter.name: _marker_of(parameter)[0] for parameter in parameters}
        markers = {name: marker for name, marker in found.items() if isinstance(marker, PluginMarker)}
    return markers


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}()"
