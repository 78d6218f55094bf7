"""Programs as scikit-learn's estimators: in a Pipeline, in GridSearchCV, in clone. scikit-learn itself is not needed.

The program's one target is `y`, what predict reads is `X`. Every setting of the program is a parameter:
`Classifier("net.sgd", lr=0.1, width=32)`, `GridSearchCV(classifier, {"lr": [0.01, 0.1]})`. A name with a dot in it
(`momentum.beta`) can be said as `**{"momentum.beta": 0.9}`.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .errors import Error, RowsError
from .manifest import Field
from .model import Model, compile
from .report import Report
from .table import as_table, plain

_OWN = ("program", "run", "seed", "threads", "verbose")


class NotFitted(Error, ValueError, AttributeError):
    """The estimator has to be fitted first."""


class Estimator:
    """What both kinds share. program: a path or text; seed: None is the program's; threads: of fit, 1 as is usual here."""

    _estimator_type = ""

    def __init__(
        self,
        program: str | os.PathLike[str],
        *,
        run: str | None = None,
        seed: int | None = None,
        threads: int = 1,
        verbose: bool = False,
        **settings: Any,
    ):
        self.program = program
        self.run = run
        self.seed = seed
        self.threads = threads
        self.verbose = verbose
        self.settings = settings

    # ---- parameters -----------------------------------------------------------------------------
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor, settings among them."""
        return {**{name: getattr(self, name) for name in _OWN}, **self.settings}

    def set_params(self, **params: Any) -> "Estimator":
        """Changes them. A name that is none of the constructor's is a setting; the compiler says if it has no such."""
        for name, value in params.items():
            if name in _OWN:
                setattr(self, name, value)
            else:
                self.settings = {**self.settings, name: value}
        return self

    def __repr__(self) -> str:
        said = {name: value for name, value in self.get_params().items() if value not in (None, False)}
        program = str(said.pop("program"))
        shown = repr(program if "\n" not in program else program.strip().split("\n")[0] + " ...")
        return f"{type(self).__name__}({', '.join([shown, *(f'{name}={value!r}' for name, value in said.items())])})"

    def __sklearn_clone__(self) -> "Estimator":
        return type(self)(**self.get_params(deep=False))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        tags = Tags(estimator_type=self._estimator_type, target_tags=TargetTags(required=True), input_tags=InputTags())
        if self._estimator_type == "classifier":
            tags.classifier_tags = ClassifierTags()
        else:
            tags.regressor_tags = RegressorTags()
        return tags

    # ---- training and use -------------------------------------------------------------------------
    def fit(self, X: Any, y: Any) -> "Estimator":
        """Compiles the program with its settings (from the cache, mostly) and trains it from the beginning."""
        model = compile(self.program, run=self.run, settings=self.settings, seed=self.seed, threads=self.threads)
        target = _target(model)
        model.fit(X, self._encode(target, y), progress=True if self.verbose else False)
        self.model_ = model
        self.history_: list[Report] = model.history
        self._note_columns(X)
        return self

    def _note_columns(self, X: Any) -> None:
        table = as_table(X)
        if table is None:
            shape = np.shape(X)
            self.n_features_in_ = int(np.prod(shape[1:], dtype=int)) if len(shape) > 1 else 1
            self.__dict__.pop("feature_names_in_", None)
        else:
            self.n_features_in_ = len(table.names)
            if all(isinstance(name, str) for name in table.names):
                self.feature_names_in_ = np.array(table.names, object)

    def _encode(self, target: Field, y: Any) -> Any:
        return y

    def _answers(self, X: Any) -> np.ndarray:
        if not hasattr(self, "model_"):
            raise NotFitted(f"this {type(self).__name__} is not fitted yet: call fit first")
        return self.model_.predict(X)


def _target(model: Model) -> Field:
    """The one field that is learnt."""
    target = model.run.target
    others = [field for field in model.run.rows.fields if not field.read_by_predict]
    if target is None and len(others) == 1:
        return others[0]
    if target is None or [field.name for field in others] != [target.name]:
        listed = ", ".join(map(str, others)) or "none"
        raise RowsError(f"an estimator learns one field, y; this program learns from {listed}: use sgdc.compile")
    return target


def _weights(weights: Any) -> np.ndarray | None:
    return None if weights is None else np.asarray(weights, float)


class Regressor(Estimator):
    """A program whose target is a number, or an array of numbers."""

    _estimator_type = "regressor"

    def predict(self, X: Any) -> np.ndarray:
        """The program's answers: shape (rows,), or (rows, ...)."""
        return self._answers(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R squared: 1 is perfect, 0 is what the mean of y gives. Of several outputs their mean."""
        truth = np.asarray(plain(y, "y"), float)
        answers = np.asarray(self.predict(X), float).reshape(truth.shape)
        errors, spread = (truth - answers) ** 2, (truth - np.average(truth, axis=0, weights=_weights(sample_weight))) ** 2
        error = np.average(errors, axis=0, weights=_weights(sample_weight))
        variance = np.average(spread, axis=0, weights=_weights(sample_weight))
        scores = np.where(variance > 0, 1 - error / np.where(variance > 0, variance, 1), np.where(error > 0, 0.0, 1.0))
        return float(np.mean(scores))


class Classifier(Estimator):
    """A program whose target is a label. Classes may be any values; `classes_` has them in order."""

    _estimator_type = "classifier"

    def _encode(self, target: Field, y: Any) -> Any:
        """Numbers of classes; sets classes_."""
        if not target.classes:
            raise RowsError(f"a Classifier learns a label; {target} is none: use a Regressor")
        values = np.asarray(plain(y, target.name))
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise RowsError(f"y has one label a row, shape (rows,), not {values.shape}")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise RowsError(f"row {int(np.argmin(np.isfinite(values)))} of y: {values[~np.isfinite(values)][0]} is no class")
        try:
            present, numbers = np.unique(values, return_inverse=True)
        except TypeError as problem:
            raise RowsError(f"the classes in y cannot be ordered: {problem}") from problem
        known = target.class_names or target.class_values
        self.classes_, given = _classes(target, present, known)
        return given[numbers.reshape(values.shape)]

    def decision_function(self, X: Any) -> np.ndarray:
        """The program's answers as they are."""
        return self._answers(X)

    def predict_proba(self, X: Any) -> np.ndarray:
        """A probability for each of classes_: the answers where they are that, else their softmax or sigmoid."""
        answers = np.asarray(self._answers(X), np.float64)
        predict = self.model_.run.predict
        assert predict is not None
        if predict.rule == "itself":
            raise Error("the program answers classes, and no probabilities")
        if answers.ndim == 1 or answers.shape[1:] == (1,):
            one = answers.reshape(-1)
            one = one if predict.rule == "half" else 1 / (1 + np.exp(-np.clip(one, -700, 700)))
            return np.stack([1 - one, one], axis=1)
        if (answers < 0).any() or (np.abs(answers.sum(axis=1) - 1) >= 1e-3).any():  # logits
            answers = np.exp(answers - answers.max(axis=1, keepdims=True))
            answers /= answers.sum(axis=1, keepdims=True)
        return answers[:, : len(self.classes_)]

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, among classes_."""
        answers = self._answers(X)
        predict = self.model_.run.predict
        assert predict is not None
        if answers.ndim == 2 and answers.shape[1] > 1:
            numbers = answers[:, : len(self.classes_)].argmax(axis=1)
        elif predict.rule == "itself":
            numbers = answers.reshape(-1).astype(np.int64)
        else:
            numbers = (answers.reshape(-1) > (0.5 if predict.rule == "half" else 0)).astype(np.int64)
        return self.classes_[np.minimum(numbers, len(self.classes_) - 1)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the share of rows that are right."""
        right = self.predict(X) == np.asarray(plain(y, "y")).reshape(-1)
        return float(np.average(right, weights=_weights(sample_weight)))


def _classes(target: Field, present: np.ndarray, known: Any) -> tuple[np.ndarray, np.ndarray]:
    """classes_, and what the model is given for each present value: names and values of the program, numbers from 0, or
    else whatever there is in its order."""
    if known is not None and set(present.tolist()) <= set(known):
        return np.array(known), present
    whole = present.dtype.kind in "biu" or (present.dtype.kind == "f" and bool((present == np.floor(present)).all()))
    if known is None and whole and present.min() >= 0 and present.max() < target.classes:
        kind = present.dtype if present.dtype.kind != "b" else np.dtype(np.int64)
        classes = np.arange(target.classes, dtype=kind)
        return (np.array([False, True]) if present.dtype.kind == "b" and target.classes == 2 else classes), present
    if len(present) > target.classes:
        raise RowsError(f"y has {len(present)} classes, and {target} has {target.classes}")
    return present, np.asarray(known, object)[: len(present)] if known is not None else np.arange(len(present))
