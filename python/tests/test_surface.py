"""What the other tests leave out of the package's surface, and that every public name has a test and says what it is."""

import inspect
import pickle
import re

import numpy as np
import pytest

import sgdc
from conftest import CLASSIFY, FOLDER, LINE
from sgdc import cache, manifest
from test_rows import X, Y

NAMED = [getattr(sgdc, name) for name in sgdc.__all__]
CLASSES = [one for one in NAMED if inspect.isclass(one)]


def test_every_name_has_a_test_and_says_what_it_is():
    tests = "".join(file.read_text() for file in FOLDER.glob("test_*.py"))
    for one in NAMED:
        assert one.__doc__ and re.search(rf"\b{one.__name__}\b", tests), one
    for kind in CLASSES:
        for name, member in vars(kind).items():
            if name.startswith("_") or not (callable(member) or isinstance(member, property)):
                continue
            said = member.__doc__ or any(getattr(getattr(base, name, None), "__doc__", None) for base in kind.__mro__)
            assert said and re.search(rf"\.{name}\b", tests), f"{kind.__name__}.{name}"


# ---- what is said ----------------------------------------------------------------------------------
def test_diagnostics_say_place_and_help():
    with pytest.raises(sgdc.CompileError) as caught:
        sgdc.compile(LINE.replace("squared(line(x), y)", "squard(line(x), y)"), name="cell")
    error, first = caught.value, caught.value.diagnostics[0]
    assert isinstance(first, sgdc.Diagnostic) and "squared" in error.help and error.help == first.help
    assert first.place() == f"cell:{error.line}:{error.column}" and first.severity == "error"
    assert (first.end_line, first.end_column - first.column) == (error.line, len("squard"))
    assert first.source_line[first.column - 1 : first.end_column - 1] == "squard"
    bare = sgdc.CompileError("so it is")
    assert (bare.code, bare.line, bare.column, bare.help) == ("", 0, 0, "")
    assert sgdc.Diagnostic("", "note", "m").place() == "" and sgdc.Diagnostic("", "note", "m").explanation == ""


def test_reports_are_texts():
    report = sgdc.Report(3, 12, 0.25, figures={"accuracy": 0.5})
    assert report.text() == "epoch 3  train_loss 0.25  accuracy 0.5"
    assert sgdc.Report(3, 12, 0.25, 0.5).text(40) == "epoch 3/40  train_loss 0.25  valid_loss 0.5"


def test_reprs(line):
    assert repr(line) == "<sgdc.Model program: fit; x: f32[2], y: f32; 2 parameters>"
    assert repr(line.parameters) == "line.a: f32[2]"
    assert len(line.parameters) == 1 and dict(line.parameters)["line.a"].tolist() == [-1, 1]


# ---- compiling --------------------------------------------------------------------------------------
def test_settings_of_each_kind():
    program = "deep = false\nrate = 0.1\n" + LINE.replace("lr = 0.1", "lr = if deep then rate else 0")
    assert sgdc.compile(program, settings={"deep": True, "rate": np.float32(0.5)}).step([[1, 0]], [1]) == 2
    model = sgdc.compile(program, settings={"deep": True, "rate": "0.5"})
    model.step([[1, 0]], [1])
    assert model.parameters["line.a"][0] == 0  # -1 + 0.5 * 2


def test_programs_that_are_none(tmp_path):
    with pytest.raises(sgdc.CompileError, match="empty"):
        sgdc.compile("")
    with pytest.raises(sgdc.CompileError, match="cannot be read"):
        sgdc.compile(tmp_path)
    assert "nothing" not in sgdc.find_compiler().explain("E0214")


def test_manifests_of_another_time():
    with pytest.raises(sgdc.Error, match="update it"):
        manifest.read_manifest(b'{"manifest": 1000}')
    with pytest.raises(sgdc.Error, match="no manifest"):
        manifest.read_manifest(b"{}")


def test_the_oldest_programs_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setenv("SGDC_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "MOST_ENTRIES", 2)
    for rate in (0.25, 0.5, 0.75):
        sgdc.compile(LINE, settings={"lr": rate})
    assert len(list(sgdc.cache_folder().iterdir())) == 2
    sgdc.clear_cache()
    assert not list(tmp_path.iterdir())


# ---- models -----------------------------------------------------------------------------------------
def test_a_program_that_predicts_nothing():
    model = sgdc.compile(LINE.replace("squared(line(x), y)", "squared(line(x) - 2 * line(-x), y)"))
    assert model.run.predict is None
    with pytest.raises(sgdc.Error, match="predicts nothing"):
        model.predict(X)
    with pytest.raises(sgdc.RowsError, match="no rows"):
        model.fit(np.zeros((0, 2)), np.zeros(0))


def test_seeds_and_threads(model, points):
    first = model.parameters["net.dense.w"].copy()
    other = model.reset(seed=7).parameters["net.dense.w"].copy()
    assert not np.array_equal(first, other)
    assert np.array_equal(other, model.reset().parameters["net.dense.w"])  # the seed stays
    two = sgdc.compile(CLASSIFY, seed=7, threads=2)
    assert two.threads == 2
    model.fit(*points), two.fit(*points)
    assert np.array_equal(model.parameters["net.dense.w"], two.parameters["net.dense.w"])


def test_paths_and_files_of_others(line, model, tmp_path):
    with pytest.raises(ValueError, match="NUL"):
        line.save("a\0b")
    line.save(str(tmp_path / "line"))
    with pytest.raises(sgdc.SavedFileError, match="another model"):
        model.resume(tmp_path / "line")
    assert line.load(bytes(tmp_path / "line")).steps == 0


def test_what_was_set_is_pickled(line):
    again = pickle.loads(pickle.dumps(line.set("lr", 0)))
    assert again.hyper_parameters == {"lr": 0}
    assert again.fit(np.ones((8, 2)), np.ones(8)).parameters["line.a"].tolist() == [-1, 1]


# ---- estimators -------------------------------------------------------------------------------------
SIGN = """
data d { x: f32[2]; y: label[2] }
model m(x: f32[2]) -> f32 = dense(x, 1)[0]
train fit { data = d; minimize = binary_cross_entropy(m(x), f32(y == 1)); predict = m(x); optimizer = sgd(lr = 1); epochs = 60 }
"""


@pytest.mark.parametrize("predict", ["m(x)", "sigmoid(m(x))"])
def test_two_classes_by_one_number(predict):
    y = np.where(X[:, 0] > 0, "yes", "no")
    one = sgdc.Classifier(SIGN.replace("predict = m(x)", f"predict = {predict}")).fit(X, y[:, None])
    assert one.classes_.tolist() == ["no", "yes"] and one.score(X, y) > 0.9
    chances = one.predict_proba(X)
    assert np.allclose(chances.sum(axis=1), 1) and (one.predict(X) == one.classes_[chances.argmax(axis=1)]).all()


def test_classes_that_are_predicted():
    program = LINE.replace("y: f32", "y: label[2]").replace("model line(x: f32[2]) -> f32", "model line(x: f32[2]) -> f32[2]")
    program = program.replace("param a: f32[2] = [-1, 1]", "param a: f32[2, 2] = 0").replace("dot(x, a)", "a @ x")
    program = program.replace("squared(line(x), y)", "cross_entropy(line(x), y); predict = argmax(line(x))")
    y = (X[:, 0] > 0).astype(int)
    one = sgdc.Classifier(program, epochs=60, lr=1).fit(X, y)
    assert one.score(X, y) > 0.9 and one.score(X, y, sample_weight=np.where(one.predict(X) == y, 1, 0)) == 1
    with pytest.raises(sgdc.Error, match="no probabilities"):
        one.predict_proba(X)


def test_targets_that_are_none():
    with pytest.raises(sgdc.RowsError, match="one label a row"):
        sgdc.Classifier(SIGN).fit(X, np.zeros((len(X), 2)))
    with pytest.raises(sgdc.RowsError, match="cannot be ordered"):
        sgdc.Classifier(SIGN).fit(X, np.array([1, "a"] * (len(X) // 2), object))
    two = LINE.replace("y: f32", "y: f32; z: f32").replace("squared(line(x), y)", "squared(line(x), y + z)")
    with pytest.raises(sgdc.RowsError, match="use sgdc.compile"):
        sgdc.Regressor(two).fit(X, Y)


def test_scores_with_weights():
    one = sgdc.Regressor(LINE, epochs=1).fit(X, Y)
    far = np.abs(one.predict(X) - Y) > np.median(np.abs(one.predict(X) - Y))
    assert one.score(X, Y, sample_weight=~far) > one.score(X, Y) > one.score(X, Y, sample_weight=far)
    assert one.__sklearn_is_fitted__() and not sgdc.Regressor(LINE).__sklearn_is_fitted__()
    assert [report.epoch for report in one.history_] == [1]
