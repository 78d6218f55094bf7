#!/bin/sh
# --names=torch against PyTorch itself (strict.py): SGDC SOURCE_FOLDER. PYTHON says which Python has it.
python=${PYTHON:-python3}
"$python" -c 'import numpy, safetensors.torch, torch' 2>/dev/null ||
    { echo "skipped: $python has no torch, numpy and safetensors (PYTHON=VENV/bin/python)"; exit 77; }
cd "$2/tests/torch" || exit 2
exec "$python" strict.py "$1" layers.sgd ../../docs/exchange.md lstm.sgd
