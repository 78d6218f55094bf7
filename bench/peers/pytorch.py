"""PyTorch, eager or through torch.compile. Called as peer.py says."""
import sys
import numpy as np
import torch
import torch.nn.functional as F
import peer

VERSION = "PyTorch " + torch.__version__


def dense(w, name, x):
    return F.linear(x, w[name + ".w"], w[name + ".b"])


def residual(w, x):
    """Channels innermost, as oneDNN likes them."""
    def convolve(x, name, stride=1):
        f = w[name + ".convolution.f"]
        y = F.conv2d(x, f, None, stride, f.shape[-1] // 2)
        return y * w[name + ".convolution.g"][:, None, None] + w[name + ".convolution.s"][:, None, None]

    x = F.relu(convolve(x.contiguous(memory_format=torch.channels_last), "residual.stem"))
    for name, stride in peer.BLOCKS:
        y = F.relu(convolve(F.relu(convolve(x, name + ".a")), name + ".b", stride))
        short = convolve(x, name + ".short", stride) if name + ".short.convolution.f" in w else x
        x = F.relu(short + convolve(y, name))
    return x.mean((2, 3))


def lstm(w, x):
    """What the last element leaves."""
    start = x.new_zeros(1, len(x), w["net.lstm.u"].shape[1])
    return torch.lstm(x, (start, start), [w["net.lstm." + n] for n in "wubc"], True, 1, 0.0, True, False, True)[1][0]


def batch_norm(w, x, seen={}):
    """seen: by layer, the running mean and variance, which a step updates as well."""
    x = x.contiguous(memory_format=torch.channels_last)
    for name, stride in (("net.a", 1), ("net.b", 1), ("net.c", 2)):
        g, norm = w[name + ".batch_norm.g"], name + ".batch_norm"
        if name not in seen:
            seen[name] = torch.zeros_like(g), torch.ones_like(g)
        x = F.conv2d(x, w[name + ".conv2d.f"], w[name + ".conv2d.b"], stride, 1)
        x = F.relu(F.batch_norm(x, *seen[name], g, w[norm + ".b"], True, 0.1, 1e-5))
    return x.mean((2, 3))


def sparse(w, b):
    """A gradient that is a sparse tensor, of F.embedding(..., sparse=True), took 1.1 times as long."""
    z = (w["logistic.w"][b["i"]] * b["x"]).sum(1) + w["logistic.b"]
    return F.binary_cross_entropy_with_logits(z, b["y"])


def gpt(w, b):
    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], w[name + ".g"], w[name + ".b"])

    def attention(x, name):
        rows, t, d = x.shape
        q, k, v = (dense(w, f"{name}.{part}.dense", x).reshape(rows, t, 4, d // 4).transpose(1, 2) for part in "qrv")
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return dense(w, name + ".dense", o.transpose(1, 2).reshape(rows, t, d))

    h = w["gpt.e"][b["x"]] + w["gpt.p"]
    for k in range(4):
        of_h, of_g = f"gpt.h[{k}]", f"gpt.g[{k}]"
        h = h + attention(norm(h, of_h + ".layer_norm"), of_h + ".attention")
        h = h + dense(w, of_h + ".dense", F.gelu(dense(w, of_g + ".dense", norm(h, of_g + ".layer_norm"))))
    z = norm(h, "gpt.layer_norm") @ w["gpt.e"].T
    return F.cross_entropy(z.flatten(0, 1), b["y"].flatten())


LAYERS = {"residual": residual, "lstm": lstm, "batch_norm": batch_norm}


def loss_of(program):
    def linear_regression(w, b):
        return ((b["x"] @ w["linreg.w"] + w["linreg.b"] - b["y"]) ** 2).mean() / 2

    def classes(w, b):
        x = b["images"].float() / 255 if "images" in b else b["x"]
        if program == "lenet":
            x = x.reshape(-1, 1, 28, 28)
            x = F.relu(F.conv2d(x, w["lenet.c1.conv2d.f"], w["lenet.c1.conv2d.b"], padding=2))
            x = F.relu(F.conv2d(F.max_pool2d(x, 2), w["lenet.c2.conv2d.f"], w["lenet.c2.conv2d.b"]))
            x = F.max_pool2d(x, 2).flatten(1)
        if program in LAYERS:
            x = LAYERS[program](w, x)
        *hidden, last = peer.DENSE[program]
        for name in hidden:
            x = F.relu(dense(w, name, x))
        return F.cross_entropy(dense(w, last, x), b["labels" if "labels" in b else "y"])

    return {"airfoil": linear_regression, "gpt": gpt, "sparse": sparse}.get(program, classes)


def step_of(variant, program, lr):
    """Gather, forward, backward, update in place."""
    loss = loss_of(program)
    if variant == "compile" and program == "batch_norm":
        sys.exit(3)                 # running statistics are written in place, which torch.func.grad refuses

    def eager(w, columns, rows):
        value = loss(w, {n: c[rows] for n, c in columns.items()})
        parameters = list(w.values())
        gradients = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-lr)
        return value

    @torch.no_grad()
    def whole(w, columns, rows):
        gradients, value = torch.func.grad_and_value(loss)(w, {n: c[rows] for n, c in columns.items()})
        for n in w:
            w[n].sub_(gradients[n], alpha=lr)
        return value

    return eager if variant == "eager" else torch.compile(whole)


def tensor(array):
    value = torch.tensor(array)
    return value.long() if value.dtype == torch.int32 else value


def steps(variant, trace, lr):
    w = {n: torch.tensor(c).requires_grad_(variant == "eager") for n, c in trace.cells.items()}
    columns = {n: tensor(c) for n, c in trace.columns.items()}
    step = step_of(variant, trace.program, lr)
    check = [step(w, columns, torch.tensor(rows.astype(np.int64))).item() for rows in trace.steps]

    def epoch():
        order = torch.randperm(trace.rows)
        for first in range(0, trace.rows - trace.batch + 1, trace.batch):
            step(w, columns, order[first:first + trace.batch])

    peer.serve(VERSION, check, epoch, trace.rows // trace.batch)


def contraction(variant, x, w):
    x, w = torch.tensor(x), torch.tensor(w)
    work = {"eager": lambda: F.linear(x, w)}.get(variant) or sys.exit(3)
    peer.serve(VERSION, [peer.checksum(work())], work)


def pieces(variant, piece, x, w):
    if variant != "eager":
        sys.exit(3)
    x, w, y = torch.tensor(x), torch.tensor(w), torch.zeros(256, 256)
    part = torch.zeros(256, 64)

    def work():
        if piece == "element":
            for i in range(256):
                for j in range(256):
                    y[i, j] = torch.dot(x[i], w[j])
        elif piece == "column":
            for j in range(256):
                y[:, j] = torch.mv(x, w[j])
        elif piece == "block":
            for j in range(0, 256, 64):
                torch.mm(x, w[j:j + 64].T, out=part)
                y[:, j:j + 64] = part
        else:
            torch.mm(x, w.T, out=y)

    work()
    peer.serve(VERSION, [peer.checksum(y)], work)


def convolution(variant, what, x, f, g):
    if variant != "eager":
        sys.exit(3)
    x, f, g = (torch.tensor(t).contiguous(memory_format=torch.channels_last) for t in (x, f, g))

    def backward(data):
        both = torch.ops.aten.convolution_backward(g, x, f, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1,
                                                   [data, not data, False])
        return both[0 if data else 1]

    work = {"forward": lambda: F.conv2d(x, f, padding=1), "data_gradient": lambda: backward(True),
            "weight_gradient": lambda: backward(False)}[what]
    peer.serve(VERSION, [peer.checksum(work().contiguous())], work)


def start(variant, what):
    if what == "line":
        x = torch.stack([torch.rand(100) * 2 - 1, torch.ones(100)], 1)
        columns = {"x": x, "y": x @ torch.tensor([3.0, 2.0]) + torch.rand(100)}
        w = {"linreg.w": torch.tensor([-1.0, 1.0], requires_grad=variant == "eager"),
             "linreg.b": torch.zeros((), requires_grad=variant == "eager")}
        program, lr, batch, epochs = "airfoil", 0.2, 100, 100
    else:
        images, labels = peer.mnist()
        columns = {"images": torch.tensor(images), "labels": tensor(labels)}
        w = {name + ".w": torch.randn(m, n) * (2 / n) ** 0.5 for name, m, n in
             (("mlp.h.dense", 128, 784), ("mlp.dense", 10, 128))}
        w.update({"mlp.h.dense.b": torch.zeros(128), "mlp.dense.b": torch.zeros(10)})
        w = {n: t.requires_grad_(variant == "eager") for n, t in w.items()}
        program, lr, batch, epochs = "perceptron", 0.1, 64, 1
    step, rows = step_of(variant, program, lr), len(next(iter(columns.values())))
    for _ in range(epochs):
        order = torch.randperm(rows)
        for first in range(0, rows - batch + 1, batch):
            value = step(w, columns, order[first:first + batch])
    print(value.item())


torch.set_num_threads(peer.threads())
peer.main(steps, contraction, pieces, convolution, start)
