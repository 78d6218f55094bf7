#!/usr/bin/env python3
"""Ten steps of every run of every example and of the models beside this, in sgdc and in PyTorch: same initial
parameters, same rows, same order.

    tests/pytorch/compare.py path/to/sgdc [program ...]

Prints the tables of docs/pytorch.md and exits with 1 if a difference is more than rounding. Needs PyTorch and numpy;
nothing else in the project does. What sgdc does comes from `sgdc --trace`; here the models are written again with
torch's own layers and losses (examples.py, models.py), differentiated by autograd and stepped by torch.optim. Each is
also run by PyTorch in f64: how far its f32 losses and parameters are from those says how much of a difference rounding
explains. Where that is not enough, as where rounding decides on which side of a kink a number lies, PyTorch starts a few
times more from parameters that differ by a millionth, and the worst of these is what rounding explains.

What draws by itself cannot be compared; it is trained, and its loss has to fall.
"""
import csv, os, re, subprocess, sys, tempfile
import numpy as np
import torch
import examples, models
from trace import largest_difference, named, take_steps, trace

MOST = 3e-6                       # relative; more than rounding explains in ten steps
FLOOR = 0.1                       # parameters near 0 count as if they were so large
NUDGES, AS_FAR = 8, 4             # runs from nudged parameters; how many times as far as the worst of them is enough
HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {"example": (os.path.join(HERE, "..", "..", "examples"), examples.RUNS),
         "model": (os.path.join(HERE, "models"), models.RUNS)}


def blocks_of(folder):
    """Program and train block of all programs there."""
    for file in sorted(os.listdir(folder)):
        if file.endswith(".sgd"):
            with open(os.path.join(folder, file)) as program:
                yield from ((file[:-4], block) for block in re.findall(r"^train (\w+)", program.read(), re.MULTILINE))


def cells_after(cells, learnt, averaged):
    """By the names of what sgdc has after the steps: with `average` a plain name is the average."""
    if not averaged:
        return cells
    return {("trained@" + n if n in learnt else n.removeprefix("average@")): cell for n, cell in cells.items()}


def distance(some, others):
    return max(((some[n] - cell).abs() / cell.abs().clamp(min=FLOOR)).max().item() for n, cell in others.items())


def nudged(tensors, learnt, seed):
    """Initial parameters, changed by up to a millionth."""
    draws = np.random.default_rng(seed)
    return tensors | {name: (tensors[name] * (1 + 1e-6 * draws.uniform(-1, 1, tensors[name].shape))).astype(np.float32)
                      for name in ("cell." + n for n in learnt)}


def options(run):
    return ["--run=" + run.block] + [f"--set={name}={value}" for name, value in run.settings.items()]


def shown(run):
    return f"| {run.program} | " + " ".join([run.block] + [f"{n}={value}" for n, value in run.settings.items()]) + " | "


def compare(sgdc, folder, run):
    """One row of the table; whether rounding explains it."""
    tensors, meta = trace(sgdc, os.path.join(folder, run.program + ".sgd"), *options(run))
    ours, after = tensors["loss_of_step"].tolist(), named(tensors, "after", torch.float64)
    learnt = meta["parameters"].split()

    def by_torch(tensors, dtype):
        losses, cells = take_steps(tensors, meta, run.updates, dtype, **run.how)
        return losses, {n: cell.double() for n, cell in cells_after(cells, learnt, run.how["average"]).items()
                        if "@" not in n or n.startswith("trained@")}
    theirs, parameters = by_torch(tensors, torch.float32)
    exact, exact_parameters = by_torch(tensors, torch.float64)
    figures = [largest_difference(ours, theirs), largest_difference(ours, exact), largest_difference(theirs, exact),
               distance(after, exact_parameters), distance(parameters, exact_parameters)]
    good = figures[0] <= MOST and figures[3] <= max(MOST, AS_FAR * figures[4])
    for seed in range(NUDGES):
        if good:
            break
        losses, cells = by_torch(nudged(tensors, learnt, seed), torch.float32)
        figures[2] = max(figures[2], largest_difference(losses, exact))
        figures[4] = max(figures[4], distance(cells, exact_parameters))
        good = figures[1] <= max(MOST, AS_FAR * figures[2]) and figures[3] <= max(MOST, AS_FAR * figures[4])
    print(shown(run) + f"{len(ours)} | {ours[0]:.7g} | {ours[-1]:.7g} | {theirs[-1]:.7g} | "
          + " | ".join(f"{figure:.1e}" for figure in figures) + (" |" if good else " LARGE |"), flush=True)
    return good


def train(sgdc, folder, run):
    """One row of what draws by itself; whether its loss, or what is looked at in its place, fell."""
    with tempfile.TemporaryDirectory() as scratch:
        log = os.path.join(scratch, "log.csv")
        subprocess.run([sgdc, os.path.join(folder, run.program + ".sgd"), "-q", "--log=" + log, *options(run)], check=True,
                       stdout=subprocess.DEVNULL)
        with open(log) as file:
            losses = [float(row[run.falls]) for row in csv.DictReader(line for line in file if line[0] != "#")]
    print(shown(run) + f"{run.falls} | {losses[0]:.7g} | {losses[-1]:.7g} |", flush=True)
    return losses[-1] < losses[0]


def main():
    sgdc, wanted, good = os.path.abspath(sys.argv[1]), set(sys.argv[2:]), True
    torch.set_num_threads(1)
    for kind, (folder, runs) in KINDS.items():
        if missing := set(blocks_of(folder)) - {(run.program, run.block.split()[0]) for run in runs}:
            sys.exit("not compared: " + ", ".join(" ".join(pair) for pair in sorted(missing)))
        chosen = [run for run in runs if not wanted or run.program in wanted]
        if compared := [run for run in chosen if run.updates]:
            print(f"\n| {kind} | run | steps | loss, first | last, sgdc | last, PyTorch | difference | sgdc to f64 "
                  "| PyTorch to f64 | parameters, sgdc to f64 | PyTorch to f64 |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
            good &= all([compare(sgdc, folder, run) for run in compared])
        if drawn := [run for run in chosen if not run.updates]:
            print(f"\n| {kind} that draws | run | figure | first epoch | last |\n|---|---|---|--:|--:|")
            good &= all([train(sgdc, folder, run) for run in drawn])
    print(f"\nPyTorch {torch.__version__}; " + ("all agree." if good else "NOT all agree."))
    sys.exit(not good)


if __name__ == "__main__":
    main()
