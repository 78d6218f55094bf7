"""Trains a model of which it knows the manifest alone: no header, and no module that is not Python's own.

    manifest.py NAME.json NAME.so points.csv saved.safetensors

Every function that the manifest lists is looked up, and typed as it says.
"""
import ctypes
import json
import sys

manifest_path, library_path, points_path, saved_path = sys.argv[1:]
with open(manifest_path, encoding="utf-8") as file:
    manifest = json.load(file)
model = manifest["models"][0]

VALUES = {"void": None, "i32": ctypes.c_int32, "i64": ctypes.c_int64, "u64": ctypes.c_uint64, "f32": ctypes.c_float,
          "f64": ctypes.c_double, "string": ctypes.c_char_p, "pointer": ctypes.c_void_p}
ELEMENTS = {"f32": ctypes.c_float, "f64": ctypes.c_double, "i32": ctypes.c_int32, "u8": ctypes.c_uint8,
            "bool": ctypes.c_uint8}


def structure(name, size, members):
    """members: (name, type, offset), which must be where ctypes puts them."""
    made = type(name, (ctypes.Structure,), {"_fields_": [(member, VALUES[kind]) for member, kind, _ in members]})
    for member, _, offset in members:
        assert getattr(made, member).offset == offset, member
    assert ctypes.sizeof(made) <= size
    return made


structs = {of["name"]: structure(of["name"], of["bytes"], [(f["name"], f["type"], f["offset"]) for f in of["fields"]])
           for of in manifest["types"]}
fields = model["rows"]["fields"]
members = [("rows", "i64", model["rows"]["rows_offset"])]
for field in fields:
    members += [(field["member"] + ".data", "pointer", field["data_offset"]),
                (field["member"] + ".stride", "i64", field["stride_offset"])]
Rows = structure(model["rows"]["name"], model["rows"]["bytes"], members)
assert ctypes.sizeof(Rows) == model["rows"]["bytes"]
Callback = ctypes.CFUNCTYPE(VALUES[manifest["callback"]["returns"]["type"]],
                            *(VALUES[p["type"]] for p in manifest["callback"]["parameters"]))

library = ctypes.CDLL(library_path)
call = {}
for function in model["functions"]:
    found = getattr(library, function["symbol"])
    returns = function["returns"]["type"]
    found.restype = Rows if returns == "struct" else VALUES[returns]
    found.argtypes = [VALUES[parameter["type"]] for parameter in function["parameters"]]
    call[function["name"]] = found


def check(status):
    if status:
        raise SystemExit(call["strerror"](status).decode())


def count(shape):
    product = 1
    for extent in shape:
        product *= extent
    return product


# Columns of the file, in order, are those of the fields.
with open(points_path, encoding="utf-8") as file:
    lines = [line.split(",") for line in file.read().split("\n")[1:] if line]
columns, at = [], 0
for field in fields:
    width = count(field["shape"])
    kind = ELEMENTS[field["dtype"]]
    values = [(float if field["dtype"][0] == "f" else int)(value) for line in lines for value in line[at:at + width]]
    columns.append((kind * len(values))(*values))
    assert ctypes.sizeof(columns[-1]) == field["row_bytes"] * len(lines)
    at += width

rows = call["rows"](len(lines), *columns)
assert rows.rows == len(lines)
for field, column in zip(fields, columns):
    assert getattr(rows, field["member"] + ".data") == ctypes.addressof(column)
    assert getattr(rows, field["member"] + ".stride") == field["row_bytes"]

m = ctypes.c_void_p()
check(call["new"](ctypes.byref(m), None))
losses = []


@Callback
def each_epoch(_, report):
    losses.append(ctypes.cast(report, ctypes.POINTER(structs["sgdc_report"])).contents.train_loss)
    return 0


check(call["fit"](m, ctypes.byref(rows), None, ctypes.cast(each_epoch, ctypes.c_void_p), None))
assert len(losses) == model["settings"]["epochs"] and losses[-1] < losses[0]
figures = (ctypes.c_float * len(model["figures"]))()
check(call["evaluate"](m, ctypes.byref(rows), figures))
assert 0 < figures[0] < losses[0]
answer = model["predict"]
scores = (ctypes.c_float * (answer["elements"] * len(lines)))()
check(call["predict"](m, ctypes.byref(rows), scores, None))
assert call["steps"](m) > 0

for parameter in model["parameters"]:
    shape, rank = ctypes.POINTER(ctypes.c_int64)(), ctypes.c_int()
    data = call["parameter_data"](m, parameter["name"].encode(), ctypes.byref(shape), ctypes.byref(rank))
    assert data and shape[:rank.value] == parameter["shape"], parameter["name"]
for hyper in model["hyper_parameters"]:
    check(call["set"](m, hyper["name"].encode(), hyper["value"] or 0.5))
no_name = next(status["value"] for status in manifest["statuses"] if status["name"] == "no_name")
assert call["set"](m, b"nothing", 1) == no_name

# As many labels are right as the largest score says.
assert answer["rule"] == "largest"
truth = columns[[field["name"] for field in fields].index(answer["target"])]
classes = answer["classes"]
right = 0
for row, label in enumerate(truth):
    of = scores[classes * row:classes * (row + 1)]
    right += of.index(max(of)) == label
check(call["save"](m, saved_path.encode()))
call["free"](m)
print(right, "of", len(lines))
