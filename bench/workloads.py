"""What is measured: the rows of the tables, with the work that the mathematics asks for."""
from collections import namedtuple

# flops: of one unit (a step, a contraction), 2 for a multiply-add; 0 where it says nothing.
# traffic: pairs of bytes that a unit has to move at least, and the bytes of what it comes back to unit after unit,
# which decide the cache that they come from. Each operand and parameter is read once, each result written once.
# threads: of every contender; with more than one, sgdc on one thread is a contender too.
Workload = namedtuple("Workload", "name kind arguments flops traffic threads", defaults=(1,))


def through(size):
    return [(size, size)]


def steps(name, program, run, lr, epochs, flops, rows, row_bytes, batch, parameters, *settings):
    """Training steps; arguments are program, run, learning rate, epochs in one fit, and further settings."""
    return Workload(name, "steps", (program, run, lr, epochs, *settings), flops,
                    [(batch * row_bytes, rows * row_bytes), (8 * parameters, 4 * parameters)])


def regression(name, run, lr, batch):
    """airfoil: 5 features; a product for each in the prediction, the gradient and the update."""
    return steps(f"airfoil, {name}", "examples/airfoil.sgd", run, lr, 400, batch * (2 * 5 + 2 + 2 * 6) + 2 * 6, 1500,
                 24, batch, 6)


def layers(name, program, lr, epochs, rows, row_bytes, batch, *widths):
    """A perceptron: forward, weight gradients, and data gradients of all layers but the first."""
    pairs = [n * m for n, m in zip(widths, widths[1:])]
    return steps(f"{name} {'-'.join(map(str, widths))}, batch {batch}", f"bench/steps/{program}.sgd", "fit", lr, epochs,
                 2 * batch * (3 * sum(pairs) - pairs[0]), rows, row_bytes, batch, sum(pairs) + sum(widths[1:]))


def contraction(n, m, k):
    return Workload(f"contraction {n}x{m}x{k}", "contraction", (n, m, k), 2 * n * m * k,
                    through(4 * (n * k + m * k + n * m)))


def convolution(what):
    image, filters = 32 * 64 * 32 * 32, 64 * 64 * 9
    return Workload("convolution 3x3, " + what.replace("_", " "), "convolution", (what,), 2 * 32 * 1024 * filters,
                    through(4 * (2 * image + filters)))


def residual(batch):
    """bench/steps/residual.sgd; the stem has no data gradient."""
    width, side, channels = 16, 32, 16
    products, parameters = side * side * 3 * width * 9, 27 * width + 2 * width
    stem = products
    for stage, blocks in enumerate((3, 4, 6, 3)):
        middle, out = width << stage, 4 * width << stage
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            filters = [(channels * middle, side)]
            if not block:
                filters.append((channels * out, side // stride))
            side //= stride
            filters += [(9 * middle * middle, side), (middle * out, side)]
            products += sum(count * at * at for count, at in filters)
            parameters += sum(count for count, _ in filters) + 2 * (2 * middle + out) + (0 if block else 2 * out)
            channels = out
    return steps(f"residual network of 50 layers, batch {batch}", "bench/steps/residual.sgd", "fit", 0.02, 1,
                 2 * batch * (3 * (products + 3 * channels) - stem), 256, 3 * 32 * 32 * 4, batch,
                 parameters + 3 * channels + 3)


def gpt():
    """bench/steps/gpt.sgd: of each place 12 d^2 products in the dense layers of a block and 2 t d in its attention."""
    layers, d, t, vocab, batch = 4, 128, 64, 65, 12
    products = layers * (12 * d * d + 2 * t * d) + d * vocab
    return steps(f"char-GPT {layers} x {d}, {t} places, batch {batch}", "bench/steps/gpt.sgd", "fit", 0.1, 1,
                 2 * batch * t * 3 * products, 96, 2 * 4 * t, batch,
                 layers * (12 * d * d + 13 * d) + 2 * d + (vocab + t) * d)


def lstm(width):
    """bench/steps/lstm.sgd: the gates see the element, which has no gradient, and what is kept."""
    return steps(f"LSTM 64 x 100 x {width}", "bench/steps/lstm.sgd", "fit", 0.1, 1,
                 2 * 64 * 100 * (2 * 4 * width * width + 3 * 4 * width * width), 256, 4 * 100 * width, 64,
                 8 * width * (width + 1) + 10 * width + 10, f"width={width}")


def batch_norm():
    """bench/steps/batch_norm.sgd; the first convolution has no data gradient, and norms are left out."""
    filters = [(3 * 32 * 9, 1024), (32 * 32 * 9, 1024), (32 * 64 * 9, 256)]
    products = sum(count * places for count, places in filters)
    return steps("convolutions with batch norm, batch 32", "bench/steps/batch_norm.sgd", "fit", 0.05, 1,
                 2 * 32 * (3 * (products + 640) - filters[0][0] * 1024), 256, 4 * 3 * 1024, 32,
                 sum(count for count, _ in filters) + 3 * 128 + 650)


def sparse():
    """bench/steps/sparse.sgd: of a row 32 weights are read, and written."""
    return Workload("sparse logistic regression, 32 of 100,000, batch 64", "steps",
                    ("bench/steps/sparse.sgd", "fit", 0.5, 1), 64 * 32 * 2 * 3,
                    [(64 * 32 * 8, 20000 * 32 * 8), (2 * 64 * 32 * 4, 400000)])


def in_c(workload):
    """The C that sgdc writes, beside sgdc's object."""
    return workload._replace(name=workload.name + ", as C", kind="steps in C")


def two_threads(workload):
    return workload._replace(name=workload.name + ", two threads", threads=2)


LENET_FLOPS = 2 * 64 * (2 * 784 * 6 * 25 + 3 * (100 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10))
LENET = steps("LeNet 28x28, batch 64", "bench/steps/lenet.sgd", "fit", 0.05, 1, LENET_FLOPS, 10000, 784, 64, 61706)
RESIDUAL = residual(16)
SOFTMAX = layers("softmax regression", "softmax", 0.1, 2, 10000, 784, 64, 784, 10)
PERCEPTRON = layers("perceptron", "perceptron", 0.1, 1, 10000, 784, 64, 784, 128, 10)
WIDE = layers("perceptron", "perceptron_512", 0.1, 1, 10000, 784, 128, 784, 512, 512, 10)
WIDEST = layers("perceptron", "perceptron_4096", 0.01, 1, 512, 4 * 4096, 256, 4096, 4096, 4096, 10)
# A convolution and its weight gradient, as one step: predict, which measures them apart, has no threads.
CONVOLUTION_STEP = Workload("convolution 3x3, forward and weight gradient", "convolution step", (),
                            2 * convolution("forward").flops, 2 * convolution("forward").traffic)
CONVOLUTIONS = [convolution(what) for what in ("forward", "data_gradient", "weight_gradient")]
WORKLOADS = [
    regression("batch 1", "sgd1", 0.005, 1),
    regression("batch 10", "mini10", 0.05, 10),
    regression("batch 100", "mini100", 0.4, 100),
    regression("all 1,500", "gd", 0.9, 1500),
    SOFTMAX,
    PERCEPTRON,
    WIDE,
    WIDEST,
    LENET,
    RESIDUAL,
    gpt(),
    *map(lstm, (32, 64, 128)),
    batch_norm(),
    sparse(),
    contraction(32, 32, 32),
    contraction(256, 256, 256),
    contraction(1024, 1024, 1024),
    contraction(64, 128, 784),
    contraction(128, 512, 784),
    contraction(256, 4096, 4096),
    *CONVOLUTIONS,
    *map(two_threads, (WIDE, WIDEST, LENET, RESIDUAL, CONVOLUTION_STEP)),
    *map(in_c, (SOFTMAX, PERCEPTRON, WIDE, LENET)),
    Workload("32 learning rates of the airfoil, batch 10", "sweep", (32, "bench/sweeps/airfoil.sgd", "fit lr=0.001"), 0, 0),
    Workload("32 seeds of a network 5-8-1 on the airfoil, batch 10", "sweep", (32, "bench/sweeps/seeds.sgd", "fit seed=1"), 0, 0),
    Workload("10 folds of the airfoil, batch 10", "sweep", (10, "bench/sweeps/folds.sgd", "fit fold=1"), 0, 0),
    Workload("32 learning rates of the perceptron 784-128-10", "sweep", (32, "bench/sweeps/perceptron.sgd", "fit lr=0.001"),
             0, 0),
    Workload("process start to line trained", "start", ("line", "examples/line.sgd"), 0, 0),
    Workload("process start to perceptron trained, 1 epoch", "start", ("mnist", "bench/steps/perceptron.sgd"), 0, 0),
]
# The contraction in pieces, as text books show what a call costs: so much of the result at a time.
PIECES = (256, 256, 256), ("element", "column", "block", "whole")
# Kernels of limits/ for what no row above does alone: name, program, arguments, flops, bytes that are moved.
NORM_VALUES, GATES = 32 * 32 * 1024, 64 * 128
KERNELS = [("batch norm, statistics of 32 x 32 x 32x32", "batch_norm", ("statistics",), 3 * NORM_VALUES, 4 * NORM_VALUES),
           ("batch norm, apply", "batch_norm", ("apply",), 2 * NORM_VALUES, 8 * NORM_VALUES),
           ("LSTM gates 64 x 128", "lstm_gates", (), 0, 4 * 7 * GATES),
           *((f"{name} {rows}x{outputs}x{inputs}", "contraction", (name.replace(" ", "_"), rows, outputs, inputs),
              2 * rows * outputs * inputs, 4 * (rows * outputs + rows * inputs + outputs * inputs))
             for name in ("weight gradient", "data gradient")
             for rows, outputs, inputs in ((64, 128, 784), (128, 512, 784), (256, 4096, 4096)))]
# The bytes that reading is measured on: what the first and the second cache hold, what the last may, what none does.
SIZES = [24 << 10, 1 << 20, 16 << 20, 256 << 20]
# Programs whose compilation is measured; the line is also trained, in "process start" above.
COMPILED = ["examples/line.sgd", "examples/airfoil.sgd", "bench/steps/perceptron.sgd", "examples/lenet.sgd",
            "bench/steps/residual.sgd"]
# Files of csv with ten columns: name, what stands in them, the type they are read as, rows.
READING = [("six decimals, f32", "decimals", "f32", 1000000), ("all digits of an f64", "digits", "f64", 500000),
           ("integers 0 to 255, f32", "integers", "f32", 1000000)]
