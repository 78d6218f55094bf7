#!/bin/sh
# The examples and the programs here in ONNX Runtime (runtime.py): SGDC SOURCE_FOLDER. PYTHON says which Python has it.
python=${PYTHON:-python3}
"$python" -c 'import numpy, onnx, onnxruntime, safetensors' 2>/dev/null ||
    { echo "skipped: $python has no numpy, onnx, onnxruntime and safetensors (PYTHON=VENV/bin/python)"; exit 77; }
cd "$2" || exit 2
exec "$python" tests/onnx/runtime.py "$1" tests/onnx/*.sgd examples/*.sgd
