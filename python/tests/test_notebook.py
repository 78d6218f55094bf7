"""Progress bars, the curve, and the cell magic."""

import io

import numpy as np
import pytest

import sgdc
from conftest import CLASSIFY, LINE, PROJECT
from sgdc import curve, progress
from sgdc.report import Report


def test_terminal_bar():
    out = io.StringIO()
    bar = progress.TerminalBar(4, out)
    bar._begin -= 1
    for epoch in range(1, 5):
        bar.show(Report(epoch, epoch, 1 / epoch))
        bar._drawn -= 1
    bar.end()
    text = out.getvalue()
    assert text.startswith("\r[=====               ] epoch 1/4  train_loss 1") and text.endswith("\n")
    assert "[====================] epoch 4/4  train_loss 0.25" in text


def test_short_trainings_show_nothing(line, capsys):
    line.fit(np.ones((8, 2)), np.ones(8), progress=True)
    assert capsys.readouterr().err == ""


def test_curve():
    reports = [Report(e, e, 100.0 / e**2, 100.0 / e) for e in range(1, 1001)]
    svg = curve.draw(reports, "a < b")
    assert svg.startswith("<svg") and svg.count("<polyline") == 2 and "a &lt; b" in svg and len(svg) < 30_000
    assert curve.draw([]) == "" and curve.draw([Report(1, 1, float("nan"))]) == ""
    assert [curve._ticks(*scale) for scale in ((0.3, 2.2, False), (-2, 1, True))] == [[0.5, 1.0, 1.5, 2.0], [-2, -1, 0, 1]]
    assert "<circle" in curve.draw([Report(1, 1, 0.0)])


@pytest.fixture
def shell():
    testing = pytest.importorskip("IPython.testing.globalipapp")
    shell = testing.start_ipython() or testing.get_ipython()
    shell.run_line_magic("load_ext", "sgdc")
    return shell


def test_magic(shell, points, capsys):
    shell.user_ns.update(X=np.ones((16, 2)), y=np.ones(16))
    shell.run_cell_magic("sgd", "net --fit X,y --set lr=0.2 --seed 3", LINE)
    net = shell.user_ns["net"]
    assert len(net.history) == 5 and net.hyper_parameters["lr"] == pytest.approx(0.2)
    assert "epoch 5/5" in capsys.readouterr().out
    shell.run_cell_magic("sgd", "own", (PROJECT / "examples" / "line.sgd").read_text())
    assert "epoch 100/100  train_loss 0.0812267" in capsys.readouterr().out
    shell.run_cell_magic("sgd", "", LINE)
    assert isinstance(shell.user_ns["model"], sgdc.Model) and not shell.user_ns["model"].history


def test_magic_that_is_refused(shell, capsys):
    for line, cell, says in [
        ("", LINE.replace("line(x)", "line(z)"), "cell:10:"),
        ("--fit nowhere", LINE, "no variable nowhere"),
        ("--what", LINE, "--what"),
        ("--set lr", LINE, "NAME=VALUE"),
    ]:
        with pytest.raises(sgdc.Error):
            shell.run_cell_magic("sgd", line, cell)
        assert says in capsys.readouterr().err


NOTEBOOK = f"""
%load_ext sgdc
import numpy as np, sgdc
rng = np.random.default_rng(0)
X = rng.normal(size=(20000, 2)); y = X @ [3, 2]
---
%%sgd net --fit X,y --set epochs=100
{LINE}
---
from sgdc import progress
progress._BEFORE = 0  # however fast the machine is
m = sgdc.compile({str(CLASSIFY)!r}, settings={{"epochs": 20}}).fit()
---
%%sgd net
model m( {{
"""


@pytest.mark.slow
def test_a_real_notebook():
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = [nbformat.v4.new_code_cell(text.strip("\n")) for text in NOTEBOOK.split("---\n")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": ""}})
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=60, allow_errors=True).execute()

    def html_of(cell):
        return "".join(out["data"].get("text/html", "") for out in cell.outputs if out.output_type == "display_data")

    assert html_of(cells[1]).count("<svg") == 1
    assert html_of(cells[2]).count("<progress") == 1
    said = "".join(out.get("text", "") for out in cells[3].outputs)
    assert "cell:1:" in said and not any(out.get("traceback") for out in cells[3].outputs)
