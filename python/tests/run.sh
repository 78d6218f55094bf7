# The Python package over a built sgdc, by pytest. Skipped where python3, numpy or pytest is missing; PYTHON names another
# interpreter. Tests that need more (pandas, pyarrow, scikit-learn, IPython) skip each for itself.
#     run.sh SGDC SOURCE_FOLDER MARK           MARK: slow, or "not slow"
set -u
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { echo "skipped: there is no python3 of 3.9 or newer"; exit 77; }
for package in numpy pytest; do
    "$python" -c "import $package" 2>/dev/null || { echo "skipped: $python has no $package"; exit 77; }
done
SGDC=$1 PYTHONPATH=$2/python/src PYTHONDONTWRITEBYTECODE=1 exec "$python" -m pytest -p no:cacheprovider -rs -m "$3" "$2/python/tests"
