"""What our own ``inject`` adds to dependency-injector's."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import pydoc
from collections.abc import Callable
from typing import Any

import pytest
from dependency_injector import containers, providers

from floe_containers import inject, plugin
from floe_core.plugin_errors import PluginStateError
from floe_core.plugin_types import PluginType
from tests.injection.conftest import Wire, WriteModule, is_imported

untyped_providers: Any = providers  # for those that the local stubs leave out

pytestmark = pytest.mark.usefixtures("duckdb")

NIGHTLY = (
    '@inject\ndef nightly(sql, compute=plugin(PluginType.COMPUTE, "duckdb"), limit=10): return sql, compute, limit'
)


class TestArguments:
    def test_by_position(self, write_module: WriteModule, wire: Wire, duckdb: str) -> None:
        """A value passed by position is used as it is, and nothing is loaded."""
        jobs = write_module(NIGHTLY)
        wire(jobs)

        assert jobs.nightly("select 1", "mine", 5) == ("select 1", "mine", 5)
        assert jobs.nightly("select 1", None) == ("select 1", None, 10)
        assert not is_imported(duckdb)

    def test_by_position_before_wiring(self, write_module: WriteModule) -> None:
        """What is passed needs no container."""
        jobs = write_module(NIGHTLY)

        assert jobs.nightly("select 1", "mine") == ("select 1", "mine", 10)
        assert jobs.nightly("select 1", compute="mine") == ("select 1", "mine", 10)

    def test_twice(self, write_module: WriteModule, wire: Wire) -> None:
        """By position and by name is the caller's mistake, as for any function."""
        jobs = write_module(NIGHTLY)
        wire(jobs)

        with pytest.raises(TypeError, match="multiple values for argument 'compute'"):
            jobs.nightly("select 1", "mine", compute="mine too")

    def test_with_more_positions_behind(self, write_module: WriteModule, wire: Wire) -> None:
        """What is injected may stand before ``*args``, and is left out of the call by name alone."""
        jobs = write_module("""
            @inject
            def run(compute=plugin(PluginType.COMPUTE, "duckdb"), *rest, catalog=plugin(PluginType.CATALOG, optional=True)):
                return compute, rest, catalog
        """)
        container = wire(jobs)

        assert jobs.run("mine", 1, 2) == ("mine", (1, 2), None)
        assert jobs.run() == (container.registry().get(PluginType.COMPUTE, "duckdb"), (), None)

    def test_stock_markers_by_position(self, write_module: WriteModule, wire: Wire) -> None:
        """Beside ours, dependency-injector's own markers can be passed by position as well."""
        jobs = write_module("""
            @inject
            def run(settings=Provide["settings"], compute=plugin(PluginType.COMPUTE, "duckdb")): return settings, compute
        """)
        container = wire(jobs)

        assert jobs.run() == (None, container.registry().get(PluginType.COMPUTE, "duckdb"))
        assert jobs.run("mine", "mine too") == ("mine", "mine too")

    def test_only_stock_markers(self, write_module: WriteModule, wire: Wire) -> None:
        """A function without any plugin is injected as by dependency-injector."""
        jobs = write_module('@inject\ndef run(sql, settings=Provide["settings"]): return sql, settings')
        wire(jobs)

        assert [jobs.run(1), jobs.run(1, 2)] == [(1, None), (1, 2)]


class TestAnnotations:
    def test_markers_in_annotations_that_are_text(self, write_module: WriteModule, wire: Wire) -> None:
        """``from __future__ import annotations`` does not lose them, nor do defaults that stand beside them."""
        jobs = write_module(
            """
            import typing as t

            @inject
            def run(compute: Annotated[ComputePlugin, plugin(PluginType.COMPUTE, "duckdb")], limit: int = 3):
                return compute, limit

            @inject
            def aliased(compute: t.Annotated[ComputePlugin, plugin(PluginType.COMPUTE, "duckdb")] = None): return compute
            """,
            future=True,
        )
        container = wire(jobs)
        duckdb = container.registry().get(PluginType.COMPUTE, "duckdb")

        assert jobs.run() == (duckdb, 3)
        assert jobs.run(limit=4) == (duckdb, 4)
        assert jobs.aliased() is duckdb

    def test_annotations_that_cannot_be_evaluated(self, write_module: WriteModule, wire: Wire) -> None:
        """Other annotations may name what is imported for type checkers only."""
        jobs = write_module(
            '@inject\ndef run(path: Path, compute: Duck = plugin(PluginType.COMPUTE, "duckdb")) -> Path: return compute',
            future=True,
        )
        wire(jobs)

        assert jobs.run(None).name == "duckdb"

    def test_a_marker_that_would_be_lost(self, write_module: WriteModule) -> None:
        """An annotation that may hold a marker has to be readable."""
        name = write_module(
            '@inject\ndef run(compute: Annotated[Duck, plugin(PluginType.COMPUTE, "duckdb")]): ...',
            future=True,
            imported=False,
        )

        with pytest.raises(PluginStateError) as caught:
            __import__(name)
        assert str(caught.value) == (
            f"The annotation of 'compute' in {name}.run() cannot be evaluated. "
            "Import what it names at run time, or write the marker as the parameter's default."
        )
        assert isinstance(caught.value.__cause__, NameError)


THINGS: list[tuple[Any, str]] = [(classmethod(print), "classmethod"), (property(), "property"), (dict, "type")]


class TestRefusals:
    def test_no_marker(self) -> None:
        """There is nothing to do for it."""
        with pytest.raises(PluginStateError) as caught:

            @inject
            def idle(sql: str) -> None:  # pyright: ignore[reportUnusedFunction]
                print(sql)

        assert str(caught.value) == (
            f"The function {__name__}.TestRefusals.test_no_marker.<locals>.idle() has no parameter to inject. "
            "Give it one, such as compute=plugin(PluginType.COMPUTE), or take @inject away."
        )

    def test_positional_only(self) -> None:
        """What is injected is passed by name."""
        with pytest.raises(PluginStateError) as caught:

            @inject
            def run(compute: Any = plugin(PluginType.COMPUTE), /) -> None:  # pyright: ignore[reportUnusedFunction]
                print(compute)

        assert str(caught.value) == (
            "The parameter 'compute' of "
            f"{__name__}.TestRefusals.test_positional_only.<locals>.run() is positional-only. "
            "What is injected is passed by name: put it behind the slash."
        )

    # In the wrong order, and on what is not a function.
    @pytest.mark.parametrize(("thing", "kind"), THINGS)
    def test_what_is_no_function(self, thing: Any, kind: str) -> None:
        """The decorator goes directly above the function."""
        with pytest.raises(PluginStateError) as caught:
            inject(thing)
        assert str(caught.value) == (
            f"@inject takes a function, not a {kind}. "
            "Put @inject directly above the def, below @classmethod, @staticmethod or @property."
        )


class TestNotWired:
    # Every kind of function, and what makes its body run.
    @pytest.mark.parametrize(
        ("source", "call"),
        [
            ("def run(compute={marker}): ran()", "run"),
            ("async def run(compute={marker}): ran()", "asyncio"),
            ("def run(compute={marker}): yield ran()", "next"),
            ("async def run(compute={marker}): yield ran()", "anext"),
            ("def run(compute: Annotated[ComputePlugin, {marker}] = None): ran()", "run"),
            ("def run(*, compute={marker}): ran()", "run"),
        ],
    )
    def test_fails_before_the_body(self, source: str, call: str, write_module: WriteModule) -> None:
        """The error names function, parameter and plugin, and how to wire."""
        marker = 'plugin(PluginType.COMPUTE, "duckdb")'
        jobs = write_module(f"def ran(): raise AssertionError\n@inject\n{source.format(marker=marker)}")

        calls: dict[str, Callable[[], Any]] = {
            "run": jobs.run,
            "asyncio": lambda: asyncio.run(jobs.run()),
            "next": lambda: next(jobs.run()),
            "anext": lambda: asyncio.run(anext(jobs.run())),
        }
        with pytest.raises(PluginStateError) as caught:
            calls[call]()

        assert str(caught.value) == (
            f"The function {jobs.__name__}.run() was called without the plugin COMPUTE:duckdb for its parameter 'compute'. "
            "Pass the argument, or wire the module from a container that is or nests a PluginContainer: "
            f"container.wire(modules=[{jobs.__name__!r}])."
        )

    def test_a_marker_passed_by_name(self, write_module: WriteModule) -> None:
        """As FastAPI does with one inside Depends: it stands for the plugin still, and is none."""
        jobs = write_module(NIGHTLY)

        with pytest.raises(PluginStateError, match=r"nightly\(\) was called without the plugin COMPUTE:duckdb"):
            jobs.nightly("select 1", compute=plugin(PluginType.COMPUTE, "duckdb"))

    def test_unwired(self, write_module: WriteModule, wire: Wire) -> None:
        """After unwire() a call fails as before wire()."""
        jobs = write_module(NIGHTLY)
        wire(jobs).unwire()

        with pytest.raises(PluginStateError, match=r"nightly\(\) was called without the plugin COMPUTE:duckdb"):
            jobs.nightly("select 1")

    def test_wired_by_a_container_without_plugins(self, write_module: WriteModule) -> None:
        """Nothing to inject there: the call says so."""
        jobs = write_module(NIGHTLY)
        other = containers.DynamicContainer()
        other.wire(modules=[jobs])

        with pytest.raises(PluginStateError, match="from a container that is or nests a PluginContainer"):
            jobs.nightly("select 1")


GENERATORS = """
seen = []

@inject
def generator(compute=plugin(PluginType.COMPUTE, "duckdb")):
    try:
        sent = yield compute
        while True:
            try:
                sent = yield sent
            except ValueError as exc:
                sent = yield f"caught {exc}"
            if sent == "stop":
                return "returned"
    finally:
        seen.append("closed")

@inject
async def async_generator(compute=plugin(PluginType.COMPUTE, "duckdb")):
    try:
        sent = yield compute
        while True:
            try:
                sent = yield sent
            except ValueError as exc:
                sent = yield f"caught {exc}"
            if sent == "stop":
                return
    finally:
        seen.append("closed")
"""


class TestGenerators:
    def test_send_throw_and_return(self, write_module: WriteModule, wire: Wire) -> None:
        """A generator gets what is sent and thrown, and its return value comes back."""
        jobs = write_module(GENERATORS)
        duckdb = wire(jobs).registry().get(PluginType.COMPUTE, "duckdb")
        generator = jobs.generator()

        assert next(generator) is duckdb
        assert generator.send("a") == "a"
        assert generator.throw(ValueError("b")) == "caught b"
        with pytest.raises(StopIteration) as stopped:
            generator.send("stop")
        assert stopped.value.value == "returned"
        assert jobs.seen == ["closed"]

    def test_close(self, write_module: WriteModule, wire: Wire) -> None:
        """Closing it runs its clean-up there and then."""
        jobs = write_module(GENERATORS)
        wire(jobs)
        generator = jobs.generator()
        next(generator)
        generator.close()

        assert jobs.seen == ["closed"]

    def test_asend_and_athrow(self, write_module: WriteModule, wire: Wire) -> None:
        """So does an asynchronous one, until it ends."""
        jobs = write_module(GENERATORS)
        duckdb = wire(jobs).registry().get(PluginType.COMPUTE, "duckdb")

        async def talk() -> None:
            generator = jobs.async_generator()
            assert await anext(generator) is duckdb
            assert await generator.asend("a") == "a"
            assert await generator.athrow(ValueError("b")) == "caught b"
            with pytest.raises(StopAsyncIteration):
                await generator.asend("stop")
            assert jobs.seen == ["closed"]

        asyncio.run(talk())

    def test_exceptions_that_it_does_not_catch(self, write_module: WriteModule, wire: Wire) -> None:
        """They come back to whoever threw them, once the clean-up ran."""
        jobs = write_module(GENERATORS)
        wire(jobs)
        error = KeyError("not caught")

        async def talk() -> None:
            generator = jobs.async_generator()
            await anext(generator)
            with pytest.raises(KeyError) as caught:
                await generator.athrow(error)
            assert caught.value is error
            assert jobs.seen == ["closed"]

        asyncio.run(talk())

    def test_aclose(self, write_module: WriteModule, wire: Wire) -> None:
        """Closing an asynchronous generator runs its clean-up there and then, not when it is collected."""
        jobs = write_module(GENERATORS)
        wire(jobs)

        async def talk() -> None:
            generator = jobs.async_generator()
            await anext(generator)
            await generator.aclose()
            assert jobs.seen == ["closed"]

        asyncio.run(talk())

    def test_loops_end(self, write_module: WriteModule, wire: Wire) -> None:
        """One that runs to its end ends the loop over it."""
        jobs = write_module("""
            @inject
            async def numbers(compute=plugin(PluginType.COMPUTE, "duckdb")):
                yield 1
                yield 2
        """)
        wire(jobs)

        async def collect() -> list[int]:
            return [number async for number in jobs.numbers()]

        assert asyncio.run(collect()) == [1, 2]

    def test_they_still_count_as_generators(self, write_module: WriteModule) -> None:
        """Frameworks that look for generator functions, such as pytest's fixtures and FastAPI, find them."""
        jobs = write_module(GENERATORS)

        assert inspect.isgeneratorfunction(jobs.generator)
        assert inspect.isasyncgenfunction(jobs.async_generator)

    def test_as_context_managers(self, write_module: WriteModule, wire: Wire) -> None:
        """Contextlib goes above @inject."""
        jobs = write_module("""
            @contextlib.contextmanager
            @inject
            def session(compute=plugin(PluginType.COMPUTE, "duckdb")): yield compute

            @contextlib.asynccontextmanager
            @inject
            async def async_session(compute=plugin(PluginType.COMPUTE, "duckdb")): yield compute
        """)
        duckdb = wire(jobs).registry().get(PluginType.COMPUTE, "duckdb")

        async def enter() -> None:
            async with jobs.async_session() as compute:
                assert compute is duckdb

        with jobs.session() as compute:
            assert compute is duckdb
        asyncio.run(enter())


class TestDecorators:
    def test_above(self, write_module: WriteModule, wire: Wire) -> None:
        """A decorator above @inject is called once, on the outside."""
        jobs = write_module("""
            calls = []

            def traced(function):
                @functools.wraps(function)
                def wrapper(*args, **kwargs):
                    calls.append((args, kwargs))
                    return function(*args, **kwargs)
                return wrapper

            @traced
            @inject
            def run(sql, compute=plugin(PluginType.COMPUTE, "duckdb")): return compute.name

            @functools.cache
            @inject
            def cached(compute=plugin(PluginType.COMPUTE, "duckdb")): return compute.name
        """)
        wire(jobs)

        assert jobs.run("select 1") == "duckdb"
        assert jobs.calls == [(("select 1",), {})]
        assert jobs.cached() == "duckdb"

    def test_below(self, write_module: WriteModule, wire: Wire) -> None:
        """A decorator below it, which keeps the signature, sees the plugin."""
        jobs = write_module("""
            seen = []

            def traced(function):
                @functools.wraps(function)
                def wrapper(*args, **kwargs):
                    seen.append(sorted(kwargs))
                    return function(*args, **kwargs)
                return wrapper

            @inject
            @traced
            def run(sql, compute=plugin(PluginType.COMPUTE, "duckdb")): return compute.name
        """)
        wire(jobs)

        assert jobs.run("select 1") == "duckdb"
        assert jobs.seen == [["compute"]]


class TestSignature:
    def test_shows_what_is_left_to_pass(self, write_module: WriteModule) -> None:
        """Without what is injected; behind a gap, parameters go by name. Annotations are evaluated where they can be."""
        jobs = write_module(
            """
            @inject
            def run(sql: str, compute: ComputePlugin = plugin(PluginType.COMPUTE), limit: int = 10, *rest: str,
                    catalog: Annotated[CatalogPlugin, plugin(PluginType.CATALOG)], **more: Later) -> list[str]:
                "Run it."

            @inject
            def at_the_end(sql: str, *rest: str, compute: ComputePlugin = plugin(PluginType.COMPUTE)) -> None: ...
            """,
            future=True,
        )

        assert str(inspect.signature(jobs.run)) == "(sql: str, *, limit: int = 10, **more: 'Later') -> list[str]"
        assert str(inspect.signature(jobs.at_the_end)) == "(sql: str, *rest: str) -> None"
        assert "run(sql: str, *, limit: int = 10, **more: 'Later') -> list[str]\n    Run it." in pydoc.plain(
            pydoc.render_doc(jobs.run)
        )

    def test_the_function_itself_is_left_alone(self, write_module: WriteModule) -> None:
        """The decorator changes no signature but its own."""
        jobs = write_module("""
            def run(sql: str, compute: ComputePlugin = plugin(PluginType.COMPUTE)) -> None: ...

            before = str(__import__("inspect").signature(run))
            injected = inject(run)
        """)

        assert str(inspect.signature(jobs.run)) == jobs.before
        assert [jobs.injected.__name__, jobs.injected.__module__] == ["run", jobs.__name__]


class TestAsynchronousProviders:
    def test_are_awaited(self, write_module: WriteModule, site: object) -> None:
        """What dependency-injector awaits for its own markers it awaits here, in coroutines and generators."""

        async def open_connection() -> str:
            return "connection"

        class Application(containers.DeclarativeContainer):
            connection = untyped_providers.Coroutine(open_connection)

        jobs = write_module("""
            @inject
            async def run(connection=Provide["connection"]): return connection

            @inject
            async def generate(connection=Provide["connection"]): yield connection
        """)
        application = Application()
        application.wire(modules=[jobs])

        async def both() -> list[Any]:
            async with contextlib.aclosing(jobs.generate()) as items:
                return [await jobs.run(), await anext(items)]

        assert asyncio.run(both()) == ["connection", "connection"]
        application.unwire()
