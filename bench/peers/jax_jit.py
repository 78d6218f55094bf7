"""JAX: one jit per step, or one over an epoch of steps (scan). Called as peer.py says."""
import sys
from functools import partial
import numpy as np
import jax
import jax.numpy as jnp
import peer

VERSION = "JAX " + jax.__version__


def residual(w, x):
    """Channels innermost, as XLA likes them."""
    def convolve(x, name, stride=1):
        f = w[name + ".convolution.f"]
        pad = f.shape[-1] // 2
        y = jax.lax.conv_general_dilated(x, f.transpose(2, 3, 1, 0), (stride, stride), [(pad, pad)] * 2,
                                         dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return y * w[name + ".convolution.g"] + w[name + ".convolution.s"]

    x = jax.nn.relu(convolve(x.transpose(0, 2, 3, 1), "residual.stem"))
    for name, stride in peer.BLOCKS:
        y = jax.nn.relu(convolve(jax.nn.relu(convolve(x, name + ".a")), name + ".b", stride))
        short = convolve(x, name + ".short", stride) if name + ".short.convolution.f" in w else x
        x = jax.nn.relu(short + convolve(y, name))
    return x.mean((1, 2))


def lstm(w, x):
    """What the last element leaves."""
    def element(state, z):
        h, c = state
        i, f, g, o = jnp.split(z + h @ w["net.lstm.u"].T + w["net.lstm.c"], 4, 1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    start = jnp.zeros((len(x), w["net.lstm.u"].shape[1]))
    z = x @ w["net.lstm.w"].T + w["net.lstm.b"]
    return jax.lax.scan(element, (start, start), z.transpose(1, 0, 2))[0][0]


def batch_norm(w, x):
    """Channels innermost."""
    x = x.transpose(0, 2, 3, 1)
    for name, stride in (("net.a", 1), ("net.b", 1), ("net.c", 2)):
        x = jax.lax.conv_general_dilated(x, w[name + ".conv2d.f"].transpose(2, 3, 1, 0), (stride, stride), [(1, 1)] * 2,
                                         dimension_numbers=("NHWC", "HWIO", "NHWC")) + w[name + ".conv2d.b"]
        c = x - x.mean((0, 1, 2))
        scale = w[name + ".batch_norm.g"] / jnp.sqrt((c * c).mean((0, 1, 2)) + 1e-5)
        x = jax.nn.relu(c * scale + w[name + ".batch_norm.b"])
    return x.mean((1, 2))


def sparse(w, b):
    z = (w["logistic.w"][b["i"]] * b["x"]).sum(1) + w["logistic.b"]
    return jnp.mean(jax.nn.softplus(z) - b["y"] * z)


def gpt(w, b):
    def dense(x, name):
        return x @ w[name + ".dense.w"].T + w[name + ".dense.b"]

    def norm(x, name):
        c = x - x.mean(-1, keepdims=True)
        return w[name + ".g"] * c / jnp.sqrt((c * c).mean(-1, keepdims=True) + 1e-5) + w[name + ".b"]

    def attention(x, name):
        rows, t, d = x.shape
        q, k, v = (dense(x, f"{name}.{part}").reshape(rows, t, 4, d // 4) for part in "qrv")
        s = jnp.where(jnp.tri(t, dtype=bool), jnp.einsum("biae,bjae->baij", q, k) / (d // 4) ** 0.5, -jnp.inf)
        return dense(jnp.einsum("baij,bjae->biae", jax.nn.softmax(s), v).reshape(rows, t, d), name)

    h = w["gpt.e"][b["x"]] + w["gpt.p"]
    for k in range(4):
        of_h, of_g = f"gpt.h[{k}]", f"gpt.g[{k}]"
        h = h + attention(norm(h, of_h + ".layer_norm"), of_h + ".attention")
        h = h + dense(jax.nn.gelu(dense(norm(h, of_g + ".layer_norm"), of_g), approximate=False), of_h)
    z = norm(h, "gpt.layer_norm") @ w["gpt.e"].T
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), b["y"][..., None], 2))


LAYERS = {"residual": residual, "lstm": lstm, "batch_norm": batch_norm}


def loss_of(program):
    def linear_regression(w, b):
        return jnp.mean((b["x"] @ w["linreg.w"] + w["linreg.b"] - b["y"]) ** 2) / 2

    def convolve(x, f, b, pad):
        y = jax.lax.conv_general_dilated(x, f, (1, 1), [(pad, pad)] * 2, dimension_numbers=("NCHW", "OIHW", "NCHW"))
        y = jax.nn.relu(y + b[:, None, None])
        return jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def classes(w, b):
        x = b["images"].astype(jnp.float32) / 255 if "images" in b else b["x"]
        if program == "lenet":
            x = convolve(x.reshape(-1, 1, 28, 28), w["lenet.c1.conv2d.f"], w["lenet.c1.conv2d.b"], 2)
            x = convolve(x, w["lenet.c2.conv2d.f"], w["lenet.c2.conv2d.b"], 0)
            x = x.reshape(len(x), -1)
        if program in LAYERS:
            x = LAYERS[program](w, x)
        *hidden, last = peer.DENSE[program]
        for name in hidden:
            x = jax.nn.relu(x @ w[name + ".w"].T + w[name + ".b"])
        z = x @ w[last + ".w"].T + w[last + ".b"]
        y = b["labels" if "labels" in b else "y"]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))

    return {"airfoil": linear_regression, "gpt": gpt, "sparse": sparse}.get(program, classes)


def step_of(program, lr):
    """Gather, forward, backward, update."""
    loss = loss_of(program)

    def step(w, columns, rows):
        value, gradient = jax.value_and_grad(loss)(w, {n: c[rows] for n, c in columns.items()})
        return {n: w[n] - lr * gradient[n] for n in w}, value

    return step


def epoch_of(variant, program, lr, rows, batch):
    """A function of (parameters, columns, generator) that takes every full mini-batch of a new order."""
    step, count = step_of(program, lr), rows // batch
    one = jax.jit(step, donate_argnums=0)

    def steps(w, columns, generator):
        order = generator.permutation(rows).astype(np.int32)
        for first in range(0, count * batch, batch):
            w, value = one(w, columns, order[first:first + batch])
        return w, value

    @partial(jax.jit, donate_argnums=0)
    def scanned(w, columns, key):
        order = jax.random.permutation(key, rows)[:count * batch].reshape(count, batch)
        w, values = jax.lax.scan(lambda w, chosen: step(w, columns, chosen), w, order)
        return w, values[-1]

    def scan(w, columns, generator):
        return scanned(w, columns, jax.random.key(generator.integers(1 << 31)))

    return scan if variant == "scan" else steps


def steps(variant, trace, lr):
    w = {n: jnp.asarray(c) for n, c in trace.cells.items()}
    columns = {n: jnp.asarray(c) for n, c in trace.columns.items()}
    step, check = jax.jit(step_of(trace.program, lr)), []
    for rows in trace.steps:
        w, value = step(w, columns, rows)
        check.append(float(value))
    epoch, generator = epoch_of(variant, trace.program, lr, trace.rows, trace.batch), np.random.default_rng(0)

    def work():
        nonlocal w
        w, value = epoch(w, columns, generator)
        value.block_until_ready()

    peer.serve(VERSION, check, work, trace.rows // trace.batch)


def contraction(variant, x, w):
    if variant == "scan":
        sys.exit(3)
    x, w = jnp.asarray(x), jnp.asarray(w)
    multiply = jax.jit(lambda x, w: x @ w.T)
    work = lambda: multiply(x, w).block_until_ready()
    peer.serve(VERSION, [peer.checksum(work())], work)


def pieces(variant, piece, x, w):
    sys.exit(3)


def convolution(variant, what, x, f, g):
    if variant == "scan":
        sys.exit(3)
    x, g = (jnp.asarray(t.transpose(0, 2, 3, 1)) for t in (x, g))          # channels innermost, as XLA likes them
    f = jnp.asarray(f.transpose(2, 3, 1, 0))

    def convolve(x, f):
        return jax.lax.conv_general_dilated(x, f, (1, 1), [(1, 1)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    whole = {"forward": convolve, "data_gradient": lambda x, f: jax.vjp(lambda v: convolve(v, f), x)[1](g)[0],
             "weight_gradient": lambda x, f: jax.vjp(lambda v: convolve(x, v), f)[1](g)[0]}[what]
    fast = jax.jit(whole)
    work = lambda: fast(x, f).block_until_ready()
    order = (3, 2, 0, 1) if what == "weight_gradient" else (0, 3, 1, 2)
    peer.serve(VERSION, [peer.checksum(np.asarray(work()).transpose(order))], work)


def start(variant, what):
    generator = np.random.default_rng(0)
    normal = lambda *shape: generator.standard_normal(shape).astype(np.float32)
    if what == "line":
        x = np.stack([generator.uniform(-1, 1, 100), np.ones(100)], 1).astype(np.float32)
        columns = {"x": x, "y": x @ np.float32([3, 2]) + generator.uniform(0, 1, 100).astype(np.float32)}
        w = {"linreg.w": np.float32([-1, 1]), "linreg.b": np.float32(0)}
        program, lr, batch, epochs = "airfoil", 0.2, 100, 100
    else:
        images, labels = peer.mnist()
        columns = {"images": images, "labels": labels}
        w = {"mlp.h.dense.w": normal(128, 784) * 0.05, "mlp.h.dense.b": np.zeros(128, np.float32),
             "mlp.dense.w": normal(10, 128) * 0.125, "mlp.dense.b": np.zeros(10, np.float32)}
        program, lr, batch, epochs = "perceptron", 0.1, 64, 1
    w, columns = ({n: jnp.asarray(v) for n, v in part.items()} for part in (w, columns))
    epoch = epoch_of(variant, program, lr, len(columns[next(iter(columns))]), batch)
    for _ in range(epochs):
        w, value = epoch(w, columns, generator)
    print(float(value))


peer.main(steps, contraction, pieces, convolution, start)
