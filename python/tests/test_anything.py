"""Whatever is handed over: an answer or an Error, and never the end of the process."""

import numpy as np

import sgdc
from conftest import CLASSIFY
from test_rows import BYTES, LABELS, WORDS

SHAPES = [(), (6,), (6, 2), (6, 4), (6, 2, 2), (6, 1), (0,), (0, 2), (5,), (6, 3)]
TYPES = ["f4", "f8", "f2", "i4", "i8", "u1", "?", "<U3", "O", ">f4", "c8", "M8[s]", "u8", "S2"]
VALUES = [0, 1, 2, 3, 7, -1, 255, 256, 0.5, 1e300, np.nan, np.inf]


def anything(rng):
    array = rng.choice(VALUES[: rng.integers(1, len(VALUES) + 1)], size=SHAPES[rng.integers(len(SHAPES))])
    kind = TYPES[min(int(rng.exponential(3)), len(TYPES) - 1)]
    with np.errstate(all="ignore"):
        array = array.astype("i8").astype(kind) if kind == "M8[s]" else array.astype(kind)
    if array.ndim and rng.random() < 0.3:
        array = array[::-1]
    if array.ndim > 1 and rng.random() < 0.3:
        array = np.asfortranarray(array)
    return [array, array.tolist(), None][rng.choice(3, p=[0.9, 0.05, 0.05])]


def test_anything():
    rng = np.random.default_rng(5)
    models = [sgdc.compile(program) for program in (LABELS, WORDS, BYTES, CLASSIFY)]
    answers = errors = 0
    for _ in range(1000):
        model = models[rng.integers(len(models))]
        call = [model.fit, model.predict, model.evaluate, model.step][rng.integers(4)]
        fields = [field.name for field in model.run.rows.fields]
        named = {name: anything(rng) for name in fields}
        placed = [anything(rng) for _ in range(rng.integers(1, 4))]
        rows, fields = [(placed, {}), ((), named), ([{**named, "more": anything(rng)}], {})][rng.integers(3)]
        try:
            call(*rows, **fields)
            answers += 1
        except sgdc.Error:
            errors += 1
        if not all(np.isfinite(view).all() for view in model.parameters.values()):
            model.reset()
    assert answers > 10 and errors > 10
