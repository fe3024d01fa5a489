class MutationSpec:
    operator_name: str
    start_pos: tuple[int, int]
    definition_name: str | None

class WorkItem:
    mutations: tuple[MutationSpec, ...]

class WorkResult:
    output: str | None
    diff: str | None
    @property
    def is_killed(self) -> bool: ...
