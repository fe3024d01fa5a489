"""SEMANTIC_LAYER:metrics. Measures and dimensions over the published tables, through boring-semantic-layer and ibis."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import ibis
import yaml
from boring_semantic_layer import from_yaml
from pydantic import BaseModel, ConfigDict, Field

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import SemanticLayerPlugin
from floe_lakehouse.ports import Question

__all__ = ["MetricsConfig", "MetricsLayer"]

DEFINITIONS: Final = Path(__file__).parent.parent / "metrics.yml"


class MetricsConfig(BaseModel):
    """Where the words are defined."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    definitions: Path = Field(default=DEFINITIONS, description="The YAML file with the measures and dimensions.")
    model: str = Field(default="flights", description="The model in it to answer from; also the table that it reads.")


class MetricsLayer(SemanticLayerPlugin):
    """Answers questions in words that are defined once, so that everyone who asks gets the same figures."""

    def __init__(self, config: MetricsConfig | None = None) -> None:
        self._config = config or MetricsConfig()
        self._model: Any = None

    @property
    def name(self) -> str:
        return "metrics"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Measures and dimensions (boring-semantic-layer, ibis)"

    @property
    def dependencies(self) -> list[str]:
        return ["COMPUTE:duckdb>=1.0,<2"]  # runs the queries

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return MetricsConfig

    def shutdown(self) -> None:
        """Forget the connection that was handed in; its owner closes it."""
        self._model = None

    def health_check(self) -> HealthStatus:
        """Read the definitions against a table that has every column they might name, or ask the open model for a row."""
        if self._model is None:
            words = self._words_on_file()
            if not words:
                return HealthStatus(HealthState.UNHEALTHY, "the definitions hold no measures")
            return HealthStatus(HealthState.HEALTHY, details={"words": words, "open": False})
        measure = self.vocabulary()["measures"][0]
        rows = self.ask(Question(measures=(measure,)))
        return HealthStatus(HealthState.HEALTHY, details={"rows": len(rows), "open": True})

    def open(self, connection: Any) -> None:
        """
        Answer from the tables that *connection*, one of DuckDB, sees.

        Raises:
            ibis.common.exceptions.TableNotFound: The table of the model is not there.
        """
        table = ibis.duckdb.from_connection(connection).table(self._config.model)
        self._model = from_yaml(str(self._config.definitions), tables={self._config.model: table})[self._config.model]

    def vocabulary(self) -> dict[str, list[str]]:
        """The measures and dimensions that can be asked for."""
        model = self._opened()
        return {"measures": sorted(model.measures), "dimensions": sorted(model.dimensions)}

    def ask(self, question: Question) -> list[dict[str, Any]]:
        """
        Answer one question.

        Raises:
            ValueError: It uses a word that is not defined; the message lists those that are.
        """
        words = self.vocabulary()
        unknown = sorted({*question.measures} - {*words["measures"]})
        unknown += sorted({*question.by, *question.where} - {*words["dimensions"]})
        if unknown or not question.measures:
            raise ValueError(
                f"cannot ask for {', '.join(unknown) or 'nothing'}; "
                f"the measures are {', '.join(words['measures'])}; the dimensions are {', '.join(words['dimensions'])}"
            )
        answer = self._opened().query(
            dimensions=list(question.by),
            measures=list(question.measures),
            filters=[{"field": word, "operator": "=", "value": value} for word, value in question.where.items()],
            order_by=[
                (word.lstrip("-"), "desc" if word.startswith("-") else "asc")
                for word in question.order_by or question.by
            ],
            limit=question.limit or None,
        )
        return list(answer.to_pyarrow().to_pylist())

    def _opened(self) -> Any:
        if self._model is None:
            raise RuntimeError("the semantic layer has no tables yet; call open() first")
        return self._model

    def _words_on_file(self) -> int:
        definition = yaml.safe_load(self._config.definitions.read_text())[self._config.model]
        return len(definition.get("measures", {})) + len(definition.get("dimensions", {}))
