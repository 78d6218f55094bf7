"""What the contenders in Python share; see peer.h. They differ in the framework, and in nothing else that is here.

    contender VARIANT THREADS steps TRACE LR         training steps; TRACE is what `sgdc --trace` wrote
    contender VARIANT THREADS contraction N M K      y = x w^T
    contender VARIANT THREADS convolution WHAT       3x3, 64 to 64 channels, 32x32, batch 32: WHAT is forward,
                                                     data_gradient or weight_gradient
    contender VARIANT THREADS pieces PIECE           256x256x256 by element, column, block, or whole
    contender VARIANT THREADS start WHAT             line or mnist: train, and end; import: only that
A contender that cannot do something exits with 3.
"""
import gzip, json, os, sys, time
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "pytorch"))
from tensors import read_safetensors

# The dense layers of each program, by their sgdc names; relu between them.
DENSE = {
    "softmax": ["soft.dense"],
    "perceptron": ["mlp.h.dense", "mlp.dense"],
    "perceptron_512": ["mlp.h.dense", "mlp.g.dense", "mlp.dense"],
    "perceptron_4096": ["mlp.h.dense", "mlp.g.dense", "mlp.dense"],
    "lenet": ["lenet.h1.dense", "lenet.h2.dense", "lenet.dense"],
    "residual": ["residual.dense"],
    "lstm": ["net.dense"],
    "batch_norm": ["net.dense"],
}
# The blocks of the residual network, with their strides.
BLOCKS = [(f"residual.s{stage}{index}.block", 2 if stage > 1 and not index else 1)
          for stage, blocks in enumerate((3, 4, 6, 3), 1) for index in ["", *(f"[{i}]" for i in range(blocks - 1))]]


def made(shape, first):
    i = np.arange(first, first + int(np.prod(shape)), dtype=np.uint64)
    pieces = ((i * 2654435761) & 0xffffffff) >> 16
    return ((pieces % 17).astype(np.float32) - 8).reshape(shape) / 8


def checksum(values):
    flat = np.asarray(values).ravel().astype(np.float64)
    return float((flat * (np.arange(flat.size) % 7 + 1)).sum())


class Trace:
    def __init__(self, path):
        tensors, meta = read_safetensors(path)
        self.program = meta["program"]
        self.cells = {name: tensors["cell." + name] for name in meta["parameters"].split()}
        self.columns = {n[5:]: t for n, t in tensors.items()
                        if n.startswith("data.") and n[5:] in ("images", "labels", "i", "x", "y")}
        counts = tensors["rows_of_step"].tolist()
        self.steps = np.split(tensors["rows"], np.cumsum(counts)[:-1])
        self.batch = counts[0]
        self.rows = len(next(iter(self.columns.values())))


def made_operands(what, numbers):
    """The operands of a contraction or a convolution, as everyone has them."""
    if what == "contraction":
        n, m, k = numbers
        return made((n, k), 0), made((m, k), 1 << 30)
    image = (32, 64, 32, 32)
    return made(image, 0), made((64, 64, 3, 3), 1 << 30), made(image, 1 << 29)


def mnist():
    """The images and labels in SGDC_DATA, as bytes."""
    folder = os.environ["SGDC_DATA"].split(":")[0]
    with gzip.open(os.path.join(folder, "t10k-images-idx3-ubyte.gz")) as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(os.path.join(folder, "t10k-labels-idx1-ubyte.gz")) as file:
        return images, np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int32)


# On a machine that does other things too, with one thread.
clock = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter


def serve(version, check, work, units=1):
    """`work` does `units` units and comes back when they are done."""
    print(json.dumps({"version": version, "check": check}), flush=True)
    work()
    times = 1
    while True:
        start = clock()
        for _ in range(times):
            work()
        if clock() - start > 0.1:
            break
        times *= 2
    for _ in sys.stdin:
        start = clock()
        for _ in range(times):
            work()
        print((clock() - start) / (times * units), flush=True)


def main(steps, contraction, pieces, convolution, start):
    """Each gets the variant and its own arguments."""
    variant, what, arguments = sys.argv[1], sys.argv[3], sys.argv[4:]
    if what == "steps":
        steps(variant, Trace(arguments[0]), float(arguments[1]))
    elif what == "contraction":
        contraction(variant, *made_operands(what, [int(a) for a in arguments]))
    elif what == "pieces":
        pieces(variant, arguments[0], *made_operands("contraction", [256, 256, 256]))
    elif what == "convolution":
        convolution(variant, arguments[0], *made_operands(what, []))
    elif arguments[0] != "import":
        start(variant, arguments[0])


def threads():
    return int(sys.argv[2])
