"""Whoever works says what it does; whoever looks sees what every thread is at, and nothing of what is over."""

from __future__ import annotations

import contextlib
import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from utokyo import Recorder
from utokyo.io import progress as module
from utokyo.io.errors import without_middle
from utokyo.io.progress import progress, running_tasks


def test_tasks_stand_within_one_another_and_are_gone_when_they_end():
    assert not running_tasks()
    with progress("analysing") as whole:
        with progress("painting") as part:
            part.update(2.0)
            (waited,) = running_tasks()
            assert (waited.whole, waited.now, part.part) == (whole, part, 1.0)
        with contextlib.suppress(KeyError), progress("failing"):
            raise KeyError
        assert running_tasks()[0].now is whole
    assert not running_tasks()


def test_threads_are_told_apart_and_the_longest_comes_first():
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with progress("second"):
            inside.set()
            leave.wait(10.0)

    with progress("first"):
        thread = threading.Thread(target=work)
        thread.start()
        inside.wait(10.0)
        assert [waited.now.what for waited in running_tasks()] == ["first", "second"]
        leave.set()
        thread.join()


def test_reading_a_long_file_is_told_with_its_part_and_a_short_one_is_not(tmp_path, monkeypatch):
    seen: list[tuple[str, float | None]] = []
    update = module.Task.update

    def note(task: module.Task, part: float) -> None:
        update(task, part)
        seen.append((task.what, task.part))

    monkeypatch.setattr(module.Task, "update", note)
    (tmp_path / "short.csv").write_text("a,b\n1,2\n2,3\n")
    assert Recorder(tmp_path / "short.csv").get_table().height == 2
    assert not seen
    (tmp_path / "long.csv").write_text("a,b\n" + "1,2\n" * 2_000_000)
    assert Recorder(tmp_path / "long.csv").get_table().height == 2_000_000
    parts = [part for what, part in seen if what == "reading long.csv"]
    assert len(parts) > 3
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def test_it_costs_next_to_nothing():
    begin_s = time.perf_counter()
    for _ in range(1000):
        with progress("x"):
            pass
    assert time.perf_counter() - begin_s < 0.5


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_name_without_its_middle_keeps_its_ends_and_fits(text, most):
    short = without_middle(text, most)
    assert len(short) <= most
    assert short == text or ("..."[:most] in short and (most < 7 or (short[0], short[-1]) == (text[0], text[-1])))
