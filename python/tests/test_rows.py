"""Rows in every form they may have, with no copy where there need be none; and what is refused."""

import numpy as np
import pytest

import sgdc
from conftest import LINE
from sgdc.rows import make_rows

X = np.random.default_rng(3).uniform(-1, 1, (40, 2)).astype(np.float32)
Y = (X @ np.float32([3, 2])).astype(np.float32)


def trained(*rows, **fields):
    return sgdc.compile(LINE).fit(*rows, **fields).parameters["line.a"].tolist()


@pytest.fixture(scope="module")
def expected():
    return trained(X, Y)


@pytest.mark.parametrize(
    "form",
    [
        lambda: ((X, Y), {}),
        lambda: ((), {"x": X, "y": Y}),
        lambda: (({"y": Y, "x": X},), {}),
        lambda: ((X,), {"y": Y}),
        lambda: ((np.column_stack([X, Y]),), {}),
        lambda: ((X.tolist(), Y.tolist()), {}),
        lambda: ((X.astype(np.float64), Y.astype(">f4")), {}),
        lambda: ((np.asfortranarray(X), Y[:, None]), {}),
        lambda: ((np.array([*zip(X, Y)], [("x", "f4", 2), ("y", "f4")]),), {}),
        lambda: (({"x0": X[:, 0], "x1": X[:, 1], "y": Y},), {}),
    ],
)
def test_forms(form, expected):
    rows, fields = form()
    assert trained(*rows, **fields) == expected


def test_no_copy(line):
    wide = np.zeros((40, 5), np.float32)
    wide[:, 1:3] = X
    rows = make_rows(line.run, (wide[:, 1:3], Y[::-1]), {})
    assert np.shares_memory(rows.columns["x"].array, wide) and rows.columns["x"].stride == 20
    assert np.shares_memory(rows.columns["y"].array, Y) and rows.columns["y"].stride == -4
    records = np.zeros(40, [("a", "u1"), ("y", "f4"), ("z", "f8")])
    unaligned = make_rows(line.run, (X, records["y"]), {}).columns["y"]
    assert unaligned.array.flags.aligned and not np.shares_memory(unaligned.array, records)


def test_strides_are_read_right(expected):
    wide = np.zeros((80, 5), np.float32)
    wide[::2, 1:3] = X
    assert trained(wide[::2, 1:3], Y) == expected
    assert trained(X[::-1], Y[::-1]) == trained(X[::-1].copy(), Y[::-1].copy())


LABELS = """
data d {
  image: f32[2, 2]
  kind: label[3]
}
model net(image: f32[2, 2]) -> f32[3] = dense(flatten(image), 3)
train fit { data = d; minimize = cross_entropy(net(image), kind); optimizer = sgd(lr = 0.1) }
"""
IMAGES, KINDS = np.ones((6, 2, 2), np.float32), np.array([0, 1, 2, 0, 1, 2])
ONE_BAD = np.arange(24).reshape(6, 2, 2) == 13


@pytest.mark.parametrize(
    "rows, fields, says",
    [
        ((IMAGES,), {}, "kind"),
        ((), {"image": IMAGES}, r"kind: label\[3\] is missing"),
        ((), {"picture": IMAGES, "kind": KINDS}, "no field picture; it has image"),
        ((IMAGES, KINDS, KINDS), {}, "3 arguments were given for 2 fields"),
        ((IMAGES,), {"image": IMAGES, "kind": KINDS}, "by name"),
        ((IMAGES, KINDS[:4]), {}, "image has 6 rows, and kind has 4"),
        ((IMAGES[:0], KINDS[:0]), {}, "no rows"),
        ((IMAGES[:, :1], KINDS), {}, r"shape \(rows, 2, 2\) or \(rows, 4\), not \(6, 1, 2\)"),
        ((5, KINDS), {}, r"not \(\)"),
        ((None, KINDS), {}, "image"),
        (([[[1, 2], [3, 4]], [[1, 2]]], [0, 1]), {}, "image"),
        ((IMAGES, KINDS[:, None, None]), {}, r"shape \(rows,\)"),
        ((IMAGES, [0, 1, 2, 3, 0, 1]), {}, "row 3 of kind: label 3 is none of 0 to 2"),
        ((IMAGES, [0, 1, -1, 2, 0, 1]), {}, "row 2 of kind: label -1"),
        ((IMAGES, [0, 1, 2, 0.5, 0, 1]), {}, "row 3 of kind: 0.5 is no whole number"),
        ((IMAGES, [0, 1, 2, np.nan, 0, 1]), {}, "row 3 of kind: nan"),
        ((IMAGES, [0, 1, 2, 2**40, 0, 1]), {}, "row 3 of kind: 1099511627776"),
        ((IMAGES, ["a"] * 6), {}, "row 0 of kind: 'a' is not a number"),
        ((np.where(ONE_BAD, np.nan, 1.0), KINDS), {}, "row 3 of image"),
        ((np.where(ONE_BAD, 1e300, 1.0), KINDS), {}, "row 3 of image: 1e.300 is too large"),
        ((IMAGES.astype(complex), KINDS), {}, "values of type complex128"),
        ((np.zeros((6, 2, 2), "M8[s]"), KINDS), {}, "values of type datetime64"),
        ((np.ma.masked_equal(IMAGES, 1), KINDS), {}, "row 0 of image is masked"),
    ],
)
def test_refused(rows, fields, says):
    model = sgdc.compile(LABELS)
    before = model.parameters["net.dense.w"].copy()
    for call in (model.fit, model.evaluate, model.step):
        with pytest.raises(sgdc.RowsError, match=says):
            call(*rows, **fields)
    assert (model.parameters["net.dense.w"] == before).all() and not model.history


def test_refused_by_predict():
    model = sgdc.compile(LABELS)
    with pytest.raises(sgdc.RowsError, match=r"image: f32\[2, 2\]; 2 arguments"):
        model.predict(IMAGES, KINDS)
    with pytest.raises(sgdc.RowsError, match="row 0 of image"):
        model.predict(np.full((1, 2, 2), np.inf))
    assert model.predict(IMAGES.reshape(6, 4)).shape == (6, 3)
    assert model.predict({"image": IMAGES, "other": KINDS}).shape == (6, 3)
    with pytest.raises(sgdc.RowsError, match=r"no data of its own; fit takes image: f32\[2, 2\], kind"):
        model.fit()
    with pytest.raises(sgdc.RowsError, match="none to train on"):
        model.fit(valid=(IMAGES, KINDS))


WORDS = """
data d = csv("none.csv") {
  x: f32[2] = standardize(columns(0..2))
  colour: label[3] = remap(column("colour"), ["red", "dark, blue", "green"])
  digit: label[2] = remap(column("digit"), [3, 7])
}
model net(x: f32[2], digit: label[2]) -> f32[3] = dense(concat(x, one_hot(digit)), 3)
train fit { data = d; minimize = cross_entropy(net(x, digit), colour); optimizer = sgd(lr = 0.1) }
"""


def test_classes_by_their_names():
    model = sgdc.compile(WORDS)
    x = np.random.default_rng(2).normal(size=(6, 2))
    colours = ["red", "green", "dark, blue"] * 2
    rows = make_rows(model.run, (), {"x": x, "colour": colours, "digit": [3, 7, 7, 3, 3, 3]})
    assert rows.columns["colour"].array.tolist() == [0, 2, 1] * 2
    assert rows.columns["digit"].array.tolist() == [0, 1, 1, 0, 0, 0]
    assert make_rows(model.run, (), {"x": x, "colour": [0, 1, 2] * 2, "digit": [3] * 6}).count == 6
    with pytest.raises(sgdc.RowsError, match="row 1 of colour: 'blue' is none of red, dark, blue, green"):
        model.fit(x=x, colour=["red", "blue"] * 3, digit=[3] * 6)
    with pytest.raises(sgdc.RowsError, match="row 2 of digit: 4 is none of 3, 7"):
        model.fit(x=x, colour=colours, digit=[3, 7, 4, 3, 3, 3])


BYTES = """
data d = idx(images = "images", labels = "labels") {
  image: f32[2, 2] = images / 255
  kind: label[3] = labels
}
model net(image: f32[2, 2]) -> f32[3] = dense(flatten(image), 3)
train fit { data = d; minimize = cross_entropy(net(image), kind); optimizer = sgd(lr = 0.1) }
"""


def test_bytes():
    model = sgdc.compile(BYTES)
    pictures = np.full((3, 2, 2), 255, np.uint8)
    image = make_rows(model.run, (pictures, KINDS[:3]), {}).columns["image"].array
    assert image.dtype == np.uint8 and np.shares_memory(image, pictures)
    assert (model.predict(pictures) == model.predict(pictures.astype(np.float64))).all()
    with pytest.raises(sgdc.RowsError, match="256 is no whole number from 0 to 255"):
        model.evaluate(np.full((1, 2, 2), 256), [0])
