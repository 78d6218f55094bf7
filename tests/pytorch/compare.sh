#!/bin/sh
# All comparisons with PyTorch: SGDC SOURCE_FOLDER. PYTHON says which Python has it.
python=${PYTHON:-python3}
"$python" -c 'import numpy, torch' 2>/dev/null ||
    { echo "skipped: $python has no torch and numpy (PYTHON=VENV/bin/python)"; exit 77; }
SGDC_DATA=$2/examples/data
export SGDC_DATA
"$python" "$2/tests/pytorch/compare.py" "$1" && "$python" "$2/tests/pytorch/prelude.py" "$1"
