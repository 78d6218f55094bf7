#!/usr/bin/env python3
"""Ten steps of every example, in sgdc and in PyTorch: same initial parameters, same rows in the same order.

    tests/pytorch/compare.py path/to/sgdc [example ...]

Prints the table of docs/pytorch.md. Needs PyTorch and numpy; nothing else in the project does. `sgdc --trace` writes
what a run starts from (columns of the data, cells) and the rows and the loss of its first ten steps; here the same
steps are taken by autograd and torch's own losses, and plain code for the updates where torch has none.
"""
import json, math, os, struct, subprocess, sys, tempfile
import numpy as np
import torch
import torch.nn.functional as F

TYPES = {"F32": np.float32, "F64": np.float64, "I32": np.int32, "U8": np.uint8, "BOOL": np.bool_, "U32": np.uint32}


def read_safetensors(path):
    raw = open(path, "rb").read()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + length])
    meta = header.pop("__metadata__", {})
    body = raw[8 + length:]
    return {name: np.frombuffer(body[h["data_offsets"][0]:h["data_offsets"][1]], TYPES[h["dtype"]]).reshape(h["shape"])
            for name, h in header.items()}, meta


# ---- models: parameters by their sgdc names, one mini-batch of columns -> per-example losses (their mean is minimised)
def half_squared(p, y):
    return (p - y) ** 2 / 2


def linreg(w, b):
    return half_squared(b["x"] @ w["linreg.w"] + w["linreg.b"], b["y"])


def line(w, b):
    return (b["x"] @ w["line.a"] - b["y"]) ** 2


def scalar_line(w, b):
    return half_squared(w["line.a"] * b["x"] + w["line.b"], b["y"])


def dense(w, name, x):
    return x @ w[name + ".w"].T + w[name + ".b"]


def pixels(b):
    return b["images"].float().reshape(len(b["images"]), -1) / 255


def seven(w, b):
    p = torch.sigmoid(b["images"].float().reshape(-1, 784) / 255 @ w["seven.w"] + w["seven.b"])
    return torch.where(b["labels"] == 1, 1 - p, p)


def cross_entropy(z, labels):
    return F.cross_entropy(z, labels.long(), reduction="none")


def soft(w, b):
    return cross_entropy(dense(w, "soft.dense", pixels(b)), b["labels"])


def perceptron(w, b):
    return cross_entropy(dense(w, "mlp.dense", F.relu(dense(w, "mlp.h.dense", pixels(b)))), b["labels"])


def lenet(w, b):
    def conv(name, x, **how):
        return F.conv2d(x, w[name + ".f"], w[name + ".b"], **how)
    x = b["images"].float().reshape(-1, 1, 28, 28) / 255
    c1 = F.max_pool2d(F.relu(conv("lenet.c1.conv2d", x, padding=2)), 2)
    c2 = F.max_pool2d(F.relu(conv("lenet.c2.conv2d", c1)), 2)
    h1 = F.relu(dense(w, "lenet.h1.dense", c2.flatten(1)))
    h2 = F.relu(dense(w, "lenet.h2.dense", h1))
    return cross_entropy(dense(w, "lenet.dense", h2), b["labels"])


def poly(w, b):
    powers = torch.stack([b["x"] ** k for k in range(len(w["poly.w"]))], 1)
    return half_squared(powers @ w["poly.w"], b["y"])


def tanh_net(w, x, name):
    return dense(w, name + ".dense", torch.tanh(dense(w, name + ".h.dense", x[:, None])))[:, 0]


def early(w, b):
    return half_squared(tanh_net(w, b["x"], "mlp"), b["y"])


def curve(w, b):
    return half_squared(tanh_net(w, b["x"], "curve"), b["y"])


def smooth_curve(w, b):
    x = b["x"].clone().requires_grad_(True)
    v = tanh_net(w, x, "curve")
    (slope,) = torch.autograd.grad(v.sum(), x, create_graph=True)
    return half_squared(v, b["y"]) + 0.002 * slope ** 2


def rings(w, b):
    h = (b["x"] @ w["net.h.gated.a"].T + w["net.h.gated.b"]) * torch.sigmoid(b["x"] @ w["net.h.gated.g"].T)
    for k in range(2):
        h = h + torch.tanh(dense(w, residual_name(w, k), h))
    return F.binary_cross_entropy_with_logits(dense(w, "net.dense", h)[:, 0], b["y"], reduction="none")


def residual_name(w, k):
    names = sorted(n[:-2] for n in w if "residual" in n and n.endswith(".w"))
    return names[k]


def features(w, b):
    return F.relu(dense(w, "features.dense", F.relu(dense(w, "features.h.dense", pixels(b)))))


def digit(w, b):
    return cross_entropy(dense(w, "digit.dense", features(w, b)), b["labels"])


def big(w, b):
    z = dense(w, "big.dense", features(w, b))[:, 0]
    return F.binary_cross_entropy_with_logits(z, (b["labels"] >= 5).float(), reduction="none")


# ---- optimizers: torch's own where it has one, given the learning rate of each step
def sgd(lr):
    return lambda params: torch.optim.SGD(params, lr=1.0), lr


def momentum(lr, beta=0.9):
    return lambda params: torch.optim.SGD(params, lr=1.0, momentum=beta), lr


def adam(lr):
    return lambda params: torch.optim.Adam(params, lr=1.0, eps=1e-8), lr


class Lion(torch.optim.Optimizer):
    def __init__(self, params):
        super().__init__(params, {"lr": 1.0})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p -= group["lr"] * torch.sign(0.9 * m + 0.1 * p.grad)
                m.mul_(0.99).add_(0.01 * p.grad)


def lion(lr):
    return Lion, lr


def always(value):
    return lambda step, epoch, progress: value


def l2_penalty(weight, name):
    return lambda w: weight * (w[name] ** 2).sum() / 2


# example, run (as in `--run=`), settings, loss, optimizer, penalty, trained prefixes
PROGRAMS = [
    ("line", "fit", {}, line, sgd(always(0.1))),
    ("too_fast", "slow", {}, line, sgd(always(0.001))),
    ("too_fast", "wild", {}, line, sgd(always(1.1))),
    ("airfoil", "gd", {}, linreg, sgd(always(1.0))),
    ("airfoil", "sgd1", {}, linreg, sgd(always(0.005))),
    ("airfoil", "mini100", {}, linreg, sgd(always(0.4))),
    ("airfoil", "mini10", {}, linreg, sgd(always(0.05))),
    ("sweep", "sweep", {"lr": "0.1", "batch": "64"}, linreg, sgd(always(0.1))),
    ("decay", "tenth", {}, linreg, sgd(lambda s, e, p: 0.05 * 0.1 ** e)),
    ("decay", "root", {}, linreg, sgd(lambda s, e, p: (s + 400) ** -0.5)),
    ("replacement", "with", {}, linreg, sgd(always(0.05))),
    ("replacement", "in_order", {}, linreg, sgd(always(0.05))),
    ("twice", "mini", {}, scalar_line, sgd(always(0.05))),
    ("threes_sevens", "fit", {}, seven, sgd(always(1.0))),
    ("mnist", "regression", {}, soft, sgd(always(0.1))),
    ("mnist", "perceptron", {}, perceptron, sgd(always(0.1))),
    ("lenet", "fit", {}, lenet, momentum(always(0.05))),
    ("overfit", "free", {"degree": "15"}, poly, momentum(always(0.05))),
    ("overfit", "calm", {"degree": "3"}, poly, momentum(always(0.05)), l2_penalty(0.01, "poly.w")),
    ("early_stop", "fit", {}, early, adam(always(0.01))),
    ("own_optimizer", "by_lion", {}, line, lion(lambda s, e, p: 0.1 * (1 + math.cos(math.pi * p)) / 2)),
    ("own_optimizer", "by_adam", {}, line, adam(always(0.1))),
    ("own_layer", "fit", {}, rings, adam(always(0.01))),
    ("gradient_penalty", "plain", {}, curve, adam(always(0.01))),
    ("gradient_penalty", "smooth", {}, smooth_curve, adam(always(0.01))),
    ("fine_tune", "pre", {}, digit, sgd(always(0.1))),
    ("fine_tune", "tune", {}, big, sgd(always(0.1)), None, ("big",)),
    ("fine_tune", "both", {}, big, {"big": sgd(always(0.1)), "features": sgd(always(0.001))}),
]


def take_steps(tensors, meta, loss, optimizer, penalty, trained):
    cells = {n[5:]: torch.tensor(v) for n, v in tensors.items() if n.startswith("cell.") and "@" not in n}
    columns = {n[5:]: torch.tensor(v) for n, v in tensors.items() if n.startswith("data.")}
    groups = optimizer if isinstance(optimizer, dict) else {"": optimizer}
    stepping = []
    for prefix, (make, rate) in groups.items():
        prefixes = trained if trained and not prefix else (prefix,)
        mine = [p for n, p in cells.items() if p.is_floating_point() and n.startswith(tuple(prefixes))]
        stepping.append((make([p.requires_grad_(True) for p in mine]), rate))
    counts = tensors["rows_of_step"]
    rows = tensors["rows"]
    planned, first, losses = int(meta["planned"]), 0, []
    for step, count in enumerate(counts):
        take = torch.tensor(rows[first:first + count].astype(np.int64))
        first += int(count)
        value = loss(cells, {n: c[take] for n, c in columns.items()}).mean()
        losses.append(value.item())
        objective = value + (penalty(cells) if penalty else 0)
        for optimiser, rate in stepping:
            optimiser.zero_grad()
        objective.backward()
        for optimiser, rate in stepping:
            optimiser.param_groups[0]["lr"] = rate(step, int(tensors["epoch_of_step"][step]), step / planned)
            optimiser.step()
    return losses


def main():
    sgdc, wanted = sys.argv[1], set(sys.argv[2:])
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    worst = 0
    print("| example | run | loss of step 1 | of step 10, sgdc | of step 10, PyTorch | largest relative difference |")
    print("|---|---|---|---|---|---|")
    for example, run, settings, loss, optimizer, *more in PROGRAMS:
        if wanted and example not in wanted:
            continue
        penalty, trained = (more + [None, None])[:2]
        with tempfile.TemporaryDirectory() as folder:
            trace = os.path.join(folder, "trace.safetensors")
            command = [sgdc, os.path.join(root, "examples", example + ".sgd"), "--run=" + run, "-q", "--trace=" + trace]
            for name, value in settings.items():
                command.append(f"--set={name}={value}")
            done = subprocess.run(command, capture_output=True, text=True, cwd=root)
            if not os.path.exists(trace):
                sys.exit(f"{example} {run}: {done.stderr}")
            tensors, meta = read_safetensors(trace)
        mine, theirs = tensors["loss_of_step"], take_steps(tensors, meta, loss, optimizer, penalty, trained)
        difference = max(abs(a - b) / max(abs(b), 1e-30) for a, b in zip(mine, theirs))
        worst = max(worst, difference)
        name = run + "".join(f" {k}={v}" for k, v in settings.items())
        print(f"| {example} | {name} | {mine[0]:.6g} | {mine[-1]:.6g} | {theirs[-1]:.6g} | {difference:.1e} |")
    print(f"\nPyTorch {torch.__version__}, f32 on one CPU thread; the largest difference is {worst:.1e}.")
    sys.exit(worst > 1e-5)


torch.set_num_threads(1)
main()
