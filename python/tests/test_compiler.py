"""Programs that are refused, warnings, settings, and the cache of compiled programs."""

import multiprocessing
import os
import pickle
import warnings

import pytest

import sgdc
from conftest import CLASSIFY, LINE
from sgdc import cache


def test_diagnostics():
    with pytest.raises(sgdc.CompileError) as caught:
        sgdc.compile(LINE.replace("line(x)", "line(z)"), name="cell")
    error = caught.value
    assert error.code.startswith("E0") and error.line == 10 and error.column > 0
    assert error.diagnostics[0].file == "cell" and "line(z)" in error.diagnostics[0].source_line
    assert str(error).startswith(f"cell:10:{error.column}: error[{error.code}]: ") and "^" in str(error)
    assert len(error.diagnostics[0].explanation) > 40
    again = pickle.loads(pickle.dumps(error))
    assert again.diagnostics == error.diagnostics and str(again) == str(error)


def test_help():
    with pytest.raises(sgdc.CompileError) as caught:
        sgdc.compile(LINE.replace("epochs", "epoch"))
    notes = [note.message for note in caught.value.diagnostics[0].notes]
    assert "epochs" in str(caught.value), notes


def test_files_and_includes(tmp_path, monkeypatch):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "rate.sgd").write_text("rate = 0.1\n")
    program = tmp_path / "net.sgd"
    program.write_text('include "parts/rate.sgd"\n' + LINE.replace("lr = 0.1", "lr = rate"))
    assert sgdc.compile(program).hyper_parameters
    with pytest.raises(sgdc.CompileError, match="nothing.sgd cannot be read: No such file"):
        sgdc.compile("nothing.sgd")
    (tmp_path / "parts" / "rate.sgd").write_text("rate = \n")
    with pytest.raises(sgdc.CompileError, match="rate.sgd:1"):
        sgdc.compile(program)
    (tmp_path / "parts" / "rate.sgd").write_text("rate = 0.5\n")
    monkeypatch.chdir(tmp_path)
    text = sgdc.compile(program.read_text())
    assert text.step([[1, 0]], [1]) == 2 and text.parameters["line.a"][0] == 0


def test_settings():
    assert sgdc.compile(LINE, settings={"batch": 4, "lr": 0.25}).hyper_parameters["lr"] == 0.25
    with pytest.raises(sgdc.CompileError, match="rate"):
        sgdc.compile(LINE, settings={"rate": 4})
    with pytest.raises(TypeError, match="a setting is a number"):
        sgdc.compile(LINE, settings={"lr": [1]})


def test_warnings():
    program = LINE.replace("param a: f32[2] = [-1, 1]", "param a: f32[2] = [-1, 1]\n  b = x")
    for _ in range(2):  # from the compiler, and from the cache
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model = sgdc.compile(program)
        assert [w.category for w in said] == [sgdc.SgdcWarning] and model.diagnostics


def test_compilers_that_are_none(monkeypatch, tmp_path):
    monkeypatch.setenv("SGDC", str(tmp_path / "sgdc"))
    with pytest.raises(sgdc.CompilerNotFound, match=r"\$SGDC"):
        sgdc.compile(LINE)
    (tmp_path / "sgdc").write_text("#!/bin/sh\necho something else\n")
    (tmp_path / "sgdc").chmod(0o755)
    with pytest.raises(sgdc.CompilerNotFound, match="is not sgdc"):
        sgdc.compile(LINE)
    monkeypatch.setenv("SGDC", "")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr("sgdc.compiler._BESIDE", tmp_path / "none")
    with pytest.raises(sgdc.CompilerNotFound, match="install a wheel"):
        sgdc.compile(LINE)


# ---- the cache -----------------------------------------------------------------------------------
@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SGDC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_broken_entries_are_made_anew(own_cache):
    sgdc.compile(LINE)
    (entry,) = own_cache.iterdir()
    for name, broken in [("model.so", 5000), ("manifest.json", 0), ("seal.json", 7), ("diagnostics", None)]:
        whole = (entry / name).read_bytes()
        (entry / name).unlink() if broken is None else (entry / name).write_bytes(whole[:broken] or b"{}")
        assert sgdc.compile(LINE).step([[1, 0]], [1]) == 2
        assert (entry / name).read_bytes() == whole
    assert list(own_cache.iterdir()) == [entry]
    sgdc.clear_cache()
    assert not list(own_cache.iterdir())


def test_nothing_is_left_of_what_fails(own_cache):
    with pytest.raises(sgdc.CompileError):
        sgdc.compile("model {")
    assert not list(own_cache.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SGDC_CACHE", str(tmp_path / "file" / "cache"))
    assert cache.cache_folder() != tmp_path / "file" / "cache"
    assert sgdc.compile(LINE).step([[1, 0]], [1]) == 2


def compile_in_a_process(_):
    return sgdc.compile(CLASSIFY).run.identity, os.getpid()


@pytest.mark.slow
def test_processes_at_the_same_time(own_cache):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        answers = pool.map(compile_in_a_process, range(6), chunksize=1)
    assert len({identity for identity, _ in answers}) == 1
    assert len(list(own_cache.iterdir())) == 1
