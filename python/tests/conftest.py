"""The compiler under test is $SGDC, or what the package finds. Compiled programs go to a cache of the tests' own."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

import sgdc

FOLDER = Path(__file__).resolve().parent
PROJECT = FOLDER.parent.parent
CLASSIFY = PROJECT / "tests" / "embed" / "classify.sgd"

LINE = """
data d {
  x: f32[2]
  y: f32
}
model line(x: f32[2]) -> f32 {
  param a: f32[2] = [-1, 1]
  return dot(x, a)
}
train fit { data = d; minimize = squared(line(x), y); optimizer = sgd(lr = 0.1); batch = 8; epochs = 5 }
"""


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory):
    """One cache for all tests: most of them use the same programs."""
    os.environ["SGDC_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def points():
    """x: f32 (300, 2), y: i32 (300,): the rows of tests/embed/points.csv."""
    with open(CLASSIFY.parent / "points.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    table = np.array(rows, float)
    return table[:, :2].astype(np.float32), table[:, 2].astype(np.int32)


@pytest.fixture
def model():
    """The program of tests/embed/classify.sgd, not trained."""
    return sgdc.compile(CLASSIFY)


@pytest.fixture
def line():
    """A line through rows that the application hands over."""
    return sgdc.compile(LINE)
