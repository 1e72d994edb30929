"""Progress bars with counts, one per stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

ENCODING = "utf-8-sig"
EVERY = 50  # rows between two steps of a count: the bar must not cost more than the work


class Bars:
    """Shows each file as it is read (by bytes, with its rows), and each stage that writes."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    @contextmanager
    def reading(self, path: Path, title: str) -> Iterator[tuple[TextIO, Callable[[int], None]]]:
        """Yield the open file and what to tell how many rows have been read."""
        task = self.progress.add_task(title, total=path.stat().st_size, rows=0)
        last = 0

        def tell(rows: int) -> None:
            nonlocal last
            last = rows
            if rows % EVERY == 0:
                self.progress.update(task, rows=rows)

        with self.progress.open(
            path, "r", encoding=ENCODING, errors="replace", newline="", task_id=task
        ) as file:
            yield file, tell
        self.progress.update(task, rows=last)

    @contextmanager
    def writing(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Yield what to call once per row written."""
        task = self.progress.add_task(title, total=total, rows=0)
        done = 0

        def tell() -> None:
            nonlocal done
            done += 1
            if done % EVERY == 0:
                self.progress.update(task, completed=done, rows=done)

        yield tell
        self.progress.update(task, completed=done, rows=done)


@contextmanager
def shown_on(console: Console) -> Iterator[Bars]:
    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:>9,} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)
