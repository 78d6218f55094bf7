#!/usr/bin/env python3
"""Every loss, activation, layer, optimizer and schedule of the prelude, against PyTorch.

    tests/pytorch/prelude.py path/to/sgdc [name ...]

Prints the second table of docs/pytorch.md and exits with 1 if a difference is more than rounding. Functions are looked
at through an optimizer that leaves the gradient in place of the parameter: for sum(weight * f(x)) with parameters
weight and x, one step shows f(x) and its derivatives, element by element. Optimizers take ten steps of a small
model. Schedules are seen as the parameter of an optimizer that only remembers its rate.

The yardstick is PyTorch in f64, of which sgdc in f64 (`--f64`) has every number. A difference counts against the larger of the
value and `floor`; what PyTorch's own f32 is away from its f64 stands beside that of sgdc in f32.
"""
import math, os, subprocess, sys, tempfile
import numpy as np
import torch
import torch.nn.functional as F
from trace import named, take_steps, trace

MOST, FLOOR, SAME = 3e-6, 1e-6, 1e-9
POINTS = [-100, -50, -20, -10, -5, -2, -1, -0.5, -0.01, -1e-6, 0, 1e-6, 0.01, 0.5, 1, 2, 5, 10, 20, 50, 100]
VECTORS = [[0, 0, 0, 0], [1, 2, 3, 4], [-100, 0, 1, 100], [100, 99, 98, 0], [-100, -100, -100, -101],
           [5, 5, -5, 0], [0.1, -0.2, 0.3, -0.4], [100, 100, -100, -100], [-20, 0, -20, -20]]
SIGNS = [-1, -0.5, 0, 0.5, 1]
HEAD = """data one = csv("one.csv", header = false) {
  x: f32      = column(0)
  y: label[4] = column(1)
}
"""


def literal(values):
    if np.ndim(values):
        return "[" + ", ".join(literal(v) for v in values) + "]"
    return repr(float(values))


def parameter(name, values):
    shape = list(np.shape(values))
    return f"  param {name}: f32{shape if shape else ''} = {literal(values)}\n"


def run_program(sgdc, text, *options):
    """The trace of a program whose data is two rows: 0 and label 2, 1 and label 1."""
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "probe.sgd")
        with open(os.path.join(folder, "one.csv"), "w") as out:
            out.write("0,2\n1,1\n")
        with open(program, "w") as out:
            out.write(text)
        return trace(sgdc, program, *options)


class Table:
    def __init__(self):
        self.good = True
        print("| prelude | compared | in f64 | in f32: sgdc | PyTorch |\n|---|---|--:|--:|--:|")

    def row(self, name, what, ours, theirs, exact, floor, wide=None, wide_exact=None):
        """Each a list of arrays, `wide` of sgdc in f64; a difference beyond rounding, and beyond PyTorch's own, is marked."""
        def distance(some, exact):
            largest = 0.0
            for a, b in zip(some, exact):
                a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
                assert a.shape == b.shape, (name, a.shape, b.shape)
                difference = np.abs(a - b) / np.maximum(np.abs(b), floor)
                largest = max(largest, np.inf if np.isnan(difference).any() else difference.max(initial=0))
            return largest
        mine, torchs, same = distance(ours, exact), distance(theirs, exact), distance(wide or [], wide_exact or [])
        bad = not (mine <= max(MOST, 2 * torchs) and same <= SAME)
        self.good &= not bad
        in_f64 = f"{same:.1e}" if wide else ""
        print(f"| {name} | {what} | {in_f64} | {mine:.1e}{' LARGE' if bad else ''} | {torchs:.1e} |", flush=True)


# ---- functions: name, sgdc's expression, torch's, the inputs it is looked at with
def half_squared(p, y):
    return (p - y) ** 2 / 2


def pairs(a, b):
    return {"a": [p for p in a for _ in b], "b": [q for _ in a for q in b]}


def label_loss(f):
    return lambda w: f(w["a"], torch.full((len(w["a"]),), 2), reduction="none")


def random_array(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).round(2).tolist()


def convolution(**how):
    return lambda w: F.conv2d(w["a"][None], w["conv2d.f"], w["conv2d.b"], **how)[0]


def attention(w):
    x, (t, d) = w["a"], w["a"].shape
    q, r, v = (F.linear(x, w[f"attention.{n}.dense.w"], w[f"attention.{n}.dense.b"]) for n in "qrv")
    q, r, v = (heads.reshape(t, 2, d // 2).transpose(0, 1) for heads in (q, r, v))
    o = F.scaled_dot_product_attention(q, r, v, is_causal=True).transpose(0, 1).reshape(t, d)
    return F.linear(o, w["attention.dense.w"], w["attention.dense.b"])


def recurrent(name):
    """Of PyTorch's modules: RNN, LSTM, GRU."""
    def call(w):
        a = w["a"][None]
        keys = {"weight_ih_l0": "w", "weight_hh_l0": "u", "bias_ih_l0": "b", "bias_hh_l0": "c"}
        module = getattr(torch.nn, name)(a.shape[2], 3, batch_first=True, dtype=a.dtype)
        given = {key: w[f"{name.lower()}.{own}"] for key, own in keys.items()}
        return torch.func.functional_call(module, given, (a,))[0][0]
    return call


def attention_to_all(w):
    x, (t, d) = w["a"], w["a"].shape
    q, r, v = (F.linear(x, w[f"attention.{n}.dense.w"], w[f"attention.{n}.dense.b"]) for n in "qrv")
    q, r, v = (heads.reshape(t, 2, d // 2).transpose(0, 1) for heads in (q, r, v))
    seen = torch.tensor([True] * (t - 1) + [False])[None].expand(t, t)
    o = F.scaled_dot_product_attention(q, r, v, attn_mask=seen).transpose(0, 1).reshape(t, d)
    return F.linear(o, w["attention.dense.w"], w["attention.dense.b"])


def cell(make, names, two=False):
    """A recurrent cell of torch with the parameters of ours."""
    def f(w):
        module = make(3, 4).to(w["a"].dtype)
        tensors = {key: w[name] for key, name in names.items()}
        state = (w["b"], w["c"]) if two else w["b"]
        out = torch.func.functional_call(module, tensors, (w["a"], state))
        return torch.cat(out) if two else out
    return f


def cell_names(layer):
    return {"weight_ih": layer + ".w", "weight_hh": layer + ".u", "bias_ih": layer + ".b", "bias_hh": layer + ".c"}


def rotated(x):
    t, d = x.shape
    angle = torch.arange(t, dtype=x.dtype)[:, None] / 10_000 ** (2 * torch.arange(d // 2, dtype=x.dtype) / d)
    turned = torch.view_as_complex(x.reshape(t, d // 2, 2).contiguous()) * torch.polar(torch.ones_like(angle), angle)
    return torch.view_as_real(turned).reshape(t, d)


def sinusoidal(t, d, dtype):
    k = torch.arange(d)
    angle = torch.arange(t, dtype=dtype)[:, None] / 10_000 ** ((k // 2 * 2).to(dtype) / d)
    return torch.where(k % 2 == 0, angle.sin(), angle.cos())


def focal(w):
    e = F.cross_entropy(w["a"], torch.full((len(w["a"]),), 2), reduction="none")
    return e * (1 - torch.exp(-e)) ** 2


POSITIVE = [1e-6, 0.01, 0.1, 0.5, 0.9, 1, 1.3, 1.46, 2, 3, 7.9, 8.1, 20, 100]
INSIDE = [-0.999, -0.9, -0.5, -0.01, -1e-6, 0, 1e-6, 0.01, 0.5, 0.9, 0.999]
NEAR = [p for p in POINTS if abs(p) < 50]
IMAGE, GROUPED, WORDS = random_array(2, 7, 7), random_array(4, 6, 6), random_array(5, 6)
MANY = len(VECTORS)
FUNCTIONS = [                      # the last: the shape of the result, where it is not that of the input
    ("relu", "relu(a)", lambda w: F.relu(w["a"]), {"a": POINTS}),
    ("leaky_relu", "leaky_relu(a)", lambda w: F.leaky_relu(w["a"]), {"a": POINTS}),
    ("leaky_relu, slope = 0.2", "leaky_relu(a, slope = 0.2)", lambda w: F.leaky_relu(w["a"], 0.2), {"a": POINTS}),
    ("expm1", "expm1(a)", lambda w: torch.expm1(w["a"]), {"a": [p for p in POINTS if p < 50]}),
    ("elu", "elu(a)", lambda w: F.elu(w["a"]), {"a": POINTS}),
    ("elu, a = 2", "elu(a, a = 2)", lambda w: F.elu(w["a"], 2), {"a": POINTS}),
    ("sigmoid", "sigmoid(a)", lambda w: torch.sigmoid(w["a"]), {"a": POINTS}),
    ("tanh", "tanh(a)", lambda w: torch.tanh(w["a"]), {"a": POINTS}),
    ("gelu", "gelu(a)", lambda w: F.gelu(w["a"]), {"a": POINTS}),
    ("silu", "silu(a)", lambda w: F.silu(w["a"]), {"a": POINTS}),
    ("softplus", "softplus(a)", lambda w: F.softplus(w["a"]), {"a": POINTS}),
    ("logsumexp", "logsumexp(a)", lambda w: torch.logsumexp(w["a"], 1), {"a": VECTORS}, (MANY,)),
    ("softmax", "softmax(a)", lambda w: F.softmax(w["a"], 1), {"a": VECTORS}),
    ("log_softmax", "log_softmax(a)", lambda w: F.log_softmax(w["a"], 1), {"a": VECTORS}),
    ("mse", "mse(a, b)", lambda w: F.mse_loss(w["a"], w["b"]), {"a": VECTORS, "b": VECTORS[::-1]}, ()),
    ("squared", "squared(a, b)", lambda w: half_squared(w["a"], w["b"]), pairs(POINTS, SIGNS)),
    ("mae", "mae(a, b)", lambda w: F.l1_loss(w["a"], w["b"]), {"a": VECTORS, "b": VECTORS[::-1]}, ()),
    ("huber", "huber(a, b)", lambda w: F.huber_loss(w["a"], w["b"], reduction="none"), pairs(POINTS, SIGNS)),
    ("huber, delta = 2.5", "huber(a, b, delta = 2.5)",
     lambda w: F.huber_loss(w["a"], w["b"], reduction="none", delta=2.5), pairs(POINTS + [2.5, -2.5], SIGNS)),
    ("cross_entropy", "cross_entropy(a, y)", label_loss(F.cross_entropy), {"a": VECTORS}, (MANY,)),
    ("binary_cross_entropy", "binary_cross_entropy(a, b)",
     lambda w: F.binary_cross_entropy_with_logits(w["a"], w["b"], reduction="none"), pairs(POINTS, [0, 0.3, 1])),
    ("negative_log_likelihood", "negative_log_likelihood(a, y)", label_loss(F.nll_loss), {"a": VECTORS}, (MANY,)),
    ("hinge", "hinge(a, b)", lambda w: F.relu(1 - w["a"] * w["b"]), pairs(POINTS, [-1, 1])),
    ("l1", "l1(a)", lambda w: w["a"].abs().sum(), {"a": VECTORS}, ()),
    ("l2", "l2(a)", lambda w: (w["a"] ** 2).sum() / 2, {"a": VECTORS}, ()),
    ("log1p", "log1p(a)", lambda w: torch.log1p(w["a"]), {"a": INSIDE + POSITIVE}),
    ("exp2", "exp2(a)", lambda w: torch.exp2(w["a"]), {"a": NEAR}),
    ("log2", "log2(a)", lambda w: torch.log2(w["a"]), {"a": POSITIVE}),
    ("tan", "tan(a)", lambda w: torch.tan(w["a"]), {"a": POINTS}),
    ("asin", "asin(a)", lambda w: torch.asin(w["a"]), {"a": INSIDE}),
    ("acos", "acos(a)", lambda w: torch.acos(w["a"]), {"a": INSIDE}),
    ("atan", "atan(a)", lambda w: torch.atan(w["a"]), {"a": POINTS}),
    ("atan2", "atan2(a, b)", lambda w: torch.atan2(w["a"], w["b"]), pairs(POINTS, SIGNS)),
    ("sinh", "sinh(a)", lambda w: torch.sinh(w["a"]), {"a": NEAR}),
    ("cosh", "cosh(a)", lambda w: torch.cosh(w["a"]), {"a": NEAR}),
    ("erfc", "erfc(a)", lambda w: torch.erfc(w["a"]), {"a": [p for p in POINTS if abs(p) < 6]}),
    ("lgamma", "lgamma(a)", lambda w: torch.lgamma(w["a"]), {"a": POSITIVE}),
    ("digamma", "digamma(a)", lambda w: torch.digamma(w["a"]), {"a": POSITIVE}),
    ("polygamma, n = 2", "polygamma(2, a)", lambda w: torch.polygamma(2, w["a"]), {"a": POSITIVE[1:]}),
    ("prod", "prod(a)", lambda w: torch.prod(w["a"]), {"a": [0.5, -2, 3, 0, 1.5]}, ()),
    ("cumsum", "cumsum(a)", lambda w: torch.cumsum(w["a"], 1), {"a": VECTORS}),
    ("focal", "focal(a, y)", focal, {"a": VECTORS}, (MANY,)),
    ("smoothed_cross_entropy", "smoothed_cross_entropy(a, y)",
     label_loss(lambda a, y, reduction: F.cross_entropy(a, y, reduction=reduction, label_smoothing=0.1)),
     {"a": VECTORS}, (MANY,)),
    ("triplet", "triplet(a, b, c)", lambda w: F.triplet_margin_loss(w["a"], w["b"], w["c"], eps=0, reduction="none"),
     {"a": [[0.1, 2, -1], [1, 1, 1]], "b": [[1, 0, 1], [1, 1.5, 1]], "c": [[0.5, 1, 1], [3, -4, 8]]}, (2,)),
    ("kl_divergence", "kl_divergence(log_softmax(a), softmax(b))",
     lambda w: F.kl_div(F.log_softmax(w["a"], 1), F.softmax(w["b"], 1), reduction="none").sum(1),
     {"a": VECTORS[5:7], "b": VECTORS[6:8][::-1]}, (2,)),
    ("kl_normal", "kl_normal(a, b)", lambda w: (w["a"] ** 2 + w["b"].exp() - 1 - w["b"]).sum() / 2,
     {"a": [0, 1, -2, 0.5], "b": [0, -1, 2, 0.3]}, ()),
    ("gaussian", "gaussian(a, b, c)",
     lambda w: F.gaussian_nll_loss(w["a"], w["c"], w["b"].exp(), eps=0, reduction="none"),
     {"a": [0, 1, -2, 0.5], "b": [0, -1, 2, 0.3], "c": [0.5, 2, -2, 1]}),
    ("poisson", "poisson(a, b)", lambda w: F.poisson_nll_loss(w["a"], w["b"], reduction="none"),
     pairs([-5, -1, 0, 0.5, 2, 10], [0, 1, 3, 20])),
    ("clamp", "clamp(a, -1.5, 2.5)", lambda w: torch.clamp(w["a"], -1.5, 2.5), {"a": POINTS}),
    ("dense", "dense(a, 3)", lambda w: F.linear(w["a"], w["dense.w"], w["dense.b"]), {"a": VECTORS[6]}, (3,)),
    ("layer_norm", "layer_norm(a)", lambda w: F.layer_norm(w["a"], (4,), w["layer_norm.g"], w["layer_norm.b"]),
     {"a": VECTORS}),
    ("conv2d", "conv2d(a, 4, 3)", convolution(), {"a": IMAGE}, (4, 5, 5)),
    ("conv2d, stride = 2, pad = 1", "conv2d(a, 4, 3, stride = 2, pad = 1)", convolution(stride=2, padding=1),
     {"a": IMAGE}, (4, 4, 4)),
    ("conv2d, dilation = 2", "conv2d(a, 4, 3, dilation = 2)", convolution(dilation=2), {"a": IMAGE}, (4, 3, 3)),
    ("conv2d, groups = 2", "conv2d(a, 6, 3, groups = 2)", convolution(groups=2), {"a": GROUPED}, (6, 4, 4)),
    ("max_pool2d", "max_pool2d(a, 2)", lambda w: F.max_pool2d(w["a"], 2), {"a": IMAGE}, (2, 3, 3)),
    ("max_pool2d, stride = 1", "max_pool2d(a, 3, stride = 1)", lambda w: F.max_pool2d(w["a"], 3, 1), {"a": IMAGE},
     (2, 5, 5)),
    ("max_pool2d of zeros", "max_pool2d(a, 2)", lambda w: F.max_pool2d(w["a"], 2), {"a": np.zeros((1, 4, 4)).tolist()},
     (1, 2, 2)),
    ("avg_pool2d", "avg_pool2d(a, 2)", lambda w: F.avg_pool2d(w["a"], 2), {"a": IMAGE}, (2, 3, 3)),
    ("attention, heads = 2", "attention(a, 2)", attention, {"a": WORDS}),
    ("rnn", "rnn(a, 3)", recurrent("RNN"), {"a": WORDS}, (5, 3)),
    ("lstm", "lstm(a, 3)", recurrent("LSTM"), {"a": WORDS}, (5, 3)),
    ("gru", "gru(a, 3)", recurrent("GRU"), {"a": WORDS}, (5, 3)),
    ("attention, to all but one", "attention(a, 2, causal = false, mask = [1, 1, 1, 1, 0] == ones([5]))",
     attention_to_all, {"a": WORDS}),
    ("conv1d", "conv1d(a, 4, 3)", lambda w: F.conv1d(w["a"], w["conv1d.f"], w["conv1d.b"]), {"a": WORDS[:4]}, (4, 4)),
    ("conv1d, strided, in groups", "conv1d(a, 4, 3, stride = 2, pad = 2, dilation = 2, groups = 2)",
     lambda w: F.conv1d(w["a"], w["conv1d.f"], w["conv1d.b"], 2, 2, 2, 2), {"a": WORDS[:4]}, (4, 3)),
    ("conv_transpose2d", "conv_transpose2d(a, 3, 3)",
     lambda w: F.conv_transpose2d(w["a"], w["conv_transpose2d.f"], w["conv_transpose2d.b"]), {"a": IMAGE}, (3, 9, 9)),
    ("conv_transpose2d, stride = 2, pad = 1", "conv_transpose2d(a, 3, 4, stride = 2, pad = 1)",
     lambda w: F.conv_transpose2d(w["a"], w["conv_transpose2d.f"], w["conv_transpose2d.b"], 2, 1), {"a": IMAGE},
     (3, 14, 14)),
    ("upsample", "upsample(a, 3)", lambda w: F.interpolate(w["a"][None], scale_factor=3)[0], {"a": IMAGE}, (2, 21, 21)),
    ("global_avg_pool", "global_avg_pool(a)", lambda w: F.adaptive_avg_pool2d(w["a"], 1)[:, 0, 0], {"a": IMAGE}, (2,)),
    ("group_norm", "group_norm(a, 2)",
     lambda w: F.group_norm(w["a"][None], 2, w["group_norm.g"], w["group_norm.b"])[0], {"a": GROUPED}),
    ("rms_norm", "rms_norm(a)", lambda w: F.rms_norm(w["a"], (6,), w["rms_norm.g"], 1.1920929e-7), {"a": WORDS}),
    ("embedding", "embedding(y, 3) * a", lambda w: F.embedding(torch.tensor(2), w["embedding.e"]) * w["a"],
     {"a": [1, 2, 3]}),
    ("score", "score(a)", lambda w: F.linear(w["a"], w["score.dense.w"], w["score.dense.b"])[:, 0], {"a": WORDS}, (5,)),
    ("rnn_cell", "rnn_cell(a, b)", cell(torch.nn.RNNCell, cell_names("rnn_cell")),
     {"a": [1, -2, 0.5], "b": [0.1, -0.2, 0.3, 0.4]}, (4,)),
    ("gru_cell", "gru_cell(a, b)", cell(torch.nn.GRUCell, cell_names("gru_cell")),
     {"a": [1, -2, 0.5], "b": [0.1, -0.2, 0.3, 0.4]}, (4,)),
    ("lstm_cell", "both(a, b, c)", cell(torch.nn.LSTMCell, cell_names("both.h_c.lstm_cell"), True),
     {"a": [1, -2, 0.5], "b": [0.1, -0.2, 0.3, 0.4], "c": [1, 2, -1, 0.5]}, (8,)),
    ("sinusoidal_positions", "sinusoidal_positions(5, 6) * a", lambda w: sinusoidal(5, 6, w["a"].dtype) * w["a"],
     {"a": WORDS}),
    ("learnt_positions", "learnt_positions(a)", lambda w: w["a"] + w["learnt_positions.p"], {"a": WORDS}),
    ("rotary", "rotary(a)", lambda w: rotated(w["a"]), {"a": WORDS}),
]
SUMS = ("dense", "layer_norm", "conv", "attention", "upsample", "group_norm", "rms_norm", "score", "rnn", "gru", "lstm",
        "both", "rotary", "kl_divergence")     # of terms of either sign, about 1: their floor is 0.1


def compare_function(sgdc, table, name, expression, function, inputs, shape=None):
    shape = np.shape(inputs["a"]) if shape is None else shape
    weights = np.random.default_rng(3).uniform(0.5, 1.5, size=shape).round(3).tolist()
    declared = "".join(parameter(n, v) for n, v in inputs.items()) + parameter("weight", weights)
    text = HEAD + f"""optimizer reveal() {{ param = grad }}
layer both(x: real[n], h: real[d], c: real[d]) -> real[2 * d] {{
  h, c = lstm_cell(x, h, c)
  return concat(h, c)
}}
model probe(y: label[4]) -> f32 {{
{declared}  return sum(weight * {expression})
}}
train once {{ data = one; minimize = probe(y) + x; optimizer = reveal(); batch = 1 sequential; steps = 1 }}
"""

    def sides(*how):
        tensors, _ = run_program(sgdc, text, *how)
        before, after = (named(tensors, when + ".probe", torch.float64) for when in ("cell", "after"))
        weight = before.pop("weight")

        def by_torch(dtype):
            w = {n: cell.clone().to(dtype).detach().requires_grad_(True) for n, cell in before.items()}
            value = function(w)
            (value * weight.to(dtype)).sum().backward()
            return [value.detach().numpy()] + [w[n].grad.numpy() for n in before]
        return [after["weight"].numpy()] + [after[n].numpy() for n in before], by_torch(torch.float32), by_torch(torch.float64)

    (ours, theirs, exact), (wide, _, wide_exact) = sides(), sides("--f64")
    floor = 0.1 if expression.startswith(SUMS) else FLOOR
    for what, part in ("value", slice(1)), ("derivatives", slice(1, None)):
        table.row(name, what, ours[part], theirs[part], exact[part], floor, wide[part], wide_exact[part])


# ---- optimizers: ten steps of a small model
def clipped(make, most):
    """The optimizer with torch's clip_grad_norm_ before every step."""
    def made(parameters):
        optimizer = make(parameters)
        step = optimizer.step

        def clip_and_step():
            torch.nn.utils.clip_grad_norm_(parameters, most)
            step()
        optimizer.step = clip_and_step
        return optimizer
    return made


def with_options(make, **options):
    return lambda parameters: make(parameters, **options)


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al., 2023: torch has none."""
    def __init__(self, parameters, lr=0.0, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(parameters, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (first, second), rate = group["betas"], group["lr"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                sign = torch.sign(first * m + (1 - first) * p.grad)
                p.sub_(rate * (sign + group["weight_decay"] * p))
                m.mul_(second).add_((1 - second) * p.grad)


class Lamb(torch.optim.Optimizer):
    """Algorithm 2 of You et al., 2020, with phi(z) = z: torch has none."""
    def __init__(self, parameters, lr=0.0):
        super().__init__(parameters, dict(lr=lr))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                s = self.state[p]
                s["t"] = s.get("t", 0) + 1
                s["m"] = 0.9 * s.get("m", 0) + 0.1 * p.grad
                s["v"] = 0.999 * s.get("v", 0) + 0.001 * p.grad ** 2
                a, b = s["m"] / (1 - 0.9 ** s["t"]), s["v"] / (1 - 0.999 ** s["t"])
                u = a / (b.sqrt() + 1e-6) + 0.01 * p
                length, moved = p.norm(), u.norm()
                p.sub_(group["lr"] * (length / moved if length > 0 and moved > 0 else 1) * u)


class Muon:
    """torch.optim.Muon of the matrices, Adam of the rest. It iterates in bfloat16; here in the type of its parameters."""
    def __init__(self, parameters):
        self.muon = torch.optim.Muon([p for p in parameters if p.dim() == 2])
        self.adam = torch.optim.Adam([p for p in parameters if p.dim() != 2], lr=0.01)
        self.param_groups = self.muon.param_groups

    def zero_grad(self):
        self.muon.zero_grad()
        self.adam.zero_grad()

    def step(self):
        rounded, torch.bfloat16 = torch.bfloat16, self.param_groups[0]["params"][0].dtype
        self.muon.step()
        torch.bfloat16 = rounded
        self.adam.step()


O = torch.optim
OPTIMIZERS = [                     # name, settings, torch's, rate, penalty
    ("sgd", "optimizer = sgd(lr = 0.3)", O.SGD, 0.3),
    ("momentum", "optimizer = momentum(lr = 0.1)", with_options(O.SGD, momentum=0.9), 0.1),
    ("momentum, beta = 0.5", "optimizer = momentum(lr = 0.1, beta = 0.5)", with_options(O.SGD, momentum=0.5), 0.1),
    ("nesterov", "optimizer = nesterov(lr = 0.1)", with_options(O.SGD, momentum=0.9, nesterov=True), 0.1),
    ("adagrad", "optimizer = adagrad(lr = 0.1)", O.Adagrad, 0.1),
    ("rmsprop", "optimizer = rmsprop(lr = 0.01)", O.RMSprop, 0.01),
    ("rmsprop, alpha = 0.9", "optimizer = rmsprop(lr = 0.01, alpha = 0.9)", with_options(O.RMSprop, alpha=0.9), 0.01),
    ("adam", "optimizer = adam(lr = 0.01)", O.Adam, 0.01),
    ("adam, beta1 = 0.5, beta2 = 0.9", "optimizer = adam(lr = 0.01, beta1 = 0.5, beta2 = 0.9)",
     with_options(O.Adam, betas=(0.5, 0.9)), 0.01),
    ("adamw", "optimizer = adamw(lr = 0.01)", O.AdamW, 0.01),
    ("adamw, decay = 0.3", "optimizer = adamw(lr = 0.01, decay = 0.3)", with_options(O.AdamW, weight_decay=0.3), 0.01),
    ("adamax", "optimizer = adamax(lr = 0.01)", O.Adamax, 0.01),
    ("nadam", "optimizer = nadam(lr = 0.01)", O.NAdam, 0.01),
    ("lion", "optimizer = lion(lr = 0.01, decay = 0.3)", with_options(Lion, weight_decay=0.3), 0.01),
    ("lamb", "optimizer = lamb(lr = 0.01)", Lamb, 0.01),
    ("muon, adam of vectors",
     "optimizer = adam(lr = 0.01)\n  optimizer[small.h.dense.w, small.dense.w] = muon(lr = 0.02)", Muon, 0.02),
    ("clip_norm", "optimizer = sgd(lr = 0.3)\n  gradient = clip_norm(grad, 0.1)", clipped(O.SGD, 0.1), 0.3),
    ("clip_norm, adam", "optimizer = adam(lr = 0.01)\n  gradient = clip_norm(grad, 0.1)", clipped(O.Adam, 0.1), 0.01),
    ("l2", "optimizer = sgd(lr = 0.3)\n  penalty = 0.1 * l2(small.h.dense.w)", O.SGD, 0.3,
     lambda w: 0.1 * (w["small.h.dense.w"] ** 2).sum() / 2),
    ("l1", "optimizer = sgd(lr = 0.3)\n  penalty = 0.1 * l1(small.h.dense.w)", O.SGD, 0.3,
     lambda w: 0.1 * w["small.h.dense.w"].abs().sum()),
]
SMALL = """data points = synthetic(rows = 100, seed = 1) {
  x: f32[3] = [uniform(-1, 1), uniform(-1, 1), uniform(-1, 1)]
  y: f32    = sin(2 * x[0]) + x[1] * x[2]
}
model small(x: f32[3]) -> f32 {
  h = tanh(dense(x, 8))
  return dense(h, 1)[0]
}
train fit {
  data     = points
  minimize = mse(small(x), y)
  batch    = 16
  epochs   = 3
"""


def small_loss(w, b):
    h = torch.tanh(F.linear(b["x"], w["small.h.dense.w"], w["small.h.dense.b"]))
    return (F.linear(h, w["small.dense.w"], w["small.dense.b"])[:, 0] - b["y"]) ** 2


def ten_steps(table, name, run, updates, groups, penalty=None):
    """Losses of ten steps and what they leave, in both types; groups: (what they are called, their cells)."""
    def sides(*how):
        tensors, meta = run(*how)

        def by_torch(dtype):
            losses, cells, _ = take_steps(tensors, meta, updates, dtype, penalty=penalty)
            return [[np.array(losses)]] + [[cells[n].numpy() for n in names] for _, names in groups(cells)], cells
        names = groups(by_torch(torch.float64)[1])
        ours = [[tensors["loss_of_step"]]] + [[tensors["after." + n] for n in group] for _, group in names]
        return tensors, names, ours, by_torch(torch.float32), by_torch(torch.float64)

    (tensors, names, ours, theirs, exact), (_, _, wide, _, wide_exact) = sides(), sides("--f64")
    for k, what in enumerate(["losses of 10 steps"] + [what for what, _ in names]):
        table.row(name, what, ours[k], theirs[0][k], exact[0][k], 0.1 if k else FLOOR, wide[k], wide_exact[0][k])
    return tensors, theirs[1], exact[1]


def compare_optimizer(sgdc, table, name, settings, make, rate, penalty=None):
    updates = [(small_loss, {"": (make, lambda step, epoch, progress: rate)})]
    ten_steps(table, name, lambda *how: run_program(sgdc, SMALL + f"  {settings}\n}}\n", *how), updates,
              lambda cells: [("parameters after", [n for n in cells if n.startswith("small.")])], penalty)


# ---- batch normalisation: ten steps, with what they leave for predict
NORMED = """data points = synthetic(rows = 50, seed = 1) {
  x: f32[2, 3] = [[uniform(-1, 1), uniform(0, 3), uniform(5, 6)], [uniform(-1, 1), uniform(-1, 1), 2 * uniform(-1, 1)]]
  y: f32       = x[0, 0] + x[1, 1] * x[1, 2]
}
model small(x: f32[2, 3]) -> f32 {
  h = tanh(batch_norm(dense(batch_norm(x), 8)))
  return dense(flatten(h), 1)[0]
}
train fit {
  data      = points
  minimize  = mse(small(x), y)
  optimizer = momentum(lr = 0.1)
  batch     = 16
  steps     = 10
}
"""
STATES = [f"small.h.batch_norm{k}.{n}" for k in ("", ".2") for n in "mv"]


def normed(w, x, training):
    def norm(x, k):
        return F.batch_norm(x, *(w[f"small.h.batch_norm{k}.{n}"] for n in "mvgb"), training=training)
    h = F.linear(norm(x, ""), w["small.h.dense.w"], w["small.h.dense.b"])
    return F.linear(torch.tanh(norm(h, ".2")).flatten(1), w["small.dense.w"], w["small.dense.b"])[:, 0]


def predicted(sgdc, text):
    with tempfile.TemporaryDirectory() as folder:
        program, saved = os.path.join(folder, "probe.sgd"), os.path.join(folder, "saved")
        with open(program, "w") as out:
            out.write(text)
        subprocess.run([sgdc, program, "--run", "-q", "--save", saved], check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run([sgdc, "predict", program, "--load", saved], check=True, capture_output=True, text=True)
    return np.array([float(line.split(",")[-1]) for line in done.stdout.splitlines()[1:]])


def compare_batch_norm(sgdc, table, name):
    optimizers = {"": (with_options(O.SGD, momentum=0.9), lambda step, epoch, progress: 0.1)}
    updates = [(lambda w, b: (normed(w, b["x"], True) - b["y"]) ** 2, optimizers)]
    groups = lambda cells: [("parameters after", [n for n in cells if n.startswith("small.") and n not in STATES]),
                            ("running statistics after", STATES)]
    tensors, *sides = ten_steps(table, name, lambda *how: run_program(sgdc, NORMED, *how), updates, groups)
    answers, exact = (normed(cells, torch.tensor(tensors["data.x"]).to(next(iter(cells.values())).dtype), False).numpy()
                      for cells in sides)
    table.row(name, "predictions by them", [predicted(sgdc, NORMED)], [answers], [exact], 0.1)


# ---- schedules: the rates of ten steps, two an epoch
def by_scheduler(make, steps_per_rate=1):
    def rates():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler, found = make(optimizer), []
        for _ in range(10 // steps_per_rate):
            found += [optimizer.param_groups[0]["lr"]] * steps_per_rate
            optimizer.step()
            scheduler.step()
        return found
    return rates


def one_cycle():
    """Smith's shape, as OneCycleLR anneals it. Its ends are steps of the plan here: torch's are one step earlier."""
    def between(a, b, part):
        return b + (a - b) * (1 + math.cos(math.pi * part)) / 2
    return [between(1 / 25, 1, s / 3) if s < 3 else between(1, 1 / 250_000, (s - 3) / 7) for s in range(10)]


S = torch.optim.lr_scheduler
SCHEDULES = [
    ("constant", "constant(1)", by_scheduler(lambda o: S.ConstantLR(o, factor=1.0))),
    ("step_decay of epochs", "step_decay(epoch, 2)", by_scheduler(lambda o: S.StepLR(o, 2), 2)),
    ("step_decay of steps", "step_decay(step, 3, factor = 0.5)", by_scheduler(lambda o: S.StepLR(o, 3, gamma=0.5))),
    ("exponential", "exponential(epoch, 0.1)", by_scheduler(lambda o: S.ExponentialLR(o, 0.1), 2)),
    ("polynomial", "polynomial(step, 2, 4, -0.5)", lambda: [2 * (s + 4) ** -0.5 for s in range(10)]),
    ("cosine", "cosine(progress)", by_scheduler(lambda o: S.CosineAnnealingLR(o, T_max=10))),
    ("warmup", "warmup(progress, 0.4)", by_scheduler(lambda o: S.LambdaLR(o, lambda s: min(1, s / 4)))),
    ("one_cycle", "one_cycle(progress)", one_cycle),
    ("warmup and cosine", "warmup(progress, 0.2) * cosine(progress)",
     lambda: [min(1, s / 2) * (1 + math.cos(math.pi * s / 10)) / 2 for s in range(10)]),
]


def compare_schedule(sgdc, table, name, expression, rates):
    tensors, _ = run_program(sgdc, HEAD + f"""optimizer remember(lr) {{ param = lr }}
model rate(x: f32) -> f32 {{
  param p: f32 = 0
  return p + 0 * x
}}
train fit {{
  data = one; minimize = rate(x); optimizer = remember(lr = {expression}); batch = 1 sequential; epochs = 5
}}
""")
    ours = tensors["loss_of_step"].tolist()[1:] + [float(tensors["after.rate.p"])]
    table.row(name, "rates of 10 steps", [ours], [np.float32(rates())], [rates()], FLOOR)


def main():
    sgdc, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    torch.set_num_threads(1)
    table = Table()
    for compare, rows in ((compare_function, FUNCTIONS), (compare_optimizer, OPTIMIZERS),
                          (compare_batch_norm, [("batch_norm",)]), (compare_schedule, SCHEDULES)):
        for row in rows:
            if not wanted or row[0].split(",")[0] in wanted:
                compare(sgdc, table, *row)
    print(f"\nPyTorch {torch.__version__}; " + ("all agree." if table.good else "NOT all agree."))
    sys.exit(not table.good)


main()
