from contextlib import AbstractContextManager
from pathlib import Path

from cosmic_ray.work_item import WorkItem

class WorkDB:
    @property
    def work_items(self) -> tuple[WorkItem, ...]: ...

def use_db(path: Path) -> AbstractContextManager[WorkDB]: ...
