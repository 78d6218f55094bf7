"""fit in Python, the same from the program's own data, and sgdc --run: one hash of the trained parameters."""

import hashlib
import json
import subprocess

import numpy as np
import pytest

import sgdc
from conftest import CLASSIFY


def hash_of(arrays):
    """Of parameters by name, in the order of their names."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        total.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return total.hexdigest()


def saved(path, names):
    """Parameters in a safetensors file."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    head = json.loads(data[8 : 8 + length])
    begin = {name: head[name]["data_offsets"] for name in names}
    return {name: np.frombuffer(data[8 + length + b : 8 + length + e], np.float32) for name, (b, e) in begin.items()}


@pytest.fixture(scope="module")
def by_command(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "trained.safetensors"
    command = [sgdc.find_compiler().path, str(CLASSIFY), "--run", "-q", f"--save={path}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return hash_of(saved(path, list(sgdc.compile(CLASSIFY).parameters)))


def test_fit(model, points, by_command):
    assert hash_of(model.fit(*points).parameters) == by_command


@pytest.mark.parametrize("threads", [1, 3])
def test_fit_on_threads_with_listeners(points, by_command, threads):
    model = sgdc.compile(CLASSIFY, threads=threads)
    model.fit(*points, callback=lambda report: False)
    assert hash_of(model.parameters) == by_command


def test_own_data(model, by_command):
    assert hash_of(model.fit().parameters) == by_command
    assert len(model.history) == 40 and model.history[-1].figures["accuracy"] > 0.9


def test_own_data_of_a_text(by_command, monkeypatch):
    monkeypatch.chdir(CLASSIFY.parent)
    assert hash_of(sgdc.compile(CLASSIFY.read_text()).fit().parameters) == by_command


def test_own_data_that_cannot_be_read(tmp_path, monkeypatch):
    program = CLASSIFY.read_text()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(sgdc.DataError, match="points.csv"):
        sgdc.compile(program).fit()
    (tmp_path / "points.csv").write_text("east,north,class\n1,2,0\n1,two,1\n")
    with pytest.raises(sgdc.DataError, match="points.csv:3:3.*two"):
        sgdc.compile(program).fit()


def test_seed(points):
    a, b = sgdc.compile(CLASSIFY, seed=7).fit(*points), sgdc.compile(CLASSIFY, seed=7).fit()
    assert hash_of(a.parameters) == hash_of(b.parameters)
    assert hash_of(a.parameters) != hash_of(sgdc.compile(CLASSIFY).fit(*points).parameters)


def test_reset_begins_anew(model, points, by_command):
    view = model.parameters["net.dense.w"]
    model.fit(*points)
    model.reset()
    assert hash_of(model.fit(*points).parameters) == by_command
    assert np.shares_memory(view, model.parameters["net.dense.w"])
