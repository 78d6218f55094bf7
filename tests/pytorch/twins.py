"""What the twins of programs are made of: torch's layers by the names of sgdc's parameters, losses, optimizers, runs.

A twin is a function of cells (parameters and states, by their sgdc names) and a mini-batch of columns; it gives the
losses of the rows, whose mean is minimized. A run is one row of the table that compare.py prints.
"""
import math
from typing import NamedTuple
import torch
import torch.nn.functional as F


# ---- layers: cells, the layer's path, its input
def dense(w, name, x):
    return F.linear(x, w[name + ".w"], w[name + ".b"])


def conv1d(w, name, x, **how):
    return F.conv1d(x, w[name + ".f"], w[name + ".b"], **how)


def conv2d(w, name, x, **how):
    return F.conv2d(x, w[name + ".f"], w[name + ".b"], **how)


def conv_transpose2d(w, name, x, **how):
    return F.conv_transpose2d(x, w[name + ".f"], w[name + ".b"], **how)


def layer_norm(w, name, x):
    return F.layer_norm(x, x.shape[-1:], w[name + ".g"], w[name + ".b"])


def group_norm(w, name, x, groups):
    return F.group_norm(x, groups, w[name + ".g"], w[name + ".b"])


def batch_norm(w, name, x):
    return F.batch_norm(x, *(w[f"{name}.{cell}"] for cell in "mvgb"), training=True)


def embedding(w, name, y):
    return F.embedding(y, w[name + ".e"])


def attention(w, name, x, heads, causal=True):
    b, t, d = x.shape
    q, k, v = (dense(w, f"{name}.{part}.dense", x).reshape(b, t, heads, d // heads).transpose(1, 2) for part in "qrv")
    o = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return dense(w, name + ".dense", o.transpose(1, 2).reshape(b, t, d))


def transformer_block(w, name, k, x, heads, causal):
    """The k-th of `repeat { name = name + attention(...); g = gelu(dense(...)); name = name + dense(g, ...) }`."""
    h, g = f"{name}.h[{k}]", f"{name}.g[{k}]"
    x = x + attention(w, h + ".attention", layer_norm(w, h + ".layer_norm", x), heads, causal)
    return x + dense(w, h + ".dense", F.gelu(dense(w, g + ".dense", layer_norm(w, g + ".layer_norm", x))))


def recurrent(w, name, x):
    """rnn, lstm or gru, by the path's last part, through torch's module; what each element gives."""
    keys = {"weight_ih_l0": "w", "weight_hh_l0": "u", "bias_ih_l0": "b", "bias_hh_l0": "c"}
    given = {key: w[f"{name}.{own}"] for key, own in keys.items()}
    module = getattr(torch.nn, name.split(".")[-1].upper())
    module = module(x.shape[2], given["weight_hh_l0"].shape[1], batch_first=True, dtype=x.dtype)
    return torch.func.functional_call(module, given, (x,))[0]


def averages(w):
    """The running averages in place of the parameters, without gradient."""
    return {name[8:]: cell for name, cell in w.items() if name.startswith("average@")}


# ---- losses of rows
def half_squared(p, y):
    return (p - y) ** 2 / 2


def mse(p, y):
    return ((p - y) ** 2).flatten(1).mean(1)


def cross_entropy(z, y):
    return F.cross_entropy(z.flatten(0, -2), y.flatten(), reduction="none").reshape(y.shape)


def binary_cross_entropy(z, y):
    return F.binary_cross_entropy_with_logits(z, torch.as_tensor(y, dtype=z.dtype).expand_as(z), reduction="none")


def pick(z, y):
    """z[y] of each row."""
    return z.gather(-1, y[..., None])[..., 0]


# ---- optimizers: what makes one of parameters, and its learning rate as a function of step, epoch and progress
def with_rate(make, rate):
    return make, rate if callable(rate) else lambda step, epoch, progress: rate


def sgd(rate):
    return with_rate(torch.optim.SGD, rate)


def momentum(rate):
    return with_rate(lambda parameters: torch.optim.SGD(parameters, momentum=0.9), rate)


def adagrad(rate):
    return with_rate(torch.optim.Adagrad, rate)


def adam(rate, betas=(0.9, 0.999)):
    return with_rate(lambda parameters: torch.optim.Adam(parameters, betas=betas), rate)


def adamw(rate, decay=0.01, of_vectors=None):
    """of_vectors: the decay of parameters with fewer than two axes."""
    decays = lambda p: decay if of_vectors is None or p.dim() > 1 else of_vectors
    return with_rate(lambda parameters: torch.optim.AdamW([{"params": [p], "weight_decay": decays(p)}
                                                           for p in parameters]), rate)


def clipped(optimizer, most):
    """The optimizer with torch's clip_grad_norm_ before every step."""
    make, rate = optimizer

    def made(parameters):
        inner = make(parameters)
        step = inner.step

        def clip_and_step():
            torch.nn.utils.clip_grad_norm_(parameters, most)
            step()
        inner.step = clip_and_step
        return inner
    return made, rate


def cosine(rate):
    return lambda step, epoch, progress: rate * (1 + math.cos(math.pi * progress)) / 2


def warm_cosine(rate, part):
    return lambda step, epoch, progress: min(1, progress / part) * cosine(rate)(step, epoch, progress)


# ---- runs
class Run(NamedTuple):
    program: str
    block: str
    updates: list                  # of take_steps; empty: it draws, so it is trained, and `falls` has to fall
    how: dict                      # penalty, weight, average of take_steps
    settings: dict
    falls: str                     # a figure of the log


def run(program, block, twin=None, optimizer=None, penalty=None, weight=None, average=None, falls="train_loss",
        **settings):
    """twin: a function, or the list of updates; optimizer: one, or one for each prefix."""
    optimizers = optimizer if isinstance(optimizer, dict) else {"": optimizer}
    updates = twin if isinstance(twin, list) else [(twin, optimizers)] if twin else []
    return Run(program, block, updates, {"penalty": penalty, "weight": weight, "average": average}, settings, falls)
