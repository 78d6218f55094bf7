#!/usr/bin/env python3
"""What --names=torch saves, in PyTorch, and what PyTorch saves, in sgdc: strict.py SGDC layers.sgd EXCHANGE.md lstm.sgd

The nn.Module below is layers.sgd as a person writes it. Both have to answer the same: within 1e-6 of the largest answer.
The program and the module of docs/exchange.md have to fit as well.
"""
import os, re, subprocess, sys, tempfile, textwrap
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv2d = nn.Conv2d(1, 4, 3, padding=1)
        self.batch_norm = nn.BatchNorm2d(4)
        self.norm = nn.GroupNorm(2, 4)

    def forward(self, x):
        return torch.relu(self.norm(self.batch_norm(self.conv2d(x))))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer_norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.layer_norm_2 = nn.LayerNorm(8)
        self.dense = nn.Linear(8, 16)
        self.dense_2 = nn.Linear(16, 8)

    def forward(self, t):
        n, later = self.layer_norm(t), torch.triu(torch.ones(4, 4, dtype=torch.bool), 1)
        t = t + self.attention(n, n, n, attn_mask=later, need_weights=False)[0]
        return t + self.dense_2(nn.functional.gelu(self.dense(self.layer_norm_2(t))))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(8))
        self.c = Stem()
        self.t = nn.Linear(16, 8)
        self.t_repeat = nn.ModuleList([Block(), Block()])
        self.b = nn.BatchNorm1d(8)
        self.dense = nn.Linear(8, 3)

    def forward(self, x):
        t = self.t(self.c(x).reshape(-1, 4, 16))
        for block in self.t_repeat: t = block(t)
        return self.dense(self.b(self.scale * t.mean(1)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = nn.LSTM(3, 8, batch_first=True)
        self.dense = nn.Linear(8, 3)

    def forward(self, x):
        return torch.softmax(self.dense(self.h(x)[1][0][0]), 1)


def sgdc(*arguments, fails=False):
    done = subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True)
    if (done.returncode != 0) != fails: sys.exit(f"FAILED: sgdc {' '.join(arguments)}: {done.stderr}")
    return done.stderr if fails else done.stdout


def predicted(program, saved):
    lines = sgdc("predict", program, "--load", saved).splitlines()[1:]
    return np.array([[float(v) for v in line.split(",")[-3:]] for line in lines])


def compare(what, net, x, wanted):
    with torch.no_grad(): got = net.eval()(x).double().numpy()
    worst = np.abs(got - wanted).max() / np.abs(wanted).max()
    if not worst <= 1e-6: sys.exit(f"FAILED: {what}: PyTorch answers {worst:.1e} off")
    print(f"{what}: {worst:.1e}")


def recurrent(program, folder):
    """A layer of the user's own, whose parameters are called as nn.LSTM calls them."""
    ours, theirs, trace = (os.path.join(folder, "lstm." + n) for n in ("ours", "theirs", "trace"))
    sgdc(program, "--run", "-q", "--save", ours, "--names=torch")
    sgdc(program, "--run", "-q", "--trace", trace)
    x, net = load_file(trace)["data.x"], Recurrent()
    net.load_state_dict(load_file(ours), strict=True)
    compare("lstm saved by sgdc", net, x, predicted(program, ours))
    net = Recurrent()
    save_file(net.state_dict(), theirs)
    compare("lstm saved by PyTorch", net, x, predicted(program, theirs))


def documented(folder):
    page = open(sys.argv[3]).read()
    program, saved = os.path.join(folder, "page.sgd"), os.path.join(folder, "page")
    open(program, "w").write(re.search(r"```sgd\n(.*?)```", page, re.S).group(1))
    classes = re.search(r"\n(    class Block.*?)\n\S", page, re.S).group(1)
    names = {"nn": nn, "torch": torch}
    exec(textwrap.dedent(classes), names)
    sgdc(program, "--run", "-q", "--save", saved, "--names=torch")
    names["Net"]().load_state_dict(load_file(saved), strict=True)


def main():
    program = sys.argv[2]
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs, trace, once = (os.path.join(folder, n) for n in ("ours", "theirs", "trace", "once"))
        sgdc(program, "--run", "-q", "--save", ours, "--names=torch")
        sgdc(program, "--run", "-q", "--trace", trace)
        x = load_file(trace)["data.x"]
        net = Net()
        net.load_state_dict(load_file(ours), strict=True)
        compare("saved by sgdc", net, x, predicted(program, ours))

        documented(folder)
        recurrent(sys.argv[4], folder)

        net = Net()
        save_file(net.state_dict(), theirs)
        compare("saved by PyTorch", net, x, predicted(program, theirs))

        # Training begins with it: a step that moves nothing leaves it as it was.
        text = open(program).read().replace("epochs    = 2", f'start     = load("{theirs}")\n  steps     = 1')
        begun = os.path.join(folder, "begun.sgd")
        open(begun, "w").write(text)
        sgdc(begun, "--run", "-q", "--set", "lr=0", "--save", once, "--names=torch")
        after = load_file(once)
        for key, value in net.state_dict().items():
            if "running" in key or "tracked" in key: continue  # the step moves these
            if not torch.equal(after[key], value): sys.exit(f"FAILED: {key} is not what PyTorch has saved")

        # What does not fit is listed.
        state = dict(net.state_dict())
        del state["c.norm.bias"]
        state["more"] = torch.zeros(2)
        state["t.weight"] = torch.zeros(8, 15)
        state["dense.bias"] = state["dense.bias"].half()
        save_file(state, theirs)
        said = sgdc("predict", program, "--load", theirs, fails=True)
        for part in ("1 missing, 1 not expected, 2 of another type or shape", "c.norm.bias is missing: f32[4]",
                     "more is not expected", "t.weight is f32[8, 15], and net.t.dense.w is f32[8, 16]",
                     "dense.bias is F16[3], and net.dense.b is f32[3]"):
            if part not in said: sys.exit(f"FAILED: not said: {part}\n{said}")


main()
