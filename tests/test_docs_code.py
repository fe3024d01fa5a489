"""The Python code in the README and the documentation runs, page by page, as a reader would type it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from floe_core.plugin_types import PluginType
from floe_core.testing import install_distribution, plugin_source
from tests.docs_page import Block, blocks_of

ROOT = Path(__file__).parents[1]
PAGES = [page for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))] if page.exists() and blocks_of(page)]

DUCKDB = plugin_source(
    PluginType.COMPUTE,
    name="duckdb",
    schema='threads: int = 4\ndatabase_path: str = ":memory:"',
    prologue='"""An example."""\nimport re\n',
    body='''
        def run(self, sql):
            """How many rows there are: the number that is selected."""
            return int(re.search(r"\\d+", sql)[0])
    ''',
)


@pytest.fixture
def example_site(tmp_path: Path) -> Path:
    """A folder in which the plugins are installed that the pages speak of."""
    site = tmp_path / "site"
    install_distribution(
        site, "acme-duck", {PluginType.COMPUTE: {"duckdb": "acme_duck:Plugin"}}, modules={"acme_duck": DUCKDB}
    )
    for plugin_type, name in [(PluginType.CATALOG, "polaris"), (PluginType.STORAGE, "local")]:
        source = plugin_source(plugin_type, name=name)
        install_distribution(
            site, f"acme-{name}", {plugin_type: {name: f"acme_{name}:Plugin"}}, modules={f"acme_{name}": source}
        )
    return site


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs(page: Path, example_site: Path, tmp_path: Path) -> None:
    """Every block of the page compiles, and those that are not marked otherwise run, in order, in one module."""
    folder = tmp_path / "reader"
    folder.mkdir()
    outcome = subprocess.run(
        [sys.executable, "-P", ROOT / "tests" / "docs_page.py", page],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(example_site)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (outcome.returncode, outcome.stderr) == (0, "")


class TestBlocks:
    def test_keep_their_lines_and_say_whether_they_run(self, tmp_path: Path) -> None:
        """Only Python counts; a remark keeps a block from being run; indented ones are moved to the left."""
        page = tmp_path / "page.md"
        page.write_text(
            "# Page\n```python\na = 1\n```\n```bash\nls\n```\n<!-- not run: needs a server -->\n```python\nb = 2\n```\n"
            "- item\n\n  ```python\n  if a:\n      c = 3\n  ```\n"
        )

        assert blocks_of(page) == [
            Block("\n\na = 1\n", is_run=True),
            Block("\n" * 9 + "b = 2\n", is_run=False),
            Block("\n" * 14 + "if a:\n    c = 3\n", is_run=True),
        ]
