"""The models of models/ written again for torch, and their runs."""
import math
import torch
import torch.nn.functional as F
from twins import *


# ---- tables
def line(w, b):
    return half_squared(b["x"] @ w["line.w"] + w["line.b"], b["y"])


def norms(first, second):
    return lambda w: first * w["line.w"].abs().sum() + second * (w["line.w"] ** 2).sum() / 2


class Proximal(torch.optim.Optimizer):
    """torch.optim has none: gradient descent, then what is small becomes 0."""
    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 1.0})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p -= group["lr"] * p.grad
                if p.dim():
                    p.copy_(F.softshrink(p, group["lr"] * 0.1))


def rate(w, b):
    return torch.stack([b["age"], b["power"]], 1) @ w["rate.w"] + w["rate.r"][b["region"]] + w["rate.b"]


def frequency(w, b):
    return F.poisson_nll_loss(rate(w, b) + torch.log(b["exposure"]), b["claims"], reduction="none")


def severity(w, b):
    z = rate(w, b)
    return b["cost"] * torch.exp(-z) + z


def quantiles(w, b):
    def pinball(p, q):
        return torch.maximum(q * (b["y"] - p), (q - 1) * (b["y"] - p))
    z = dense(w, "three.z.dense", F.relu(dense(w, "three.h.dense", b["x"])))
    below, above = z[:, 1] - F.softplus(z[:, 0]), z[:, 1] + F.softplus(z[:, 2])
    return pinball(below, 0.1) + pinball(z[:, 1], 0.5) + pinball(above, 0.9)


def sparse(w, b, name="score_of"):
    return (w[name + ".w"][b["x_indices"]] * b["x_values"]).sum(1) + w[name + ".b"]


def sign(b):
    return 2 * b["labels"] - 1


def perceptron(w, b):
    z = -sign(b) * sparse(w, b)
    return torch.where(z >= 0, z, 0)           # a row on the line counts as wrong


def machine(w, b):
    v = w["machine.v"].T[b["x_indices"]] * b["x_values"][..., None]
    pairs = (v.sum(1) ** 2 - (v ** 2).sum(1)).sum(1) / 2
    return binary_cross_entropy(sparse(w, b, "machine") + pairs, b["labels"] == 1)


def soft(w, b):
    return dense(w, "soft.dense", b["x"])


def focal(w, b):
    e = cross_entropy(soft(w, b), b["y"])
    return e * (1 - torch.exp(-e)) ** 2


def smoothed(w, b):
    return F.cross_entropy(soft(w, b), b["y"], reduction="none", label_smoothing=0.1)


def margin(w, b):
    z = soft(w, b)
    return (z - pick(z, b["y"])[:, None] + 1 - F.one_hot(b["y"], 3)).max(1)[0]


def tags(w, b):
    z = dense(w, "tagger.dense", F.relu(dense(w, "tagger.h.dense", b["x"])))
    return binary_cross_entropy(z, b["t"]).mean(1)


def taste(w, b):
    p, q = w["taste.p"][b["person"]], w["taste.q"][b["film"]]
    z = (p * q).sum(1) + w["taste.of_person"][b["person"]] + w["taste.of_film"][b["film"]] + w["taste.all"]
    return half_squared(z, b["stars"])


def decaying_taste(w, b):
    return taste(w, b) + 0.05 * ((w["taste.p"][b["person"]] ** 2).sum(1) + (w["taste.q"][b["film"]] ** 2).sum(1)) / 2


def ranking(w, b):
    def worth(thing):
        return (p * w["worth.q"][thing]).sum(1) + w["worth.b"][thing]
    p = w["worth.p"][b["person"]]
    squares = sum((v ** 2).sum(1) for v in (p, w["worth.q"][b["chosen"]], w["worth.q"][b["other"]]))
    return F.softplus(worth(b["other"]) - worth(b["chosen"])) + 0.01 * squares / 2


def wide_and_deep(w, b):
    age = torch.where(torch.isnan(b["age"]), w["cars.age.median"], b["age"])

    def standardized(x, name):
        return (x - w[f"cars.{name}.mean"]) / w[f"cars.{name}.deviation"]
    x = torch.stack([standardized(age, "age"), torch.isnan(b["age"]).to(age.dtype),
                     standardized(torch.log(b["power"]), "power")], 1)
    vectors = [embedding(w, f"worth.{k}.embedding", b[field]) for k, field in (("r", "region"), ("f", "fuel"))]
    h = F.relu(dense(w, "worth.h.dense", torch.cat([*vectors, x], 1)))
    z = dense(w, "worth.dense", h)[:, 0] + w["worth.wide"][b["region"], b["fuel"]]
    return half_squared(z, standardized(torch.log(b["price"]), "price"))


def ordered(w, b):
    c = w["shares.c"]
    p = torch.sigmoid(torch.cumsum(torch.stack([c[0], c[1].exp(), c[2].exp()]), 0) - (b["x"] @ w["shares.w"])[:, None])
    return -torch.log(pick(torch.diff(F.pad(F.pad(p, (0, 1), value=1), (1, 0))), b["y"]) + 1e-7)


# ---- words
def word2vec(w, b):
    v, around = w["word.e"][b["center"]], w["around.e"]
    far = torch.einsum("bkd,bd->bk", around[b["others"]], v)
    return F.softplus(-(v * around[b["context"]]).sum(1)) + F.softplus(far).sum(1)


def bag(w, b):
    there = (b["x"] != 0).to(w["bag.e"].dtype)[..., None]
    h = (there * w["bag.e"][b["x"]]).sum(1) / there.sum(1).clamp(min=1)
    return cross_entropy(dense(w, "bag.dense", h), b["y"])


def rnn_speaks(w, b):
    h = recurrent(w, "recurrent.h.gru", embedding(w, "recurrent.e.embedding", b["x"]))
    return cross_entropy(dense(w, "recurrent.dense", h), b["y"]).mean(1)


def gpt_speaks(w, b):
    h = w["gpt.e"][b["x"]] + w["gpt.p"]
    for k in range(2):
        h = transformer_block(w, "gpt", k, h, 2, True)
    return cross_entropy(layer_norm(w, "gpt.layer_norm", h) @ w["gpt.e"].T, b["y"]).mean(1)


def every_fourth(w, b):
    seen = torch.arange(b["x"].shape[1]) % 4 != 1
    h = torch.where(seen[:, None], w["bert.e"][b["x"]], w["bert.hidden"]) + w["bert.p"]
    for k in range(2):
        h = transformer_block(w, "bert", k, h, 2, False)
    z = dense(w, "bert.dense", layer_norm(w, "bert.layer_norm", h))
    return cross_entropy(z, b["x"])[:, ~seen].mean(1)


def translation(w, b):
    h = recurrent(w, "encoder.gru", embedding(w, "encoder.embedding", b["x"]))
    e = embedding(w, "decoder.e.embedding", b["y"][:, :5])
    s = recurrent(w, "decoder.s.gru", torch.cat([w["decoder.first"].expand(len(e), 1, -1), e], 1))
    looks = F.softmax(dense(w, "decoder.q.dense", s) @ h.transpose(1, 2), 2)
    return cross_entropy(dense(w, "decoder.dense", torch.cat([s, looks @ h], 2)), b["y"]).mean(1)


# ---- pictures
def vgg(w, b):
    h = b["x"]
    for i in range(2):
        for j in range(2):
            h = F.relu(conv2d(w, f"vgg.h[{i}][{j}].conv2d", h, padding=1))
        h = F.max_pool2d(h, 2)
    return cross_entropy(dense(w, "vgg.dense", F.relu(dense(w, "vgg.g.dense", h.flatten(1)))), b["y"])


def resnet(model, norm):
    def loss(w, b):
        def normed(name, x, **how):
            return norm(w, name, conv2d(w, name + ".conv2d", x, **how))
        h = F.relu(normed(model + ".h", b["x"], padding=1))
        for k in range(2):
            n = f"{model}.h[{k}].block"
            a = F.relu(normed(n + ".a", h, stride=k + 1, padding=1))
            short = normed(n + ".short", h, stride=k + 1) if k else h
            h = F.relu(normed(n + ".b", a, padding=1) + short)
        return cross_entropy(dense(w, model + ".dense", h.mean((2, 3))), b["y"])
    return loss


by_batch = resnet("by_batch", lambda w, n, x: batch_norm(w, n + ".batch_norm", x))
by_groups = resnet("by_groups", lambda w, n, x: group_norm(w, n + ".grouped.group_norm", x, 2))


def densenet(w, b):
    h = F.relu(conv2d(w, "net.h.conv2d", b["x"], padding=1))
    for i in range(2):
        for j in range(2):
            h = torch.cat([h, F.relu(conv2d(w, f"net.h[{i}][{j}].conv2d", h, padding=1))], 1)
        h = F.avg_pool2d(F.relu(conv2d(w, f"net.h[{i}].conv2d", h)), 2)
    return cross_entropy(dense(w, "net.dense", h.mean((2, 3))), b["y"])


def mobilenet(w, b):
    h = F.relu(conv2d(w, "net.h.conv2d", b["x"], padding=1))
    for n, stride in (("net.a.separable", 2), ("net.b.separable", 1)):
        d = F.relu(conv2d(w, n + ".d.conv2d", h, stride=stride, padding=1, groups=h.shape[1]))
        h = F.relu(conv2d(w, n + ".conv2d", d))
    return cross_entropy(dense(w, "net.dense", h.mean((2, 3))), b["y"])


def unet(w, b):
    def two(name, x):
        a = F.relu(conv2d(w, name + ".two.a.conv2d", x, padding=1))
        return F.relu(conv2d(w, name + ".two.conv2d", a, padding=1))
    p = two("unet.a", b["x"])
    q = two("unet.b", F.max_pool2d(p, 2))
    r = two("unet.c", F.max_pool2d(q, 3))
    s = two("unet.d", torch.cat([conv_transpose2d(w, "unet.d.conv_transpose2d", r, stride=3), q], 1))
    t = two("unet.e", torch.cat([F.interpolate(s, scale_factor=2), p], 1))
    return mse(conv2d(w, "unet.conv2d", t), b["x"])


def two_layers(w, model, x, activation=F.relu):
    return dense(w, model + ".dense", activation(dense(w, model + ".h.dense", x)))


def autoencoder(w, b, few=0):
    v = b["x"].flatten(1)
    z = two_layers(w, "code", v)
    return mse(two_layers(w, "picture", z), v) + few * z.abs().sum(1)


def by_convolutions(w, b):
    h = F.relu(conv2d(w, "convolved.a.conv2d", b["x"], stride=2, padding=1))
    h = F.relu(conv2d(w, "convolved.b.conv2d", h, stride=2, padding=1))
    h = F.relu(conv_transpose2d(w, "convolved.c.conv_transpose2d", h, stride=2, padding=1))
    return mse(conv_transpose2d(w, "convolved.conv_transpose2d", h, stride=2, padding=1), b["x"])


def patches(x):
    return x.reshape(-1, 3, 4, 3, 4).transpose(2, 3).reshape(-1, 9, 16)


def vision_transformer(w, b):
    p = dense(w, "vit.patches.dense", patches(b["x"]))
    h = torch.cat([w["vit.token"].expand(len(p), 1, -1), p], 1) + w["vit.p"]
    for k in range(2):
        h = transformer_block(w, "vit", k, h, 2, False)
    return cross_entropy(dense(w, "vit.dense", layer_norm(w, "vit.layer_norm", h[:, 0])), b["y"])


def mixer(w, b):
    def mix(name, x):
        return dense(w, name + ".dense", F.gelu(dense(w, name + ".g.dense", layer_norm(w, name + ".g.layer_norm", x))))
    h = dense(w, "mixer.h.dense", patches(b["x"]))
    for k in range(2):
        h = h + mix(f"mixer.h[{k}].mix", h.transpose(1, 2)).transpose(1, 2)
        h = h + mix(f"mixer.h[{k}].mix.2", h)
    return cross_entropy(dense(w, "mixer.dense", layer_norm(w, "mixer.layer_norm", h).flatten(1)), b["y"])


def two_tasks(w, b):
    h = F.relu(dense(w, "trunk.dense", b["x"].flatten(1)))
    s = w["doubt"]
    light = half_squared(dense(w, "brightness.dense", h)[:, 0], 10 * b["x"].flatten(1).mean(1))
    return torch.exp(-s[0]) * cross_entropy(dense(w, "direction.dense", h), b["y"]) + torch.exp(-s[1]) * light + s.sum() / 2


# ---- series
def classes_of_series(w, b):
    h = F.relu(conv1d(w, "class.a.conv1d", b["x"].transpose(1, 2), stride=2))
    h = F.relu(conv1d(w, "class.b.conv1d", h, padding=1))
    return cross_entropy(dense(w, "class.dense", h.mean(2)), b["y"])


def forecast(w, b):
    def causal(name, x, dilation):
        return conv1d(w, name + ".causal.conv1d", F.pad(x, (dilation, 0)), dilation=dilation)
    s = b["x"].transpose(1, 2)
    h = causal("next.h", s[..., :-1], 1)
    for k in range(3):
        h = h + F.relu(causal(f"next.h[{k}]", h, 2 ** k))
    return mse(conv1d(w, "next.conv1d", h), s[..., 1:])


def last_of(model, *layers):
    def loss(w, b):
        h = torch.cat([recurrent(w, f"{model}.{layer}", b["x"].flip(1) if "back" in layer else b["x"])[:, -1]
                       for layer in layers], 1)
        return cross_entropy(dense(w, model + ".dense", h), b["y"])
    return loss


def state_space(w, b):
    x, total = torch.zeros_like(b["s"][:, :2]), 0
    for v in b["s"].T:
        e = v - x @ w["innovations.c"]
        x = x @ w["innovations.a"].T + e[:, None] * w["innovations.k"]
        total = total + e ** 2
    return total / b["s"].shape[1]


def smoothing(w, b):
    level, trend = torch.sigmoid(w["smoothed.level"]), torch.sigmoid(w["smoothed.trend"])
    l, t, total = 0, 0, 0
    for v in b["s"].T:
        total = total + (v - l - t) ** 2
        now = level * v + (1 - level) * (l + t)
        l, t = now, trend * (now - l) + (1 - trend) * t
    return total / b["s"].shape[1]


def volatility(w, b):
    p, h, total = w["variance.p"], torch.ones_like(b["s"][:, 0]), 0
    for v in b["s"].T:
        total = total + torch.log(h) + v ** 2 / h
        h = torch.exp(p[0]) + torch.sigmoid(p[1]) * v ** 2 + 0.5 * torch.sigmoid(p[2]) * h
    return total / b["s"].shape[1] / 2


def simulation(w, b):
    x, seen = b["first"], []
    for u in b["force"].T:
        x = x @ w["system.a"].T + u[:, None] * w["system.b"]
        seen.append(x)
    return mse(torch.stack(seen, 1), b["moved"])


def runge_kutta(f, h, dt):
    a = f(h)
    b = f(h + dt / 2 * a)
    c = f(h + dt / 2 * b)
    return h + dt / 6 * (a + 2 * b + 2 * c + f(h + dt * c))


def neural_ode(w, b):
    h = F.pad(b["x"], (0, 1))
    for _ in range(10):
        h = runge_kutta(lambda h: dense(w, "velocity.dense", torch.tanh(dense(w, "velocity.g.dense", h))), h, 0.1)
    return cross_entropy(dense(w, "net.dense", h), b["y"])


def populations(w, b):
    r, h, seen = torch.exp(w["logs"]), b["first"], []

    def change(h):
        return torch.stack([h[:, 0] * (r[0] - r[1] * h[:, 1]), h[:, 1] * (r[2] * h[:, 0] - r[3])], 1)
    for _ in range(10):
        h = runge_kutta(change, runge_kutta(change, h, 0.1), 0.1)
        seen.append(h)
    return mse(torch.stack(seen, 1), b["later"])


def random_field(w, b):
    e = w["miss.w"] * b["x"][..., None] + w["miss.c"]
    a, y = e[:, 0], b["y"]
    for i in range(1, 8):
        a = torch.logsumexp(a[:, :, None] + w["miss.t"], 1) + e[:, i]
    return torch.logsumexp(a, 1) - pick(e, y).sum(1) - w["miss.t"][y[:, :-1], y[:, 1:]].sum(1)


def spikes(w, b):
    current, said = dense(w, "input.dense", b["x"]), 0
    v = torch.zeros_like(current)
    for _ in range(8):
        v = 0.8 * v + current
        s = torch.sigmoid(5 * (v - 1))
        s = s + ((v > 1).to(v.dtype) - s).detach()
        v = v - s
        said = said + dense(w, "output.dense", s)[:, 0]
    return F.relu(1 - said / 8 * (2 * b["y"] - 1))


# ---- what makes samples
def vae(w, b):
    h = torch.tanh(dense(w, "encoder.h.dense", b["x"]))
    mu, lv = dense(w, "encoder.mu.dense", h), dense(w, "encoder.lv.dense", h)
    miss = two_layers(w, "decoder", mu + torch.exp(lv / 2) * b["given"], torch.tanh) - b["x"]
    return 5 * (miss ** 2).sum(1) + min(1, 5 * b["progress"]) * (mu ** 2 + lv.exp() - 1 - lv).sum(1) / 2


def forger(w, b):
    return two_layers(w, "forger", b["given"])


def critic(w, x):
    return two_layers(w, "critic", x, F.leaky_relu)[:, 0]


def critic_tells(w, b):
    return binary_cross_entropy(critic(w, b["x"]), 1) + binary_cross_entropy(critic(w, forger(w, b)), 0)


def forger_fools(w, b):
    return binary_cross_entropy(critic(w, forger(w, b)), 1)


def distance_and_steepness(w, b):
    fake = forger(w, b)
    between = (b["part"][:, None] * b["x"] + (1 - b["part"][:, None]) * fake).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(w, between).sum(), between, create_graph=True)
    return critic(w, fake) - critic(w, b["x"]) + 10 * (torch.linalg.vector_norm(slope, dim=1) - 1) ** 2


def adversaries(tells, fools, beta2, *when):
    rate = adam(0.002, (0.5, beta2))
    return [(tells, {"critic": rate}), (fools, {"forger": rate}, *when)]


def flow(w, b):
    z, total = b["x"], 0
    for k in range(4):
        n = f"flow.z_l[{k}].couple"
        kept, moved = (z[:, 0], z[:, 1]) if k % 2 == 0 else (z[:, 1], z[:, 0])
        h = F.relu(dense(w, n + ".h.dense", kept[:, None]))
        s = torch.tanh(dense(w, n + ".s.dense", h)[:, 0])
        moved = moved * torch.exp(s) + dense(w, n + ".t.dense", h)[:, 0]
        z = torch.stack([kept, moved] if k % 2 == 0 else [moved, kept], 1)
        total = total + s
    return (z ** 2).sum(1) / 2 + math.log(2 * math.pi) - total


def diffusion(w, b):
    t, e = b["when"], b["noise"]
    a = torch.cos(math.pi / 2 * (0.002 + 0.99 * t))[:, None] ** 2
    f = torch.sin(t[:, None] * 2 ** torch.arange(4))
    h = torch.cat([torch.sqrt(a) * b["x"] + torch.sqrt(1 - a) * e, f, t[:, None]], 1)
    for k in range(2):
        h = F.silu(dense(w, f"noise_in.h[{k}].dense", h))
    return ((dense(w, "noise_in.dense", h) - e) ** 2).sum(1)


# ---- codes and clusters
def code(w, x):
    return two_layers(w, "code", x)


def length(x):
    return torch.linalg.vector_norm(x, dim=1)


def contrastive(w, b):
    a, p, n = (code(w, b[k]) for k in "apn")
    return ((a - p) ** 2).sum(1) + F.relu(1 - length(a - n)) ** 2


def triplets(w, b):
    return F.triplet_margin_loss(*(code(w, b[k]) for k in "apn"), eps=0, reduction="none")


def within_batch(w, b):
    z, v = (F.normalize(code(w, b[k])) for k in "ap")
    return F.cross_entropy(5 * z @ v.T, torch.arange(len(z)), reduction="none")


def hard_triplets(w, b):
    z = code(w, b["a"])
    d = ((z[:, None] - z) ** 2).sum(2)
    same = b["y"][:, None] == b["y"]
    farthest = torch.where(same, d, 0).max(1)[0]
    return F.relu(farthest - torch.where(same, torch.inf, d).min(1)[0] + 1)


def k_means(w, b):
    return ((b["x"][:, None] - w["distances.c"]) ** 2).sum(2).min(1)[0]


def mixture(w, b):
    z = (b["x"][:, None] - w["density.m"]) / w["density.s"].exp()
    p = F.log_softmax(w["density.w"], 0) - (z ** 2 / 2 + w["density.s"]).sum(2) - math.log(2 * math.pi)
    return -torch.logsumexp(p, 1)


def quantised(w, b):
    z = two_layers(w, "encoder", b["x"], torch.tanh)
    e = w["book.e"][((z[:, None] - w["book.e"]) ** 2).sum(2).argmin(1)]
    miss = mse(two_layers(w, "decoder", z + (e - z).detach(), torch.tanh), b["x"])
    return miss + mse(e, z.detach()) + 0.25 * mse(z, e.detach())


# ---- parts that learn apart, and from each other
def teacher(w, b):
    return cross_entropy(two_layers(w, "teacher", b["x"]), b["y"])


def taught(w, b):
    s, t = (two_layers(w, n, b["x"]) / 2 for n in ("student", "teacher"))
    soft = 4 * F.kl_div(F.log_softmax(s, 1), F.softmax(t, 1), reduction="none").sum(1)
    return 0.9 * soft + 0.1 * cross_entropy(2 * s, b["y"])


def mean_teacher(w, b):
    s = two_layers(w, "student", b["x"])
    t = two_layers(averages(w), "student", b["x"] + 0.1)
    return cross_entropy(s, b["y"]) + mse(F.softmax(s, 1), F.softmax(t, 1))


def adapter(target):
    def loss(w, b):
        def lora(n, x):
            return F.linear(x, w[n + ".w"], w[n + ".c"]) + x @ w[n + ".a"].T @ w[n + ".b"].T
        return half_squared(lora("net.lora", F.relu(lora("net.h.lora", b["x"])))[:, 0], target(b["y"]))
    return loss


def experts(w, b):
    x = b["x"][:, None]
    g = F.softmax(two_layers(w, "gate", x, torch.tanh), 1)
    e = (w["answers.v"] * torch.tanh(w["answers.w"] * x[..., None] + w["answers.c"])).sum(2)
    return half_squared((g * e).sum(1), b["y"]) + 0.1 * (g.mean(0) ** 2).sum()


def hypernetwork(w, b):
    v = two_layers(w, "weights", b["c"])
    h = torch.tanh(v[:, :8] * b["x"][:, None] + v[:, 8:16])
    return half_squared((v[:, 16:24] * h).sum(1) + v[:, 24], b["y"])


def meta_learning(w, b):
    def net(p, x):
        v, c, o, bias = p
        return (o[:, None] * torch.tanh(v[:, None] * x[..., None] + c[:, None])).sum(2) + bias[:, None]
    rows = len(b["x"])
    p = [w["adapted." + n].expand(rows, *w["adapted." + n].shape) for n in "wcob"]
    inner = mse(net(p, b["x"][:, :5]), b["y"][:, :5]).sum()
    stepped = [a - 0.05 * g for a, g in zip(p, torch.autograd.grad(inner, p, create_graph=True))]
    return mse(net(stepped, b["x"][:, 5:]), b["y"][:, 5:])


def reinforce(w, b):
    l, v = F.log_softmax(two_layers(w, "policy", b["x"], torch.tanh), 1), two_layers(w, "value", b["x"], torch.tanh)[:, 0]
    chosen = pick(l, b["a"])
    actor = -((b["reward"] - v) * 3 * chosen.exp()).detach() * chosen
    return actor + half_squared(v, b["reward"]) + 0.01 * (l.exp() * l).sum(1)


def deep_q(w, b):
    target = b["reward"] + 0.9 * two_layers(averages(w), "q", b["next"], torch.tanh).max(1)[0]
    return F.huber_loss(pick(two_layers(w, "q", b["x"], torch.tanh), b["a"]), target, reduction="none")


def swing_up(w, b):
    a, s, total = 3 * b["x"][:, 0], b["x"][:, 1], 0
    for _ in range(20):
        u = 3 * torch.tanh(two_layers(w, "force", torch.stack([a.sin(), a.cos(), s], 1), torch.tanh)[:, 0])
        s = s + 0.05 * (9.8 * a.sin() / 3 + u - 0.1 * s)
        a = a + 0.05 * s
        total = total + 0.05 * (a ** 2 + 0.1 * s ** 2 + 0.01 * u ** 2)
    return total


# ---- distributions, kernels, equations, graphs
def mixture_density(w, b):
    h = torch.tanh(dense(w, "mixture.h.dense", b["x"][:, None]))
    share, mu, ls = (dense(w, f"mixture.{n}.dense", h) for n in ("w", "mu", "ls"))
    z = (b["y"][:, None] - mu) / ls.exp()
    return -torch.logsumexp(F.log_softmax(share, 1) - ls - z ** 2 / 2 - math.log(2 * math.pi) / 2, 1)


D = torch.distributions


def lives(w, b):
    return -D.Weibull(w["s"].exp(), w["k"].exp(), validate_args=False).log_prob(b["life"])


def heavy_tails(w, b):
    return -D.StudentT(w["n"].exp(), w["m"], w["s"].exp()).log_prob(b["heavy"])


def counts(w, b):
    return -D.NegativeBinomial(w["r"].exp(), logits=w["m"] - w["r"]).log_prob(b["count"])


def shares(w, b):
    return -D.Beta(w["a"].exp(), w["b"].exp()).log_prob(b["share"])


def growth(w, b):
    guess = w["most"].exp() * torch.sigmoid(2 * torch.sigmoid(w["rate"]) * (b["t"] - w["middle"]))
    return half_squared(guess, b["y"])


def survival(w, b):
    z = b["x"] @ w["risk.w"]
    at_risk = torch.where(b["time"] >= b["time"][:, None], z, -torch.inf)
    return b["died"] * (torch.logsumexp(at_risk, 1) - z)


def random_features(w, b):
    f = math.sqrt(2 / 40) * torch.cos(b["x"] @ w["features.w"].T + w["features.b"])
    return half_squared(f @ w["ridge.w"], b["y"])


def gaussian_process(w, b):
    k = torch.exp(-(b["x"][:, :1] - w["process.z"]) ** 2 / 2)
    v = math.exp(-2) + (w["process.s"].exp() * k ** 2).sum(1)
    return F.gaussian_nll_loss(k @ w["process.a"], b["y"], v, eps=0, reduction="none")


def heat(w, b):
    def u(x, t):
        h = torch.tanh(dense(w, "u.h.dense", torch.stack([x, t], 1)))
        return dense(w, "u.dense", torch.tanh(dense(w, "u.g.dense", h)))[:, 0]

    def slope(v, x):
        return torch.autograd.grad(v.sum(), x, create_graph=True)[0]
    x, t = (b["inside." + n].clone().requires_grad_(True) for n in "xt")
    v = u(x, t)
    miss = slope(v, t) - w["conductivity"] * slope(slope(v, x), x)
    return miss ** 2 + half_squared(u(b["measured.x"], b["measured.t"]), b["measured.v"])


def graph(w, b):
    a, known = b["linked"], b["known"]
    d = torch.sqrt(a.sum(2))
    a = a / (d[:, :, None] * d[:, None])
    z = a @ dense(w, "gcn.dense", F.relu(a @ dense(w, "gcn.h.dense", b["x"])))
    return (known * cross_entropy(z, b["group"])).sum(1) / known.sum(1)


RUNS = [
    run("linear", "least_squares", line, sgd(0.05)),
    run("linear", "ridge", line, sgd(0.05), norms(0, 0.1)),
    run("linear", "lasso", line, sgd(0.05), norms(0.1, 0)),
    run("linear", "elastic_net", line, sgd(0.05), norms(0.05, 0.05)),
    run("linear", "exact", line, with_rate(Proximal, 0.05)),
    run("claims", "frequency", frequency, adam(0.01)),
    run("claims", "severity", severity, adam(0.01)),
    run("quantiles", "fit", quantiles, adam(0.01)),
    run("logistic", "regression", lambda w, b: binary_cross_entropy(sparse(w, b), b["labels"] == 1), sgd(0.1),
        weight=lambda w, b: 1 + 2 * (b["labels"] == 1)),
    run("logistic", "machine", lambda w, b: F.relu(1 - sign(b) * sparse(w, b)),
        sgd(lambda step, epoch, progress: 1 / (0.01 * (step + 1000))), lambda w: 0.01 * (w["score_of.w"] ** 2).sum() / 2),
    run("logistic", "perceptron", perceptron, sgd(1)),
    run("losses_of_classes", "weighted", lambda w, b: cross_entropy(soft(w, b), b["y"]), sgd(0.1),
        weight=lambda w, b: 1 + 2 * (b["y"] == 0)),
    run("losses_of_classes", "focused", focal, sgd(0.1), weight=lambda w, b: 1 + 2 * (b["y"] == 0)),
    run("losses_of_classes", "smoothed", smoothed, sgd(0.1), weight=lambda w, b: 1 + 2 * (b["y"] == 0)),
    run("losses_of_classes", "machine", margin, sgd(0.1)),
    run("tags", "fit", tags, adam(0.01)),
    run("factorization_machine", "fit", machine, adagrad(0.05)),
    run("ratings", "together", decaying_taste, sgd(0.1)),
    run("ratings", "alternating", [(taste, {"taste.p": sgd(0.3)}), (taste, {"taste.q": sgd(0.3)})]),
    run("ranking", "fit", ranking, adagrad(0.1)),
    run("wide_and_deep", "fit", wide_and_deep, adam(0.005), average=0.9),
    run("ordered_classes", "fit", ordered, adam(0.02)),
    run("word2vec", "given", word2vec, sgd(lambda step, epoch, progress: 0.5 * (1 - progress))),
    run("word2vec", "drawn"),
    run("reviews", "fit", bag, sgd(1)),
    run("characters", "rnn_speaks", rnn_speaks, clipped(adam(0.003), 1)),
    run("characters", "gpt_speaks", gpt_speaks, clipped(adamw(warm_cosine(0.003, 0.05), 0.1, of_vectors=0), 1),
        dropped=0),
    run("characters", "gpt_speaks", epochs=3),
    run("characters", "bert_guesses", epochs=3),
    run("characters", "every_fourth", every_fourth, adamw(0.003)),
    run("translation", "fit", translation, clipped(adam(0.01), 1)),
    run("vgg", "fit", vgg, momentum(cosine(0.05)), dropped=0),
    run("vgg", "fit"),
    run("resnet", "batch_normed", by_batch, momentum(cosine(0.05))),
    run("resnet", "group_normed", by_groups, momentum(cosine(0.05))),
    run("densenet", "fit", densenet, adam(cosine(0.01))),
    run("mobilenet", "fit", mobilenet, adam(0.01)),
    run("unet", "denoise", unet, adam(0.003), spread_of_noise=0),
    run("unet", "denoise"),
    run("autoencoders", "plain", autoencoder, adam(0.003)),
    run("autoencoders", "denoising", autoencoder, adam(0.003), spread_of_noise=0),
    run("autoencoders", "denoising"),
    run("autoencoders", "sparse", lambda w, b: autoencoder(w, b, 0.001), adam(0.003)),
    run("autoencoders", "by_convolutions", by_convolutions, adam(0.003)),
    run("vision_transformer", "fit", vision_transformer, adamw(warm_cosine(0.003, 0.1))),
    run("mixer", "fit", mixer, adam(0.003)),
    run("two_tasks", "fit", two_tasks, adam(0.003)),
    run("convolved_series", "classes", classes_of_series, adam(0.01)),
    run("convolved_series", "forecast", forecast, adam(0.01)),
    run("recurrent", "elman", last_of("by_rnn", "rnn"), clipped(adam(0.01), 1)),
    run("recurrent", "long_short_term", last_of("by_lstm", "lstm"), clipped(adam(0.01), 1)),
    run("recurrent", "gated", last_of("by_gru", "gru"), clipped(adam(0.01), 1)),
    run("recurrent", "bidirectional", last_of("both_ways", "there.lstm", "back.lstm"), clipped(adam(0.01), 1)),
    run("series", "state_space", state_space, clipped(adam(0.01), 1)),
    run("series", "smoothing", smoothing, clipped(adam(0.05), 1)),
    run("series", "volatility", volatility, clipped(adam(0.01), 1)),
    run("series", "simulation", simulation, clipped(adam(0.01), 1)),
    run("neural_ode", "fit", neural_ode, adam(0.01)),
    run("populations", "fit", populations, clipped(adam(0.02), 1)),
    run("random_field", "fit", random_field, adam(0.05)),
    run("spikes", "fit", spikes, adam(0.01)),
    run("vae", "told", vae, adam(0.005)),
    run("vae", "drawn"),
    run("adversaries", "told", adversaries(critic_tells, forger_fools, 0.999)),
    run("adversaries", "wasserstein", adversaries(distance_and_steepness, lambda w, b: -critic(w, forger(w, b)), 0.9,
                                                  lambda step: step % 3 == 2)),
    run("adversaries", "drawn", falls="off_ring"),
    run("flow", "fit", flow, adam(0.003)),
    run("diffusion", "told", diffusion, adam(0.003)),
    run("diffusion", "drawn"),
    run("metric_learning", "contrastive", contrastive, adam(0.01)),
    run("metric_learning", "triplets", triplets, adam(0.01)),
    run("metric_learning", "within_batch", within_batch, adam(0.01)),
    run("metric_learning", "hard_triplets", hard_triplets, adam(0.01)),
    run("clusters", "k_means", k_means, sgd(0.1)),
    run("clusters", "mixture", mixture, adam(0.02)),
    run("clusters", "quantised", quantised, adam(0.01)),
    run("teachers", "learn", teacher, adam(0.01)),
    run("teachers", "teach", taught, adam(0.01)),
    run("teachers", "mean_teacher", mean_teacher, sgd(0.1), average=0.9),
    run("adapters", "before", adapter(lambda y: y), sgd(0.05)),
    run("adapters", "tune", adapter(lambda y: y ** 2), adam(0.01)),
    run("experts", "fit", experts, adam(0.01)),
    run("hypernetwork", "fit", hypernetwork, adam(0.005)),
    run("meta_learning", "fit", meta_learning, adam(0.003)),
    run("decisions", "reinforce", reinforce, adam(0.01)),
    run("decisions", "deep_q", deep_q, adam(0.01), average=0.9),
    run("decisions", "swing_up", swing_up, adam(0.01)),
    run("mixture_density", "fit", mixture_density, adam(0.01)),
    run("distributions", "lives", lives, adam(0.02)),
    run("distributions", "heavy_tails", heavy_tails, adam(0.02)),
    run("distributions", "counts", counts, adam(0.02)),
    run("distributions", "shares", shares, adam(0.02)),
    run("distributions", "growth", growth, adam(0.05)),
    run("survival", "fit", survival, momentum(0.1)),
    run("kernels", "random_features", random_features, momentum(0.1),
        lambda w: 0.001 * (w["ridge.w"] ** 2).sum() / 2),
    run("kernels", "gaussian_process", gaussian_process, adam(0.02)),
    run("equations", "heat", heat, adam(0.005)),
    run("graph", "fit", graph, adam(0.01)),
]
