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
    """The tensors under a prefix, without it; real ones in the type asked for, whole numbers as indices."""
    found = {}
    for name, value in tensors.items():
        if name.startswith(prefix + "."):
            value = torch.tensor(value)
            kind = dtype if value.is_floating_point() else value.dtype if value.dtype == torch.bool else torch.int64
            found[name[len(prefix) + 1:]] = value.to(kind)
    return found


def mini_batches(tensors, dtype):
    """The columns of each step's rows; of several data sets SET.COLUMN."""
    columns, first = named(tensors, "data", dtype), 0
    for count in tensors["rows_of_step"].tolist():
        rows = {name: torch.tensor(all_rows[first:first + count].astype(np.int64))
                for name, all_rows in tensors.items() if name == "rows" or name.startswith("rows.")}
        yield {name: column[rows.get("rows." + name.split(".")[0], rows["rows"])] for name, column in columns.items()}
        first += count


def take_steps(tensors, meta, updates, dtype=torch.float32, **how):
    """steps_of in the type, which is also that of the numbers that optimizers keep (nadam's product of its factors)."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return steps_of(tensors, meta, updates, dtype, **how)
    finally:
        torch.set_default_dtype(usual)


def steps_of(tensors, meta, updates, dtype, penalty=None, weight=None, average=None):
    """The loss of each step, the cells after the last, and of each number that learns the largest gradient it had.

    Each step takes the updates in order. An update is (the loss of each row, as a function of cells and mini-batch,
    optimizers, and perhaps when it is taken, as a function of the step). `optimizers` maps prefixes of parameters
    ("" is all) to (what makes a torch optimizer of a list of parameters, the learning rate as a function of step,
    epoch and progress). States of layers are the loss's to keep. `weight` says how much the rows of a mini-batch
    count; `average`, how much of the running average of the parameters stays at a step: it is kept in "average@NAME".
    """
    cells, learnt = named(tensors, "cell", dtype), meta["parameters"].split()
    averages = {n: cells.pop("trained@" + n).clone() for n in learnt if average}
    cells.update({"average@" + n: a for n, a in averages.items()})
    stepping = []
    for _, optimizers, *_ in updates:
        stepping.append([(make([cells[n].requires_grad_(True) for n in learnt if n.startswith(prefix)]), rate)
                         for prefix, (make, rate) in optimizers.items()])
    losses, planned = [], int(meta["planned"])
    steepest = {n: torch.zeros_like(cells[n]) for n in learnt}
    for step, batch in enumerate(mini_batches(tensors, dtype)):
        losses.append(0.0)
        batch["progress"] = step / planned
        for (loss, _, *when), optimizers in zip(updates, stepping):
            if when and not when[0](step):
                continue
            of_rows, weights = loss(cells, batch), weight(cells, batch) if weight else None
            value = (of_rows * weights).sum() / weights.sum() if weight else of_rows.mean()
            losses[-1] += value.item()
            for n in learnt:
                cells[n].grad = None
            (value + penalty(cells) if penalty else value).backward()
            for n in learnt:
                if cells[n].grad is not None:
                    steepest[n] = torch.maximum(steepest[n], cells[n].grad.abs())
            for optimizer, rate in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = rate(step, int(tensors["epoch_of_step"][step]), batch["progress"])
                optimizer.step()
        for n, a in averages.items():
            a.mul_(average).add_(cells[n].detach(), alpha=1 - average)
    return losses, {name: cell.detach() for name, cell in cells.items()}, steepest


def largest_difference(ours, theirs):
    """Relative to what they have; a number near 0 counts as a tenth of the largest."""
    least = max(abs(b) for b in theirs) / 10 or 1
    return max(abs(a - b) / max(abs(b), least) for a, b in zip(ours, theirs))
