#!/usr/bin/env python3
"""What --emit=onnx writes, executed by ONNX Runtime, beside what `sgdc predict` says.

    tests/onnx/runtime.py SGDC FILE.sgd ...

Of each program every run trains some steps, is saved, written as a model in ONNX, looked at by onnx.checker, and given the
rows of its own data as the file has them. Differences are measured against the largest number that is predicted: one number
of a prediction may come out of a cancellation, and then both sides have few digits of it. The bound is 1e-6. Where all of
them come out of one, both sides are compared with the model's nodes computed in f64 (onnx.reference), and sgdc may be twice
as far from these as ONNX Runtime. Classes must be equal wherever the two largest scores are further apart than 1e-5.
"""
import csv, glob, gzip, json, os, re, subprocess, sys, tempfile
import numpy as np
import onnx, onnx.numpy_helper, onnx.reference, onnxruntime
from safetensors import safe_open
from safetensors.numpy import load_file

MOST_ROWS = 300
BOUND = 1e-6
STEPS = "8"


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def find(program, name):
    """A data file, where sgdc looks for it."""
    folder = os.path.dirname(program)
    folders = [folder, os.path.join(folder, "data"), "."] + os.environ.get("SGDC_DATA", "").split(":")
    return next(path for path in (os.path.join(f, name) for f in folders) if os.path.exists(path))


def number(text):
    return np.nan if text in ("", "NA", "NaN", "?") else float(text)


def csv_column(program, text, name):
    """A column that is standardized while it is read, as the csv has it, or None. Of several data sets it is SET.COLUMN."""
    if "." in name:
        set_name, name = name.split(".")
        text = text[text.index(f"data {set_name} "):]
    measured = re.search(name + r":[^=\n]*=\s*standardize\(columns?\(([^)=]*)\)\)", text)
    if not measured: return None
    field = measured.group(1)
    source = re.search(r'csv\("([^"]+)"(?:,\s*delimiter\s*=\s*"([^"]+)")?', text)
    delimiter = (source.group(2) or ",").replace("\\t", "\t")
    with open(find(program, source.group(1))) as file:
        table = list(csv.reader(file, delimiter=delimiter))
    part = re.fullmatch(r"(\d+)\.\.(\d+)", field)
    if part:
        columns = range(int(part.group(1)), int(part.group(2)))
    elif field.isdigit():
        columns = [int(field)]
    else:
        names = table[0]
        columns = [names.index(word) for word in re.findall(r'"([^"]+)"', field)]
        table = table[1:]
    rows = np.array([[number(row[c]) for c in columns] for row in table[:MOST_ROWS]], np.float32)
    return rows if len(columns) > 1 else rows[:, 0]


def keys_of(encoder):
    """What classes 0, 1, ... are in the file; the class of all others, where there is one, is what no file has."""
    kinds = {"keys_strings": lambda a: np.array([t.decode() for t in a.strings] + ["no such key"], object),
             "keys_int64s": lambda a: np.array([*a.ints, max(a.ints) + 1], np.int64),
             "keys_floats": lambda a: np.array([*a.floats, max(a.floats) + 1], np.float32)}
    return next(kinds[a.name](a) for a in encoder.attribute if a.name in kinds)


def images(program, text):
    """The pictures of an IDX file."""
    with gzip.open(find(program, re.search(r'images\s*=\s*"([^"]+)"', text).group(1))) as file:
        head = file.read(16)
        count, height, width = (int.from_bytes(head[i:i + 4], "big") for i in (4, 8, 12))
        return np.frombuffer(file.read(MOST_ROWS * height * width), np.uint8).reshape(-1, height, width)


def inputs_of(model, program, text, trace):
    values = load_file(trace)
    inputs = {}
    for value in model.graph.input:
        name, kind = value.name, value.type.tensor_type.elem_type
        encoder = next((n for n in model.graph.node if n.op_type == "LabelEncoder" and n.input[0] == name), None)
        column = images(program, text) if name == "images" else values["data." + name][:MOST_ROWS]
        if any(key.endswith("." + name + ".mean") for key in values):   # the trace may have it standardized
            raw = csv_column(program, text, name)
            column = column if raw is None else raw
        if encoder:     # the trace has classes, the model takes what the file has for them
            inputs[name] = keys_of(encoder)[column]
            continue
        dtype = {onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.DOUBLE: np.float64, onnx.TensorProto.INT32: np.int32,
                 onnx.TensorProto.INT64: np.int64, onnx.TensorProto.UINT8: np.uint8, onnx.TensorProto.BOOL: np.bool_}[kind]
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim[1:]]
        inputs[name] = column.astype(dtype).reshape([-1] + shape)
    return inputs


def expected(line):
    """Class or None, and the numbers of a line of `sgdc predict --json`."""
    said = json.loads(line)
    real = lambda v: np.nan if v is None else float(v)
    if "scores" in said: return said["prediction"], [real(v) for v in said["scores"].values()]
    if "score" in said: return said["prediction"], [real(said["score"])]
    value = said["prediction"]
    return None, [real(v) for v in (value if isinstance(value, list) else [value])]


def numbers_of(outputs, rows):
    """The numbers of a model's outputs, a row for each row."""
    numbers = outputs.get("scores", outputs.get("score", outputs.get("prediction")))
    return np.asarray(numbers, np.float64).reshape(rows, -1)


def in_f64(model, inputs, rows):
    """The numbers of the model's outputs, each node computed in f64."""
    wide = onnx.ModelProto.FromString(model.SerializeToString())
    graph, single, double = wide.graph, onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE
    for value in graph.input:
        if value.type.tensor_type.elem_type == single: value.type.tensor_type.elem_type = double
    for constant in graph.initializer:
        if constant.data_type == single:
            constant.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(constant).astype(np.float64), constant.name))
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == single: attribute.i = double
    values = {k: v.astype(np.float64) if v.dtype == np.float32 else v for k, v in inputs.items()}
    names = [o.name for o in graph.output]
    return numbers_of(dict(zip(names, onnx.reference.ReferenceEvaluator(wide).run(None, values))), rows)


def compare(outputs, lines, exactly):
    """The largest difference by the largest number; whether it is rounding; rows whose class differs where scores are apart."""
    numbers = numbers_of(outputs, len(lines))
    wanted = [expected(line) for line in lines]
    truth = np.array([w[1] for w in wanted], np.float64)
    finite = np.isfinite(truth)
    if truth.shape != numbers.shape: return np.inf, False, 0
    scale = max(np.abs(truth[finite]).max(initial=0), 1e-30)
    worst = np.abs(numbers - truth)[finite].max(initial=0) / scale
    rounding = worst <= BOUND
    if not rounding:
        exact = exactly()
        far = lambda other: np.abs(other - exact)[finite].max(initial=0)
        rounding = worst <= 10 * BOUND and far(truth) <= 2 * far(numbers)
    others = 0
    for row, (said, scores) in enumerate(wanted):
        if said is None: continue
        ranked = sorted(scores)
        apart = len(ranked) < 2 or ranked[-1] - ranked[-2] > 1e-5 * scale
        others += apart and str(outputs["prediction"][row]) != str(said)
    return worst, rounding, others


def with_includes(program):
    text = open(program).read()
    return re.sub(r'include "([^"]+)"', lambda m: with_includes(os.path.join(os.path.dirname(program), m.group(1))), text)


def run_in(path):
    with safe_open(path, "np") as file: return file.metadata()["run"]


def check_run(sgdc, program, run, folder):
    text = with_includes(program)
    saved, model_path, trace = (os.path.join(folder, n) for n in ("saved.safetensors", "model.onnx", "trace.safetensors"))
    for path in glob.glob(os.path.join(folder, "*")): os.remove(path)
    name = ["--run=" + run]
    call(sgdc, program, *name, "-q", "--set", "steps=" + STEPS, "--save", saved)
    code, _, said = call(sgdc, program, *name, "-q", "--trace", trace)
    saved = next((path for path in glob.glob(os.path.join(folder, "saved*")) if run_in(path) == run), None)
    if code or not saved: return "skipped: " + (said.strip().splitlines() or ["not saved"])[0]
    code, _, said = call(sgdc, program, "--emit=onnx=" + model_path, "--load", saved)
    if code: return "refused: " + said.strip().splitlines()[0]
    onnx.checker.check_model(model_path, full_check=True)
    code, out, said = call(sgdc, "predict", program, "--load", saved, "--json", *name)
    if code: return "skipped: " + said.strip().splitlines()[0]
    lines = out.splitlines()[:MOST_ROWS]
    model = onnx.load(model_path)
    inputs = inputs_of(model, program, text, trace)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model_path, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    inputs = {k: v[:len(lines)] for k, v in inputs.items()}
    outputs = dict(zip(names, session.run(None, inputs)))
    worst, rounding, others = compare(outputs, lines, lambda: in_f64(model, inputs, len(lines)))
    kinds = {}
    for node in model.graph.node: kinds[node.op_type] = kinds.get(node.op_type, 0) + 1
    verdict = "ok" if rounding and others == 0 else "FAILED"
    return f"{verdict}: {worst:.1e} {others} {len(lines)} rows " + " ".join(f"{k}:{v}" for k, v in sorted(kinds.items()))


def runs_of(sgdc, program):
    """Names of the runs of a program."""
    code, out, said = call(sgdc, program, "--summary")
    return [name for line in out.splitlines() if line[:1].strip() for name in line.split(", ")]


def main():
    onnxruntime.set_default_logger_severity(4)
    sgdc, failed = sys.argv[1], 0
    with tempfile.TemporaryDirectory() as folder:
        for program in sys.argv[2:]:
            for run in runs_of(sgdc, program):
                try:
                    said = check_run(sgdc, program, run, folder)
                except Exception as problem:
                    said = "FAILED: " + str(problem).splitlines()[0][:300]
                failed += said.startswith("FAILED")
                print(f"{os.path.basename(program)} {run or ''}: {said}", flush=True)
    sys.exit(failed > 0)


main()
