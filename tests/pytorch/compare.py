#!/usr/bin/env python3
"""Ten steps of every run of every example, in sgdc and in PyTorch: same initial parameters, same rows, same order.

    tests/pytorch/compare.py path/to/sgdc [example ...]

Prints the table of docs/pytorch.md and exits with 1 if a difference is more than rounding. Needs PyTorch and numpy;
nothing else in the project does. What sgdc does comes from `sgdc --trace`; here the models are written again with
torch's own layers and losses, differentiated by autograd and stepped by torch.optim. Each is also run by PyTorch in
f64: how far its f32 losses are from those says how much of a difference rounding explains.
"""
import math, os, sys
import torch
import torch.nn.functional as F
from trace import largest_difference, take_steps, trace

MOST = 3e-6                       # relative; more than rounding explains in ten steps


# ---- models: parameters by their sgdc names and a mini-batch of columns -> losses of the rows; their mean is minimized
def half_squared(p, y):
    return (p - y) ** 2 / 2


def dense(w, name, x):
    return F.linear(x, w[name + ".w"], w[name + ".b"])


def pixels(w, b):
    dtype = next(iter(w.values())).dtype
    return (b["images"].to(dtype) / 255).flatten(1)


def cross_entropy(z, b):
    return F.cross_entropy(z, b["labels"].long(), reduction="none")


def line(w, b):
    return F.mse_loss(b["x"] @ w["line.a"], b["y"], reduction="none")


def linreg(w, b):
    return half_squared(b["x"] @ w["linreg.w"] + w["linreg.b"], b["y"])


def seven(w, b):
    p = torch.sigmoid(pixels(w, b) @ w["seven.w"] + w["seven.b"])
    return torch.where(b["labels"] == 1, 1 - p, p)


def softmax_regression(w, b):
    return cross_entropy(dense(w, "soft.dense", pixels(w, b)), b)


def perceptron(w, b):
    return cross_entropy(dense(w, "mlp.dense", F.relu(dense(w, "mlp.h.dense", pixels(w, b)))), b)


def lenet(w, b):
    x = pixels(w, b).reshape(-1, 1, 28, 28)
    c1 = F.conv2d(x, w["lenet.c1.conv2d.f"], w["lenet.c1.conv2d.b"], padding=2)
    c2 = F.conv2d(F.max_pool2d(F.relu(c1), 2), w["lenet.c2.conv2d.f"], w["lenet.c2.conv2d.b"])
    h1 = F.relu(dense(w, "lenet.h1.dense", F.max_pool2d(F.relu(c2), 2).flatten(1)))
    h2 = F.relu(dense(w, "lenet.h2.dense", h1))
    return cross_entropy(dense(w, "lenet.dense", h2), b)


def polynomial(w, b):
    powers = torch.stack([b["x"] ** k for k in range(len(w["poly.w"]))], 1)
    return half_squared(powers @ w["poly.w"], b["y"])


def small_curve(w, b):
    h = torch.tanh(dense(w, "mlp.h.dense", b["x"][:, None]))
    return half_squared(dense(w, "mlp.dense", h)[:, 0], b["y"])


def curve_value(w, x):
    h = torch.tanh(dense(w, "curve.h.dense", 4 * x[:, None]))
    return dense(w, "curve.dense", torch.tanh(dense(w, "curve.g.dense", h)))[:, 0]


def curve(w, b):
    return half_squared(curve_value(w, b["x"]), b["y"])


def smooth_curve(w, b):
    x = b["x"].clone().requires_grad_(True)
    v = curve_value(w, x)
    (slope,) = torch.autograd.grad(v.sum(), x, create_graph=True)
    return half_squared(v, b["y"]) + 0.001 * slope ** 2


def rings(w, b):
    h = dense({"a.w": w["net.h.gated.a"], "a.b": w["net.h.gated.b"]}, "a", b["x"])
    h = h * torch.sigmoid(b["x"] @ w["net.h.gated.g"].T)
    for k in range(2):
        h = h + torch.tanh(dense(w, f"net.h[{k}].residual.dense", h))
    return F.binary_cross_entropy_with_logits(dense(w, "net.dense", h)[:, 0], b["y"], reduction="none")


def features(w, b):
    return F.relu(dense(w, "features.dense", F.relu(dense(w, "features.h.dense", pixels(w, b)))))


def digit(w, b):
    return cross_entropy(dense(w, "digit.dense", features(w, b)), b)


def big(w, b):
    z = dense(w, "big.dense", features(w, b))[:, 0]
    return F.binary_cross_entropy_with_logits(z, (b["labels"] >= 5).to(z.dtype), reduction="none")


# ---- optimizers, each with the learning rate as a function of step, epoch and progress
def always(lr):
    return lambda step, epoch, progress: lr


def sgd(rate):
    return torch.optim.SGD, rate


def momentum(rate):
    return lambda parameters: torch.optim.SGD(parameters, momentum=0.9), rate


def adam(rate):
    return torch.optim.Adam, rate


class Lion(torch.optim.Optimizer):
    """torch.optim has none; the update of own_optimizer.sgd."""
    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 1.0})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p -= group["lr"] * torch.sign(0.9 * m + 0.1 * p.grad)
                m.mul_(0.99).add_(0.01 * p.grad)


def small_weights(w):
    return 0.001 * (w["poly.w"] ** 2).sum() / 2


# ---- the runs: example, block, the values of each, loss, optimizer (or one for each prefix), penalty
SWEPT = [("sweep", "sweep", {"lr": lr, "batch": batch}, linreg, sgd(always(lr)))
         for lr in (0.001, 0.01, 0.1) for batch in (8, 16, 32, 64, 128, 256)]
FITTED = [("overfit", block, {"degree": degree}, polynomial, momentum(always(0.05)), penalty)
          for block, penalty in (("free", None), ("calm", small_weights)) for degree in (1, 3, 15)]
RUNS = [
    ("line", "fit", {}, line, sgd(always(0.1))),
    ("too_fast", "fit", {}, line, sgd(always(0.1))),
    ("too_fast", "slow", {}, line, sgd(always(0.001))),
    ("too_fast", "wild", {}, line, sgd(always(1.1))),
    ("airfoil", "gd", {}, linreg, sgd(always(1.0))),
    ("airfoil", "sgd1", {}, linreg, sgd(always(0.005))),
    ("airfoil", "mini100", {}, linreg, sgd(always(0.4))),
    ("airfoil", "mini10", {}, linreg, sgd(always(0.05))),
    *SWEPT,
    ("decay", "steady", {}, linreg, sgd(always(0.05))),
    ("decay", "tenth", {}, linreg, sgd(lambda step, epoch, progress: 0.05 * 0.1 ** epoch)),
    ("decay", "root", {}, linreg, sgd(lambda step, epoch, progress: (step + 400) ** -0.5)),
    ("replacement", "without", {}, linreg, sgd(always(0.05))),
    ("replacement", "with", {}, linreg, sgd(always(0.05))),
    ("replacement", "in_order", {}, linreg, sgd(always(0.05))),
    ("twice", "gd", {}, linreg, sgd(always(0.5))),
    ("twice", "gd_twice", {}, linreg, sgd(always(0.5))),
    ("twice", "sgd1", {}, linreg, sgd(always(0.005))),
    ("twice", "sgd1_twice", {}, linreg, sgd(always(0.005))),
    ("twice", "mini", {}, linreg, sgd(always(0.05))),
    ("twice", "mini_twice", {}, linreg, sgd(always(0.05))),
    ("threes_sevens", "fit", {}, seven, sgd(always(1.0))),
    ("mnist", "regression", {}, softmax_regression, sgd(always(0.1))),
    ("mnist", "perceptron", {}, perceptron, sgd(always(0.1))),
    ("lenet", "fit", {}, lenet, momentum(always(0.05))),
    *FITTED,
    ("early_stop", "fit", {}, small_curve, adam(always(0.01))),
    ("own_optimizer", "fit", {}, line, sgd(always(0.1))),
    ("own_optimizer", "by_lion", {}, line,
     (Lion, lambda step, epoch, progress: 0.1 * (1 + math.cos(math.pi * progress)) / 2)),
    ("own_optimizer", "by_adam", {}, line, adam(always(0.1))),
    ("own_layer", "fit", {}, rings, adam(always(0.01))),
    ("gradient_penalty", "plain", {}, curve, adam(always(0.003))),
    ("gradient_penalty", "smooth", {}, smooth_curve, adam(always(0.003))),
    ("fine_tune", "pre", {}, digit, sgd(always(0.1))),
    ("fine_tune", "tune", {}, big, {"big": sgd(always(0.1))}),
    ("fine_tune", "both", {}, big, {"big": sgd(always(0.1)), "features": sgd(always(0.001))}),
]


def compare(sgdc, folder, example, block, settings, loss, optimizer, penalty=None):
    """One row of the table; the largest difference."""
    options = ["--run=" + block] + [f"--set={name}={value}" for name, value in settings.items()]
    tensors, meta = trace(sgdc, os.path.join(folder, example + ".sgd"), *options)
    optimizers = optimizer if isinstance(optimizer, dict) else {"": optimizer}
    ours = tensors["loss_of_step"].tolist()
    theirs, _ = take_steps(tensors, meta, loss, optimizers, penalty)
    exact, _ = take_steps(tensors, meta, loss, optimizers, penalty, torch.float64)
    difference = largest_difference(ours, theirs)
    name = " ".join([block] + [f"{name}={value}" for name, value in settings.items()])
    print(f"| {example} | {name} | {len(ours)} | {ours[0]:.7g} | {ours[-1]:.7g} | {theirs[-1]:.7g} | {difference:.1e} "
          f"| {largest_difference(ours, exact):.1e} | {largest_difference(theirs, exact):.1e} |", flush=True)
    return difference


def main():
    sgdc, wanted = os.path.abspath(sys.argv[1]), set(sys.argv[2:])
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
    known = {name[:-4] for name in os.listdir(folder) if name.endswith(".sgd")}
    if missing := known - {run[0] for run in RUNS}:
        sys.exit("not compared: " + ", ".join(sorted(missing)))
    torch.set_num_threads(1)
    print("| example | run | steps | loss, first | last, sgdc | last, PyTorch | difference | sgdc to f64 "
          "| PyTorch to f64 |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    worst = max(compare(sgdc, folder, *run) for run in RUNS if not wanted or run[0] in wanted)
    print(f"\nPyTorch {torch.__version__}; the largest difference is {worst:.1e}.")
    sys.exit(not worst <= MOST)


main()
