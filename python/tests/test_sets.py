"""Several data sets in one step: rows of each, in every form, to the bits of sgdc --run."""

import subprocess

import numpy as np
import pytest

import sgdc
from test_same_bits import hash_of, saved

PROGRAM = """
data inside = csv("inside.csv") { x: f32[2] = columns(0..2) }
data wall   = csv("wall.csv")   { x: f32[2] = columns(0..2); v: f32 = column(2) }
model u(x: f32[2]) -> f32 = dense(tanh(dense(x, 8)), 1)[0]
train fit {
  data        = [inside, wall]
  minimize    = u(inside.x)^2
  minimize measured = squared(u(wall.x), wall.v)
  optimizer   = adam(lr = 0.02)
  batch       = 8
  batch[wall] = 4
  epochs      = 5
  hold_out    = 0.2
  predict     = u(inside.x)
}
"""
INSIDE = (np.arange(60, dtype=np.float32).reshape(30, 2) * 7 % 16) / 8 - 1
WALL = np.float32([[-1, 0.25], [1, 0.5], [-1, 0.75], [1, 0], [1, 1]])
V = WALL[:, 0] * WALL[:, 1]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    (folder / "sets.sgd").write_text(PROGRAM)
    np.savetxt(folder / "inside.csv", INSIDE, "%g", ",")
    np.savetxt(folder / "wall.csv", np.column_stack([WALL, V]), "%g", ",")
    return folder / "sets.sgd"


@pytest.fixture(scope="module")
def by_command(program):
    path = program.with_name("trained.safetensors")
    command = [sgdc.find_compiler().path, str(program), "--run", "-q", f"--save={path}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return hash_of(saved(path, list(sgdc.compile(program).parameters)))


@pytest.mark.parametrize(
    "form",
    [
        lambda: ((INSIDE, np.column_stack([WALL, V])), {}),
        lambda: ((), {"inside": {"x": INSIDE}, "wall": {"v": V, "x": WALL}}),
        lambda: ((), {"inside": INSIDE, "wall": (WALL, V)}),
        lambda: (({"inside": INSIDE, "wall": {"x": WALL, "v": V}},), {}),
        lambda: ((), {"inside.x": INSIDE, "wall.x": WALL, "wall.v": V}),
        lambda: ((), {}),  # the program's own
    ],
)
def test_forms(program, by_command, form):
    rows, fields = form()
    assert hash_of(sgdc.compile(program).fit(*rows, **fields).parameters) == by_command


def test_use(program):
    m = sgdc.compile(program)
    assert m.predict(INSIDE).shape == (30,) and m.predict(inside={"x": INSIDE[:3]}).shape == (3,)
    assert m.step(inside=INSIDE[:8], wall=(WALL[:4], V[:4])) > 0
    assert m.evaluate(INSIDE, (WALL, V))["loss"] > 0


@pytest.mark.parametrize(
    "rows, says",
    [
        ({"inside": INSIDE}, "no rows of wall: wall.x: f32"),
        ({"inside": INSIDE, "wall": (WALL, V[:3])}, "wall.x has 5 rows, and wall.v has 3"),
        ({"inside": INSIDE, "wall": {"x": WALL}}, "wall: no column is called v"),
        ({"inside": INSIDE, "wall": (WALL, V), "roof": V}, "no data roof; it has inside, wall"),
        ({"inside": INSIDE[:8], "wall": (WALL[:3], V[:3])}, "so many rows cannot be taken together"),
        ({"inside": INSIDE[:4], "wall": (WALL[:2], V[:2] + [0, np.nan])}, "row 1 of wall.v: nan is not finite"),
    ],
)
def test_refused(program, rows, says):
    with pytest.raises(sgdc.RowsError, match=says):
        sgdc.compile(program).step(**rows)
