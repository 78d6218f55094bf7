#!/usr/bin/env python3
"""Ten steps of every run of every example and of the models beside this, in sgdc and in PyTorch: same initial
parameters, same rows, same order.

    tests/pytorch/compare.py path/to/sgdc [program ...]

Prints the tables of docs/pytorch.md and exits with 1 if a difference is more than rounding. Needs PyTorch and numpy;
nothing else in the project does. What sgdc does comes from `sgdc --trace`; here the models are written again with
torch's own layers and losses (examples.py, models.py), differentiated by autograd and stepped by torch.optim.

Both take the steps in f64 (`sgdc --f64`), where all losses and all parameters have to be the same but for rounding in
f64: that is the proof that both compute the same. Then both take them in f32, where how far each is from PyTorch in f64
says what rounding does: sgdc may be some times as far as PyTorch's f32. A parameter may be farther where rounding decides on
which side of a kink a number lies; that row is marked. A number whose gradient is 0 but for rounding in all steps, which
adam divides by itself, is looked at in f64 only.

What draws by itself cannot be compared; it is trained, and its loss has to fall.
"""
import csv, os, re, subprocess, sys, tempfile
import torch
import examples, models
from trace import largest_difference, named, take_steps, trace

SAME = 1e-10                      # in f64, relative
UNMOVED = 1e-6                    # the same of numbers without gradient: adam makes at most 1e8 times rounding of it
FLAT = 1e-12                      # a gradient below this, in f64, is rounding
MOST, AS_FAR = 3e-6, 4            # in f32: so much is little; how many times as far as PyTorch's f32 is not much
FLOOR = 0.1                       # parameters near 0 count as if they were so large
HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "examples")
KINDS = {"example": (EXAMPLES, examples.RUNS),
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


def distance(some, others, wanted=None):
    """The largest; of numbers for which `wanted` says so, where it has their name."""
    largest = 0.0
    for name, cell in others.items():
        far = (some[name] - cell).abs() / cell.abs().clamp(min=FLOOR)
        of = (wanted or {}).get(name.removeprefix("trained@"))
        largest = max(largest, (far if of is None else torch.where(of, far, 0)).max().item())
    return largest


def options(run):
    return ["--run=" + run.block] + [f"--set={name}={value}" for name, value in run.settings.items()]


def shown(run):
    return f"| {run.program} | " + " ".join([run.block] + [f"{n}={value}" for n, value in run.settings.items()]) + " | "


def both(sgdc, folder, run, *how):
    """What sgdc traces, and a function that takes the same steps in PyTorch: losses and parameters of each."""
    tensors, meta = trace(sgdc, os.path.join(folder, run.program + ".sgd"), *options(run), *how)
    learnt = meta["parameters"].split()

    def by_torch(dtype):
        losses, cells, steepest = take_steps(tensors, meta, run.updates, dtype, **run.how)
        return losses, {n: cell.double() for n, cell in cells_after(cells, learnt, run.how["average"]).items()
                        if "@" not in n or n.startswith("trained@")}, {n: g > FLAT for n, g in steepest.items()}
    return tensors["loss_of_step"].tolist(), named(tensors, "after", torch.float64), by_torch


def compare(sgdc, folder, run):
    """One row of the table; whether sgdc computes what PyTorch does."""
    ours, after, by_torch = both(sgdc, folder, run, "--f64")
    exact, parameters, moved = by_torch(torch.float64)
    figures = [largest_difference(ours, exact), distance(after, parameters, moved)]
    good = max(figures) <= SAME and distance(after, parameters) <= UNMOVED
    ours, after, by_torch = both(sgdc, folder, run)
    (exact, parameters, moved), (theirs, their_parameters, _) = by_torch(torch.float64), by_torch(torch.float32)
    figures += [largest_difference(ours, exact), largest_difference(theirs, exact),
                distance(after, parameters, moved), distance(their_parameters, parameters, moved)]
    good &= figures[2] <= max(MOST, AS_FAR * figures[3])
    far = figures[4] > max(MOST, AS_FAR * figures[5])
    print(shown(run) + f"{len(ours)} | {ours[0]:.7g} | {ours[-1]:.7g} | "
          + " | ".join(f"{figure:.1e}" + "*" * (far and i == 4) for i, figure in enumerate(figures))
          + (" |" if good else " | DIFFERS |"), flush=True)
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
    os.environ.setdefault("SGDC_DATA", os.path.join(EXAMPLES, "data"))
    for kind, (folder, runs) in KINDS.items():
        if missing := set(blocks_of(folder)) - {(run.program, run.block.split()[0]) for run in runs}:
            sys.exit("not compared: " + ", ".join(" ".join(pair) for pair in sorted(missing)))
        chosen = [run for run in runs if not wanted or run.program in wanted]
        if compared := [run for run in chosen if run.updates]:
            print(f"\n| {kind} | run | steps | loss, first | last | f64: losses | parameters | f32: losses, sgdc | PyTorch "
                  "| parameters, sgdc | PyTorch |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
            good &= all([compare(sgdc, folder, run) for run in compared])
        if drawn := [run for run in chosen if not run.updates]:
            print(f"\n| {kind} that draws | run | figure | first epoch | last |\n|---|---|---|--:|--:|")
            good &= all([train(sgdc, folder, run) for run in drawn])
    print(f"\nPyTorch {torch.__version__}; " + ("all agree." if good else "NOT all agree."))
    sys.exit(not good)


if __name__ == "__main__":
    main()
