"""The blocks of docs/python.md, one after the other, in one namespace."""

import re
from importlib.util import find_spec

import pytest

from conftest import PROJECT

OPTIONAL = ("pandas", "pyarrow", "sklearn")


@pytest.mark.slow
def test_python_page(tmp_path, monkeypatch, capsys):
    text = (PROJECT / "docs" / "python.md").read_text()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.sgd").write_text(re.search(r"```sgd\n(.*?)```", text, re.S).group(1))
    namespace, ran = {}, 0
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        needed = [name for name in OPTIONAL if re.search(rf"^(import|from) {name}\b", block, re.M)]
        if all(find_spec(name) for name in needed):
            exec(compile(block, f"docs/python.md: {block.splitlines()[0]}", "exec"), namespace)
            ran += 1
    said = capsys.readouterr().out
    assert ran >= 7 and "cell:11:" in said and "row " in said and "label 3 is none of 0 to 2" in said
