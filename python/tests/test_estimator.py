"""scikit-learn's duck type: parameters, clone, Pipeline, GridSearchCV."""

import pickle

import numpy as np
import pytest

import sgdc
from conftest import CLASSIFY, LINE
from test_rows import LABELS, X, Y


def test_classifier(points):
    x, y = points
    model = sgdc.Classifier(CLASSIFY, epochs=20)
    assert model.fit(x, y) is model and model.score(x, y) > 0.95
    assert model.classes_.tolist() == [0, 1, 2] and model.n_features_in_ == 2
    assert (model.predict(x) == model.predict_proba(x).argmax(axis=1)).all()
    assert np.allclose(model.predict_proba(x).sum(axis=1), 1)
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(x) == model.predict(x)).all()


def test_classes_of_any_kind(points):
    x, y = points
    names = np.array(["west", "north", "east"])
    model = sgdc.Classifier(CLASSIFY).fit(x, names[y])
    assert model.classes_.tolist() == ["east", "north", "west"]
    assert (model.predict(x) == names[y]).mean() > 0.95
    few = sgdc.Classifier(CLASSIFY).fit(x[y < 2], np.where(y[y < 2], 30, -5))
    assert few.classes_.tolist() == [-5, 30] and few.predict_proba(x).shape == (300, 2)
    assert set(few.predict(x)) == {-5, 30}
    with pytest.raises(sgdc.RowsError, match=r"4 classes, and y: label\[3\] has 3"):
        model.fit(x, np.array(["a", "b", "c", "d"])[np.arange(300) % 4])
    with pytest.raises(sgdc.RowsError, match="nan is no class"):
        model.fit(x, np.where(y == 1, np.nan, y))


def test_logits_become_probabilities():
    x = np.random.default_rng(0).normal(size=(60, 2, 2))
    y = (x[:, 0, 0] > 0).astype(int)
    model = sgdc.Classifier(LABELS, epochs=200, lr=1.0).fit(x, y)
    assert np.allclose(model.predict_proba(x).sum(axis=1), 1) and model.score(x, y) > 0.9
    assert (model.decision_function(x) < 0).any()


def test_regressor():
    model = sgdc.Regressor(LINE, epochs=50).fit(X, Y)
    assert model.score(X, Y) > 0.99 and model.predict(X).shape == (40,)
    with pytest.raises(sgdc.RowsError, match="a Classifier learns a label"):
        sgdc.Classifier(LINE).fit(X, Y)


def test_parameters():
    model = sgdc.Regressor(LINE, lr=0.2)
    assert model.get_params()["lr"] == 0.2 and model.get_params()["threads"] == 1
    assert model.set_params(lr=0.3, seed=5).get_params()["lr"] == 0.3 and model.seed == 5
    assert "lr=0.3" in repr(model)
    with pytest.raises(sgdc.CompileError, match="rate"):
        model.set_params(rate=1).fit(X, Y)
    with pytest.raises(sgdc.NotFitted):
        sgdc.Regressor(LINE).predict(X)


@pytest.mark.slow
def test_sklearn(points):
    pytest.importorskip("sklearn")
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = points
    one = sgdc.Classifier(CLASSIFY, seed=3, lr=0.1)
    assert is_classifier(one) and is_regressor(sgdc.Regressor(LINE))
    assert clone(one).get_params() == one.get_params() and clone(one) is not one
    pipeline = make_pipeline(StandardScaler(), sgdc.Classifier(CLASSIFY))
    assert pipeline.fit(x, y).score(x, y) > 0.95
    search = GridSearchCV(sgdc.Classifier(CLASSIFY), {"lr": [1e-6, 0.1], "epochs": [20]}, cv=3)
    search.fit(x, y)
    assert search.best_params_ == {"lr": 0.1, "epochs": 20} and search.best_score_ > 0.9
    assert search.predict(x).shape == (300,)
    scores = cross_val_score(pipeline, x, y, cv=3, scoring="roc_auc_ovr")
    assert scores.min() > 0.9
    grid = GridSearchCV(pipeline, {"classifier__epochs": [1, 20]}, cv=2).fit(x, y)
    assert grid.best_params_ == {"classifier__epochs": 20}
    names = np.array(["west", "north", "east"])
    assert cross_val_score(sgdc.Classifier(CLASSIFY), x, names[y], cv=3).min() > 0.9


def test_frames(points):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(points[0], columns=["east", "north"])
    model = sgdc.Classifier(CLASSIFY, epochs=20).fit(frame, pd.Series(points[1]))
    assert model.feature_names_in_.tolist() == ["east", "north"] and model.score(frame, pd.Series(points[1])) > 0.95
