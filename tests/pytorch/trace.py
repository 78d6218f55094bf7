"""What `sgdc --trace` writes, and the same steps taken by PyTorch: shared by compare.py and prelude.py."""
import os, subprocess, tempfile
import numpy as np
import torch
from tensors import read_safetensors


def trace(sgdc, program, *options):
    """What sgdc says of the first steps of a run; a RuntimeError with its diagnostics if it says nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.safetensors")
        command = [sgdc, program, "--run", "-q", "--trace=" + path, *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or not os.path.exists(path):
            raise RuntimeError(" ".join(command) + "\n" + done.stderr)
        return read_safetensors(path)


def named(tensors, prefix, dtype=torch.float32):
    """The tensors under a prefix, without it; real ones in the type asked for."""
    found = {}
    for name, value in tensors.items():
        if name.startswith(prefix + "."):
            value = torch.tensor(value)
            found[name[len(prefix) + 1:]] = value.to(dtype) if value.is_floating_point() else value
    return found


def take_steps(tensors, meta, loss, optimizers, penalty=None, dtype=torch.float32, states=()):
    """The loss of each step, and the parameters after the last. `optimizers` maps prefixes of parameters ("" is all)
    to (what makes a torch optimizer of a list of parameters, the learning rate as a function of step, epoch and
    progress). The loss keeps the states itself."""
    cells, columns = named(tensors, "cell", dtype), named(tensors, "data", dtype)
    stepping = []
    for prefix, (make, rate) in optimizers.items():
        mine = [p.requires_grad_(True) for n, p in sorted(cells.items())
                if n.startswith(prefix) and "@" not in n and not n.endswith((".mean", ".deviation"))
                and n not in states]
        stepping.append((make(mine), rate))
    losses, first, planned = [], 0, int(meta["planned"])
    for step, count in enumerate(tensors["rows_of_step"].tolist()):
        rows = torch.tensor(tensors["rows"][first:first + count].astype(np.int64))
        first += count
        value = loss(cells, {name: column[rows] for name, column in columns.items()}).mean()
        losses.append(value.item())
        objective = value + penalty(cells) if penalty else value
        for optimizer, rate in stepping:
            optimizer.zero_grad()
            for group in optimizer.param_groups:
                group["lr"] = rate(step, int(tensors["epoch_of_step"][step]), step / planned)
        objective.backward()
        for optimizer, rate in stepping:
            optimizer.step()
    return losses, {name: cell.detach() for name, cell in cells.items()}


def largest_difference(ours, theirs):
    """Relative to what they have."""
    return max(abs(a - b) / max(abs(b), 1e-30) for a, b in zip(ours, theirs))
