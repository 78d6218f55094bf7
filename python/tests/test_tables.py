"""Data frames and Arrow tables: by the names of columns, in place where their memory allows it."""

import numpy as np
import pytest

import sgdc
from conftest import LINE
from sgdc import arrow
from sgdc.rows import make_rows
from test_rows import WORDS, X, Y, trained

TABLE = LINE.replace("data d {\n  x: f32[2]\n", 'data d = csv("none.csv") {\n  x: f32[2] = [column("a"), column("b")]\n').replace(
    "  y: f32\n", '  y: f32 = column("height")\n'
)


@pytest.fixture(scope="module")
def expected():
    return trained(X, Y)


# ---- pandas ------------------------------------------------------------------------------------
@pytest.fixture
def pd():
    return pytest.importorskip("pandas")


def test_frames(pd, expected):
    frame = pd.DataFrame({"y": Y, "left": X[:, 0], "right": X[:, 1]})
    assert trained(frame) == expected
    assert trained(frame[["left", "right"]], frame["y"]) == expected
    assert trained(frame[["left", "right"]].astype("Float64"), frame["y"].astype("float64")) == expected
    assert trained(pd.DataFrame({"x": list(X), "y": Y})) == expected
    assert trained(frame.iloc[::-1], valid=frame) == trained(X[::-1], Y[::-1])


def test_a_series_is_not_copied(pd, line):
    series = pd.Series(Y)
    rows = make_rows(line.run, (X, series), {})
    assert np.shares_memory(rows.columns["y"].array, series.to_numpy())


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda f: f.drop(columns="y"), r"no column is called x or y \(x: f32\[2\], y: f32\); there are left, right"),
        (lambda f: f.drop(columns="left"), "1 columns are left for it, and it has 2 values"),
        (lambda f: f.assign(left=f.left.where(f.index != 5)), r"row 5 of x\[0\]: nan is not finite"),
        (lambda f: f.assign(y=f.y.astype("Float32").where(f.index != 6)), "row 6 of y: nan is not finite"),
        (lambda f: f.assign(y=["high"] * 40), "row 0 of y: 'high' is not a number"),
        (lambda f: f.assign(left=[None] * 40), r"row 0 of x\[0\]: nan is not finite"),
        (lambda f: f.set_axis(["y", "left", "left"], axis=1), "two columns of one name"),
    ],
)
def test_frames_that_are_refused(pd, change, says):
    with pytest.raises(sgdc.RowsError, match=says):
        trained(change(pd.DataFrame({"y": Y, "left": X[:, 0], "right": X[:, 1]})))


def test_categories(pd):
    model = sgdc.compile(WORDS)
    colours = pd.Series(["red", "green", "red"], dtype="category")
    rows = make_rows(model.run, (), {"x": X[:3], "colour": colours, "digit": pd.Series([3, 7, 3])})
    assert rows.columns["colour"].array.tolist() == [0, 2, 0]


def test_columns_of_the_csv(pd, expected):
    model = sgdc.compile(TABLE)
    frame = pd.DataFrame({"id": range(40), "height": Y, "b": X[:, 1], "a": X[:, 0]})
    assert model.fit(frame).parameters["line.a"].tolist() == expected


# ---- Arrow -------------------------------------------------------------------------------------
@pytest.fixture
def pa():
    return pytest.importorskip("pyarrow")


def test_arrow_tables(pa, expected):
    lists = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 2)
    table = pa.table({"x": lists, "y": pa.array(Y)})
    assert trained(table) == expected
    assert trained(table.to_batches()[0]) == expected
    assert trained(pa.RecordBatchReader.from_batches(table.schema, table.to_batches())) == expected
    assert trained(lists, pa.array(Y)) == expected
    assert trained(pa.table({"y": Y, "left": X[:, 0], "right": X[:, 1]})) == expected
    assert trained(table.slice(8)) == trained(X[8:], Y[8:])
    parts = pa.concat_tables([table.slice(0, 7), table.slice(7)])
    assert trained(parts) == expected and trained(parts["x"], parts["y"]) == expected


def test_arrow_is_not_copied(pa, line):
    array = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 2)
    numbers = np.frombuffer(array.flatten().buffers()[1], np.float32)
    rows = make_rows(line.run, (pa.table({"x": array.slice(3), "y": Y[3:]}),), {})
    assert np.shares_memory(rows.columns["x"].array, numbers)
    assert rows.columns["x"].array.tolist() == X[3:].tolist()


def test_arrow_memory_is_kept_and_given_back(pa):
    before = pa.total_allocated_bytes()
    array = arrow.read_array(pa.array(list(range(100_000))), "x")
    assert pa.total_allocated_bytes() >= before + 800_000
    assert array.sum() == 99_999 * 50_000
    del array
    assert pa.total_allocated_bytes() == before


@pytest.mark.parametrize(
    "make, values",
    [
        (lambda pa: pa.array([True, False, True, None]).slice(0, 3), [True, False, True]),
        (lambda pa: pa.array([False] * 9 + [True, False]).slice(8), [False, True, False]),
        (lambda pa: pa.array(["a", "", "bc", "é"]).slice(1), ["", "bc", "é"]),
        (lambda pa: pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (lambda pa: pa.array(["a", "bé", "longer than 12", "c"]).cast(pa.string_view()).slice(1), ["bé", "longer than 12", "c"]),
        (lambda pa: pa.array(["x", "y", "x"]).dictionary_encode().slice(1), ["y", "x"]),
        (lambda pa: pa.array([1, 2], pa.uint8()), [1, 2]),
        (lambda pa: pa.array([], pa.float32()), []),
    ],
)
def test_arrow_types(pa, make, values):
    assert arrow.read_array(make(pa), "x").tolist() == values


def test_arrow_tables_that_are_refused(pa):
    with pytest.raises(sgdc.RowsError, match="row 1 of y is null"):
        trained(X[:2], pa.array([1.0, None]))
    with pytest.raises(sgdc.RowsError, match="Arrow's type"):
        trained(X[:2], pa.array([[1.0], [2.0]]))
    with pytest.raises(sgdc.RowsError, match="no column is called y"):
        trained(pa.table({"x": [1.0]}))
