"""The list of kernels to compile ahead names kernels that there are, for types that there are."""

from __future__ import annotations

import io
from importlib import import_module

import pytest
from numba.core import types

from utokyo.kernels import ahead
from utokyo.kernels.ahead import DONE, DOT, LIST, all_batches, text_of, types_of

BATCHES = all_batches()


def test_no_batch_is_listed_twice_and_long_ones_come_first():
    assert len({batch.name for batch in BATCHES}) == len(BATCHES)
    assert list(BATCHES) == sorted(BATCHES, key=lambda batch: -batch.seconds)
    assert LIST.read_text(encoding="utf-8").startswith("# What `utokyo warmup` compiles.")


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch.name)
def test_each_kernel_takes_as_many_arguments_as_are_listed(batch):
    module = import_module(f"utokyo.kernels.{batch.module}")
    for name, texts in batch.kernels.items():
        code = getattr(module, name).py_func.__code__
        assert texts
        for text in texts:
            assert len(types_of(text)) == code.co_argcount
            assert text_of(types_of(text)) == text


def test_a_type_without_a_text_is_refused():
    with pytest.raises((TypeError, AttributeError)):
        text_of((types.UniTuple(types.float64, 2),))
    with pytest.raises(TypeError, match="no text stands for"):
        text_of((types.Array(types.float64, 2, "F"),))


def test_a_process_compiles_the_batches_that_it_reads(monkeypatch, capsys):
    compiled = []

    class Known:
        name = "work:module"

        def compile(self) -> None:
            compiled.append(self.name)
            print(DOT)

    monkeypatch.setattr(ahead, "all_batches", lambda: (Known(),))
    monkeypatch.setattr("sys.stdin", io.StringIO("work:module\n"))
    ahead.main()
    assert compiled == ["work:module"]
    assert capsys.readouterr().out.split() == [DOT, DONE]
