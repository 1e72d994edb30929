"""Progress bars with counts, one per stage."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from clinic_web.cli.synthea.reading import ENCODING

EVERY = 50  # rows between two steps of the count: the bar must not cost more than the reading


class FileBars:
    """Shows each file as it is read: by bytes, with the number of rows."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[Path, tuple[TaskID, int]] = {}

    def reading(self, path: Path) -> TextIO:
        task = self.progress.add_task(path.name, total=path.stat().st_size, rows=0)
        self.tasks[path] = (task, 0)
        return self.progress.open(
            path, encoding=ENCODING, errors="replace", newline="", task_id=task
        )

    def read(self, path: Path) -> None:
        task, rows = self.tasks[path]
        self.tasks[path] = (task, rows + 1)
        if (rows + 1) % EVERY == 0:
            self.progress.update(task, rows=rows + 1)

    def finish(self) -> None:
        for task, rows in self.tasks.values():
            self.progress.update(task, rows=rows)


def new_progress() -> Progress:
    return Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:>9,} rows"),
        TimeElapsedColumn(),
    )
