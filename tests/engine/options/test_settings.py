"""Settings check themselves, in one sentence, and are the same in every process."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from typing import Annotated, Literal

import numpy as np
import pytest
from annotated_types import Ge
from hypothesis import given
from hypothesis import strategies as st

from utokyo import (
    ClockOffset,
    ImageAnalysis,
    ImageSettings,
    InputError,
    JoinSettings,
    PMTSettings,
    Settings,
    SSDFolderSettings,
    SSDSettings,
    join,
)
from utokyo.engine.command.config import run_schema
from utokyo.engine.options.settings import FrozenMapping, Span, checked_fields, described
from utokyo.engine.recorders.options import FileSettings, HeatTimeSettings, RecorderSettings

ALL = [
    SSDSettings,
    SSDFolderSettings,
    PMTSettings,
    ImageSettings,
    JoinSettings,
    RecorderSettings,
    FileSettings,
    HeatTimeSettings,
]


@dataclass(frozen=True)
class Example(Settings):
    """Options of a test.

    Parameters
    ----------
    size : int
        Of it.
    mode, other : "a" or "b"
        Ways to do it,
        in two lines.
    pause : duration
    """

    size: Annotated[int, Ge(1)] = 3
    mode: Literal["a", "b"] = "a"
    other: Literal["a", "b"] = "b"
    pause: Span = "1s"
    weight: float = 1.0
    flag: bool = False


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_defaults_are_valid_and_every_option_is_described(cls):
    defaults = {f.name: f.default for f in fields(cls)}
    assert cls() == cls(**{name: checked_fields(cls, {name: value})[name] for name, value in defaults.items()})
    meanings = described(cls)
    assert all(meanings.get(name) for name in defaults)
    assert pickle.loads(pickle.dumps(cls())) == cls()
    assert hash(cls()) == hash(cls())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 0}, "size should be 1 or more, not 0"),
        ({"size": 1.5}, "size should be a whole number, not 1.5"),
        ({"size": True}, "size should be a whole number, not True"),
        ({"size": "3"}, "size should be a whole number, not '3'"),
        ({"mode": "c"}, "mode should be 'a' or 'b', not 'c'"),
        ({"weight": float("inf")}, "weight should be a finite number, not inf"),
        ({"weight": None}, "weight should be a number, not None"),
        ({"flag": 1}, "flag should be true or false, not 1"),
        ({"pause": "soon"}, "pause should be a duration like"),
        ({"pause": -1}, "pause should be 0 or more, not -1"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(options, sentence):
    with pytest.raises(InputError) as error:
        Example(**options)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_numbers_of_numpy_are_numbers():
    assert Example(size=np.int64(5), weight=np.float32(0.5)) == Example(size=5, weight=0.5)
    assert ImageSettings(roi=np.array([1, 20, 3, 40])).roi == (1, 20, 3, 40)


def test_settings_or_options_but_not_both():
    assert ImageAnalysis("x", settings=ImageSettings(gain=2)).settings == ImageAnalysis("x", gain=2.0).settings
    with pytest.raises(TypeError, match="settings or options, not both: gain"):
        ImageAnalysis("x", settings=ImageSettings(), gain=2.0)
    with pytest.raises(TypeError, match="are ImageSettings"):
        ImageAnalysis("x", settings=SSDSettings())


def test_signatures_show_the_options():
    assert inspect.signature(ImageAnalysis).parameters["mask"].default == "neighbours"
    assert {"filepath", "recorder", "image_src", "roi"} <= set(inspect.signature(ImageAnalysis).parameters)
    assert inspect.signature(join).parameters["window"].default == "1s"


VALUES = {
    "false_alarms_per_hour": st.floats(1e-6, 1000.0),
    "dead_time_s": st.none() | st.floats(0.0, 1e-3, exclude_max=True),
}


@given(st.fixed_dictionaries(VALUES), st.fixed_dictionaries(VALUES))
def test_a_fingerprint_is_that_of_the_options(one, other):
    a, b = SSDSettings(**one), SSDSettings(**other)
    assert (a.fingerprint == b.fingerprint) == (a == b)
    assert pickle.loads(pickle.dumps(a)).fingerprint == a.fingerprint


def test_a_fingerprint_is_the_same_in_every_process():
    settings = ImageSettings(
        references=np.ones((2, 3, 3)), spot={"x0": 1, "y0": 2, "sigma_x": 3, "sigma_y": 4}, camera="ccd"
    )
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).fingerprint)"
    answers = {
        subprocess.run([sys.executable, "-c", code], input=pickle.dumps(settings), capture_output=True, check=True)
        .stdout.decode()
        .strip()
        for _ in range(2)
    }
    assert answers == {settings.fingerprint}
    assert settings.fingerprint != replace(settings, references=np.zeros((2, 3, 3))).fingerprint


def test_options_of_a_join_are_checked_before_anything_is_read():
    found = ClockOffset(5, 0.1, 3, (3, 3), 0.001, valid=True)
    settings = JoinSettings(every="1s", clock_offsets={"pmt": found}, tolerance={"coil": "10min"})
    assert hash(settings) == hash(pickle.loads(pickle.dumps(settings)))
    for options, sentence in (
        ({"clock_offsets": {"pmt": replace(found, valid=False, reason="why")}}, "could not be estimated: why"),
        ({"tolerance": {"coil": "late"}}, "tolerance of coil should be a duration"),
        ({"how": {"ssd": 1}}, "how should say"),
        ({"between": ("2022-09-19", "2022-09-18")}, "is not before the end"),
        ({"false_alarms_per_hour": 0}, "above 0 and at most 1000"),
    ):
        with pytest.raises(InputError, match=sentence):
            JoinSettings(every="1s", **options)


def test_a_frozen_mapping_is_a_mapping_that_hashes():
    mapping = FrozenMapping({"a": 1})
    assert mapping == {"a": 1}
    assert {mapping: 2}[FrozenMapping({"a": 1})] == 2
    with pytest.raises(TypeError):
        mapping["a"] = 2  # type: ignore[index]


def test_the_schema_names_every_kind_with_its_options():
    schema = run_schema()
    text = json.dumps(schema)
    for cls in (SSDSettings, ImageSettings, SSDFolderSettings, HeatTimeSettings, FileSettings, JoinSettings):
        for name in cls.names():
            assert f'"{name}"' in text
    image = schema["$defs"]["analysis_image"]["properties"]
    assert image["gain"]["anyOf"][0] == {"exclusiveMinimum": 0, "type": "number"}
    assert image["draw"]["enum"] == ["always", "detections", "never"]
    assert image["gain"]["description"].startswith("Counts per electron")
