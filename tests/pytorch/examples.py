"""The models of examples/ written again for torch, and their runs."""
import math
import torch
import torch.nn.functional as F
from twins import *


def line(w, b):
    return (b["x"] @ w["line.a"] - b["y"]) ** 2


def linreg(w, b):
    return half_squared(b["x"] @ w["linreg.w"] + w["linreg.b"], b["y"])


def pixels(w, b):
    return (b["images"].to(next(iter(w.values())).dtype) / 255).flatten(1)


def seven(w, b):
    p = torch.sigmoid(pixels(w, b) @ w["seven.w"] + w["seven.b"])
    return torch.where(b["labels"] == 1, 1 - p, p)


def softmax_regression(w, b):
    return cross_entropy(dense(w, "soft.dense", pixels(w, b)), b["labels"])


def perceptron(w, b):
    return cross_entropy(dense(w, "mlp.dense", F.relu(dense(w, "mlp.h.dense", pixels(w, b)))), b["labels"])


def lenet(w, b):
    x = pixels(w, b).reshape(-1, 1, 28, 28)
    c1 = F.max_pool2d(F.relu(conv2d(w, "lenet.c1.conv2d", x, padding=2)), 2)
    c2 = F.max_pool2d(F.relu(conv2d(w, "lenet.c2.conv2d", c1)), 2)
    h1 = F.relu(dense(w, "lenet.h1.dense", c2.flatten(1)))
    h2 = F.relu(dense(w, "lenet.h2.dense", h1))
    return cross_entropy(dense(w, "lenet.dense", h2), b["labels"])


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
    h = F.linear(b["x"], w["net.h.gated.a"], w["net.h.gated.b"]) * torch.sigmoid(b["x"] @ w["net.h.gated.g"].T)
    for k in range(2):
        h = h + torch.tanh(dense(w, f"net.h[{k}].residual.dense", h))
    return binary_cross_entropy(dense(w, "net.dense", h)[:, 0], b["y"])


def features(w, b):
    return F.relu(dense(w, "features.dense", F.relu(dense(w, "features.h.dense", pixels(w, b)))))


def digit(w, b):
    return cross_entropy(dense(w, "digit.dense", features(w, b)), b["labels"])


def big(w, b):
    return binary_cross_entropy(dense(w, "big.dense", features(w, b))[:, 0], b["labels"] >= 5)


def lora(w, name, x):
    return x @ w[name + ".w"].T + w[name + ".c"] + x @ w[name + ".a"].T @ w[name + ".b"].T


def hills(target):
    def loss(w, b):
        h = torch.tanh(lora(w, "net.h.lora.2", torch.tanh(lora(w, "net.h.lora", b["x"]))))
        return half_squared(lora(w, "net.lora", h)[:, 0], b[target])
    return loss


def shape(w, b):
    return cross_entropy(dense(w, "shape.dense", recurrent(w, "shape.lstm", b["x"])[:, -1]), b["y"])


def gpt(w, b):
    h = w["gpt.e"][b["x"]] + w["gpt.p"]
    for k in range(2):
        n = f"gpt.h[{k}]"
        h = h + attention(w, n + ".attention", layer_norm(w, n + ".layer_norm", h), 4)
        g = F.gelu(dense(w, n + ".dense", layer_norm(w, n + ".layer_norm.2", h)))
        h = h + dense(w, n + ".dense.2", g)
    return cross_entropy(layer_norm(w, "gpt.layer_norm", h) @ w["gpt.e"].T, b["y"]).mean(1)


def resnet(w, b):
    def normed(name, x, k="", **how):
        return batch_norm(w, f"{name}.batch_norm", conv2d(w, f"{name}.conv2d", x, **how))

    def block(name, x, stride=1):
        a = F.relu(normed(name + ".a", x, stride=stride, padding=1))
        short = normed(name + ".short", x, stride=stride) if name + ".short.conv2d.f" in w else x
        return F.relu(normed(name + ".b", a, padding=1) + short)
    h = F.relu(normed("resnet.h", pixels(w, b).reshape(-1, 1, 28, 28), stride=2, padding=1))
    h = block("resnet.h.block.2", block("resnet.h.block", h), 2)
    return cross_entropy(dense(w, "resnet.dense", h.flatten(1)), b["labels"])


def views(w, b):
    def unit(name, x):
        z = dense(w, name + ".dense.2", F.relu(dense(w, name + ".dense", x)))
        return z / torch.sqrt((z ** 2).sum(1, keepdim=True) + 1e-6)
    s = unit("left", b["a"]) @ unit("right", b["b"]).T / 0.1
    return (torch.logsumexp(s, 1) + torch.logsumexp(s, 0)) / 2 - s.diagonal()


def sparse(w, b):
    z = (w["logistic.w"][b["x_indices"]] * b["x_values"]).sum(1) + w["logistic.b"]
    return binary_cross_entropy(z, b["labels"] == 1)


def car(w, model, b):
    """The columns of used_cars.csv as examples/table.sgd stores them: texts as classes, what is missing as NaN."""
    def filled(x, by):
        return torch.where(torch.isnan(x), by, x)

    def standardized(x, name):
        return (x - w[f"cars.{name}.mean"]) / w[f"cars.{name}.deviation"]
    age = filled(b["age"], w["cars.age.median"])
    x = torch.stack([standardized(age, "age"), torch.isnan(b["age"]).to(age.dtype),
                     standardized(torch.log(b["power"]), "power"),
                     standardized(filled(b["km"], w["cars.km.mean"]) / (1 + age), "use")], 1)
    fuel = F.one_hot(b["fuel"], 4).to(age.dtype)
    h = torch.cat([x, fuel, w[model + ".car.place"][b["region"]]], 1)
    return dense(w, model + ".dense", torch.tanh(dense(w, model + ".car.dense", h)))


def price(w, b):
    y = (torch.log(b["price"]) - w["cars.price.mean"]) / w["cars.price.deviation"]
    return half_squared(car(w, "worth", b)[:, 0], y)


def sold(w, b):
    return cross_entropy(car(w, "chance", b), b["sold"])


def balanced_sold(w, b):
    return 1 / (2 * w["sold.shares"][b["sold"]])


def slope_of(v, x):
    return torch.autograd.grad(v.sum(), x, create_graph=True)[0]


def burgers(w, b):
    def u(x, t):
        h = torch.stack([x, t], 1)
        for k in range(2):
            h = torch.tanh(dense(w, f"u.h[{k}].dense", h))
        return dense(w, "u.dense", h)[:, 0]
    x, t = (b["inside." + n].clone().requires_grad_(True) for n in "xt")
    v = u(x, t)
    v_x = slope_of(v, x)
    miss = slope_of(v, t) + v * v_x - 0.01 / math.pi * slope_of(v_x, x)
    start = half_squared(u(b["start.x"], torch.zeros_like(b["start.x"])), b["start.v"])
    return miss ** 2 + start + half_squared(u(b["wall.x"], b["wall.t"]), 0)


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


RUNS = [
    run("line", "fit", line, sgd(0.1)),
    run("too_fast", "right", line, sgd(0.1)),
    run("too_fast", "slow", line, sgd(0.001)),
    run("too_fast", "wild", line, sgd(1.1)),
    run("airfoil", "gd", linreg, sgd(1.0)),
    run("airfoil", "sgd1", linreg, sgd(0.005)),
    run("airfoil", "mini100", linreg, sgd(0.4)),
    run("airfoil", "mini10", linreg, sgd(0.05)),
    *(run("sweep", "sweep", linreg, sgd(lr), lr=lr, batch=batch)
      for lr in (0.001, 0.01, 0.1) for batch in (8, 16, 32, 64, 128, 256)),
    run("decay", "steady", linreg, sgd(0.05)),
    run("decay", "tenth", linreg, sgd(lambda step, epoch, progress: 0.05 * 0.1 ** epoch)),
    run("decay", "root", linreg, sgd(lambda step, epoch, progress: (step + 400) ** -0.5)),
    run("replacement", "without", linreg, sgd(0.05)),
    run("replacement", "with", linreg, sgd(0.05)),
    run("replacement", "in_order", linreg, sgd(0.05)),
    run("twice", "gd", linreg, sgd(0.5)),
    run("twice", "gd_twice", linreg, sgd(0.5)),
    run("twice", "sgd1", linreg, sgd(0.005)),
    run("twice", "sgd1_twice", linreg, sgd(0.005)),
    run("twice", "mini", linreg, sgd(0.05)),
    run("twice", "mini_twice", linreg, sgd(0.05)),
    run("threes_sevens", "fit", seven, sgd(1.0)),
    run("mnist", "regression", softmax_regression, sgd(0.1)),
    run("mnist", "perceptron", perceptron, sgd(0.1)),
    run("lenet", "fit", lenet, momentum(0.05)),
    *(run("overfit", block, polynomial, momentum(0.05), penalty, degree=degree)
      for block, penalty in (("free", None), ("calm", small_weights)) for degree in (1, 3, 15)),
    run("folds", "fit degree=3 fold=2", polynomial, momentum(0.1)),
    run("early_stop", "fit", small_curve, adam(0.01)),
    run("own_optimizer", "by_sgd", line, sgd(0.1)),
    run("own_optimizer", "by_lion", line, with_rate(Lion, cosine(0.1))),
    run("own_optimizer", "by_adam", line, adam(0.1)),
    run("own_layer", "fit", rings, adam(0.01)),
    run("gradient_penalty", "plain", curve, adam(0.003)),
    run("gradient_penalty", "smooth", smooth_curve, adam(0.003)),
    run("fine_tune", "pre", digit, sgd(0.1)),
    run("fine_tune", "tune", big, {"big": sgd(0.1)}),
    run("fine_tune", "both", big, {"big": sgd(0.1), "features": sgd(0.001)}),
    run("lora", "pre", hills("y"), adam(0.005)),
    run("lora", "tune", hills("z"), adam(0.005)),
    run("lora", "full", hills("z"), adam(0.005)),
    run("lora", "cold", hills("z"), adam(0.005)),
    run("sparse", "fit", sparse, sgd(0.2), lambda w: 0.001 * (w["logistic.w"] ** 2).sum() / 2),
    run("table", "price", price, adam(0.005)),
    run("table", "sold", sold, adam(0.005), weight=balanced_sold),
    run("contrastive", "clip", views, adam(0.005)),
    run("lstm", "fit", shape, clipped(adam(0.01), 1)),
    run("gpt", "speak", gpt, clipped(adamw(warm_cosine(3e-3, 0.05), 0.1, of_vectors=0), 1)),
    run("resnet", "fit", resnet, momentum(cosine(0.05))),
    run("burgers", "solve", burgers, adam(cosine(0.005))),
    run("gan", "gan", falls="off_ring"),
    run("vae", "vae"),
    run("embeddings", "skip_gram"),
]
