"""Models: parameters in place, prediction, evaluation, files, steps, stops."""

import os
import pickle
import signal
import threading

import numpy as np
import pytest

import sgdc
from conftest import CLASSIFY, LINE


def test_parameters_are_in_place(line):
    view = line.parameters["line.a"]
    assert view.dtype == np.float32 and view.tolist() == [-1, 1]
    view[:] = [2, 3]
    assert line.predict([[1, 1], [1, 0]]).tolist() == [5, 2]
    line.parameters["line.a"] = [0.5, 0]
    assert view.tolist() == [0.5, 0]
    with pytest.raises(KeyError, match="line.a"):
        line.parameters["line.b"]
    with pytest.raises(ValueError, match="shape"):
        line.parameters["line.a"] = [1, 2, 3]


def test_parameters_outlive_the_model():
    view = sgdc.compile(LINE).parameters["line.a"]
    for _ in range(50):
        sgdc.compile(LINE)
    assert view.tolist() == [-1, 1]


def test_fit_goes_on_and_evaluates(line):
    x = np.random.default_rng(1).uniform(-1, 1, (64, 2)).astype(np.float32)
    y = x @ np.float32([3, 2])
    before = line.evaluate(x, y)["loss"]
    line.fit(x, y)
    middle = line.evaluate(x, y)["loss"]
    line.fit(x, y)
    assert line.evaluate(x, y)["loss"] < middle < before
    assert [r.epoch for r in line.history] == list(range(1, 11))


SAMPLER = """
data points = synthetic(rows = 20, seed = 1) { x: f32[2] ~ normal(0, 1) }
model decoder(z: f32[2]) -> f32[2] = dense(z, 2)
train fit {
  data      = points
  z: f32[2] ~ normal(0, 1)
  minimize  = mse(decoder(z), x)
  predict   = decoder(z)
  optimizer = sgd(lr = 0.1)
}
"""


def test_predict_draws_by_seed():
    model = sgdc.compile(SAMPLER)
    one, same, other = (model.predict(4, seed=seed) for seed in (7, 7, 8))
    assert one.shape == (4, 2) and np.isfinite(one).all()
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert len(np.unique(one[:, 0])) == 4  # each row draws its own
    with pytest.raises(sgdc.RowsError, match="how many rows"):
        model.predict(np.zeros((4, 2)))
    with pytest.raises(sgdc.Error, match="has no draw"):
        sgdc.compile(LINE).predict([[1, 1]], seed=7)


ARRAYS = """
data points { x: f32[3]; y: label[3] }
model net(x: f32[3]) -> f32[3] {
  param a: f32 = 1
  return a * x
}
train fit {
  data      = points
  minimize  = cross_entropy(net(x), y)
  measure confusion = confusion(net(x), y)
  measure accuracy  = accuracy(net(x), y)
  measure recall    = class_recall(net(x), y)
  optimizer = sgd(lr = 0)
}
"""


def test_evaluate_gives_arrays():
    x = np.eye(3, dtype=np.float32)[[0, 1, 1, 2, 0]]
    found = sgdc.compile(ARRAYS).evaluate(x, [0, 1, 2, 2, 0])
    assert list(found) == ["loss", "accuracy", "confusion", "recall"]
    assert found["accuracy"] == pytest.approx(0.8)
    assert found["confusion"].tolist() == [[2, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert found["recall"].tolist() == [1, 1, 0.5]


def test_validation_rows(line):
    x = np.ones((16, 2), np.float32)
    line.fit(x, x[:, 0], valid=(x[:4], x[:4, 0]))
    assert line.history[-1].valid_loss == pytest.approx(line.evaluate(x[:4], x[:4, 0])["loss"])


def test_step_is_one_mini_batch(line):
    assert line.step([[1, 0]], [1]) == 2  # half of (-1 - 1)^2
    assert line.parameters["line.a"].tolist() == pytest.approx([-0.8, 1])


def test_set(line):
    assert line.hyper_parameters == {"lr": pytest.approx(0.1)}
    line.set("lr", 0).fit(np.ones((8, 2)), np.ones(8))
    assert line.parameters["line.a"].tolist() == [-1, 1]
    with pytest.raises(sgdc.Error, match="there are lr"):
        line.set("rate", 1)


def test_save_load_resume(model, points, tmp_path):
    path = tmp_path / "m.safetensors"
    model.fit(*points).save(path)
    other = sgdc.compile(CLASSIFY).resume(path)
    assert (other.predict(points[0]) == model.predict(points[0])).all()
    model.fit(*points), other.fit(*points)
    assert (other.parameters["net.dense.w"] == model.parameters["net.dense.w"]).all()


def test_files_that_are_none(model, line, tmp_path):
    with pytest.raises(sgdc.SavedFileError, match="nothing.safetensors"):
        model.load(tmp_path / "nothing.safetensors")
    (tmp_path / "broken").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(sgdc.SavedFileError):
        model.load(tmp_path / "broken")
    line.save(tmp_path / "line")
    with pytest.raises(sgdc.SavedFileError):
        model.load(tmp_path / "line")
    with pytest.raises(sgdc.SavedFileError):
        line.save(tmp_path / "no" / "folder")


def test_pickle(model, points):
    model.fit(*points)
    other = pickle.loads(pickle.dumps(model))
    assert (other.predict(points[0]) == model.predict(points[0])).all()
    assert other.history == model.history and other.steps == model.steps == 600
    untrained = pickle.loads(pickle.dumps(sgdc.compile(CLASSIFY)))
    assert untrained.steps == 0
    model.reset().fit(*points), untrained.fit(*points)
    assert (untrained.predict(points[0]) == model.predict(points[0])).all()


def test_predict_before_statistics(model, points):
    with pytest.raises(sgdc.Error, match="fit or load first"):
        model.predict(points[0])


def test_callback_ends_and_raises(model, points):
    model.fit(*points, callback=lambda report: report.epoch == 3)
    assert len(model.history) == 3

    def fail(report):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        model.fit(*points, callback=fail)
    with pytest.raises(RuntimeError, match="no"):
        model.fit(callback=fail)
    model.fit(callback=lambda report: report.epoch >= 3)
    assert 3 <= len(model.history) <= 40


def test_interrupt(points):
    """Ctrl-C ends a training of many epochs after the step in flight, though nobody listens to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background command of a script ignores it
    model = sgdc.compile(CLASSIFY, settings={"epochs": 100_000_000})
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*points, progress=False)
    assert np.isfinite(model.parameters["net.dense.w"]).all()


def test_stop_from_another_thread(points):
    model = sgdc.compile(CLASSIFY, settings={"epochs": 100_000_000})
    threading.Timer(0.2, model.stop).start()
    model.fit(*points, progress=False)
    assert model.history


def test_divergence(line):
    line.set("lr", 1e30)
    with pytest.raises(sgdc.Diverged, match="reset"):
        line.fit(np.ones((64, 2)), np.ones(64))
    line.set("lr", 0.1).reset().fit(np.ones((64, 2)), np.ones(64))


def test_predict_on_many_threads(model, points):
    model.fit(*points)
    expected = model.predict(points[0])
    wrong = []

    def work():
        wrong.extend(1 for _ in range(20) if (model.predict(points[0]) != expected).any())

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert not wrong


RUNS = """
data d {
  x: f32
  y: f32
}
model m(x: f32) -> f32 {
  param a: f32 = 0
  return a * x
}
train fit { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = each [0.1, 0.2]); epochs = 1 }
"""


def test_several_runs():
    models = sgdc.compile_all(RUNS)
    assert len(models) == 2
    with pytest.raises(sgdc.Error, match="choose one"):
        sgdc.compile(RUNS)
    name = list(models)[1]
    chosen = sgdc.compile(RUNS, run=name)
    for model in (chosen, models[name]):
        model.fit([1.0], [1.0])
    assert chosen.parameters["m.a"] == models[name].parameters["m.a"] == pytest.approx(0.2)
    with pytest.raises(sgdc.Error, match="no run 'other'"):
        sgdc.compile(RUNS, run="other")


def test_f64_parameters():
    model = sgdc.compile(LINE.replace("f32", "f64"))
    assert model.parameters["line.a"].dtype == np.float64
    model.fit(np.ones((8, 2)), np.ones(8))
    assert model.predict(np.ones((1, 2))).dtype == np.float32
