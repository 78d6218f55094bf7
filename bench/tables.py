"""What bench/run found, as text: the tables of docs/performance.md."""
import statistics

PEERS = ["parent", "each alone", "object", "C", "OpenBLAS", "oneDNN", "PyTorch", "torch.compile", "JAX", "JAX scan"]
ONE_THREAD = "sgdc, one thread"
LIMIT = "limit"                   # kernels of limits/, which are no peers


def humane(seconds):
    for unit, factor in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * factor < 999.5:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def count(number):
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:.3g}"


def size_text(size):
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size >> 10} KB"


def table(rows):
    yield "| " + " | ".join(rows[0]) + " |"
    yield "|---" + "|--:" * (len(rows[0]) - 1) + "|"
    for row in rows[1:]:
        yield "| " + " | ".join(row) + " |"


def medians(result):
    return {name: statistics.median(times) for name, times in result["seconds"].items() if times}


def cells_of_peers(found, names):
    """A cell for each name: the best of its variants ("C, by column"); what starts with "import" is not a contender."""
    for name in names:
        mine = [(t, n) for n, t in found.items() if n == name or n.startswith(name + ", by ")]
        best, imported = min(mine, default=None), found.get(name + ", import")
        yield ("" if best is None else humane(best[0]) + best[1][len(name) + 1:]
               + (f" (import {humane(imported)})" if imported else ""))


def contenders(found):
    return [t for n, t in found.items() if not n.startswith("sgdc") and not n.endswith(", import") and n != LIMIT]


def of_best(ours, found):
    best = min(contenders(found), default=None)
    return f"{ours / best:.2f}" if best else ""


def peers_of(results):
    present = {name.split(",")[0] for result in results for name in result["seconds"]}
    return [name for name in PEERS if name in present]


def workload_table(results, peak):
    names = peers_of(results)
    limits = any(LIMIT in result["seconds"] for result in results)
    rows = [["workload", "sgdc", "of peak", *names, "sgdc / best peer", *(["limit", "of limit"] if limits else [])]]
    for result in results:
        found = medians(result)
        ours, limit = found["sgdc"], found.get(LIMIT)
        share = lambda seconds: f"{100 * result['flops'] / seconds / peak / 1e9:.0f} %" if result["flops"] else ""
        rows.append([result["workload"], humane(ours), share(ours), *cells_of_peers(found, names), of_best(ours, found)])
        if limits:
            rows[-1] += [f"{humane(limit)} ({share(limit)})", f"{100 * limit / ours:.0f} %"] if limit else ["", ""]
    return table(rows)


def threads_table(results, peaks):
    names = peers_of(results)
    rows = [["workload", "sgdc", "sgdc, one thread", "times as fast", "of peak", *names, "sgdc / best peer"]]
    for result in results:
        found = medians(result)
        ours, alone = found["sgdc"], found.get(ONE_THREAD)
        peak = peaks[str(result["threads"])]["fma"]
        rows.append([result["workload"], humane(ours), humane(alone) if alone else "",
                     f"{alone / ours:.2f}" if alone else "", f"{100 * result['flops'] / ours / peak / 1e9:.0f} %",
                     *cells_of_peers(found, names), of_best(ours, found)])
    return table(rows)


def pieces_table(pieces):
    names = [name for name in ("sgdc", *PEERS) if any(name in found for found in pieces.values())]
    rows = [["256x256x256", *names]]
    for piece, times in pieces.items():
        found = {name: statistics.median(t) for name, t in times.items()}
        rows.append([piece, *(humane(found[name]) if name in found else "" for name in names)])
    return table(rows)


def kernels_table(kernels, peak):
    rows = [["kernel by hand", "time", "of peak", "GB/s"]]
    for name, found in kernels.items():
        seconds = statistics.median(found["seconds"])
        share = f"{100 * found['flops'] / seconds / peak / 1e9:.0f} %" if found["flops"] else ""
        rows.append([name, humane(seconds), share, f"{found['bytes'] / seconds / 1e9:.0f}"])
    return table(rows)


def reading_rate(peak, size):
    """GB/s from the smallest measured size that holds so much."""
    sizes = sorted(int(name) for name in peak if name != "fma")
    return peak[str(min((s for s in sizes if s >= size), default=sizes[-1]))]


def reading_table(results):
    """MB/s: more is better; so is a ratio above 1."""
    rows = [["csv of ten columns", "threads", "MB", "sgdc, MB/s", "pandas", "polars", "sgdc / best peer"]]
    for result in results:
        speed = {name: result["bytes"] / 1e6 / seconds for name, seconds in medians(result).items()}
        best = max((v for name, v in speed.items() if name != "sgdc"), default=None)
        rows.append([result["file"], str(result["threads"]), f"{result['bytes'] / 1e6:.0f}", f"{speed['sgdc']:.0f}",
                     *(f"{speed[name]:.0f}" if name in speed else "" for name in ("pandas", "polars")),
                     f"{speed['sgdc'] / best:.2f}" if best else ""])
    return table(rows)


def roofline_table(results, peaks):
    rows = [["workload", "flops", "bytes", "flops a byte", "limit", "set by", "reached"]]
    for result in results:
        if not result["flops"]:
            continue
        peak, ours = peaks[str(result["threads"])], medians(result)["sgdc"]
        traffic = sum(moved for moved, _ in result["traffic"])
        compute = result["flops"] / peak["fma"] / 1e9
        move = sum(moved / reading_rate(peak, size / result["threads"]) / 1e9 for moved, size in result["traffic"])
        limit = max(compute, move)
        rows.append([result["workload"], count(result["flops"]), count(traffic), f"{result['flops'] / traffic:.3g}",
                     humane(limit), "arithmetic" if compute >= move else "memory", f"{100 * limit / ours:.0f} %"])
    return table(rows)


def compile_table(compiled):
    """The passes on trees of loops are all that no other group has."""
    groups = [("parse, lower", ("parse", "lower")),
              ("graph", ("batch", "grad", "canonicalise", "sparse", "order", "rules")), ("data", ("data",)),
              ("loops", ()), ("emit", ("emit",)), ("optimise", ("optimise",)),
              ("machine code", ("machine code",)), ("link", ("link",))]
    known = {name for _, names in groups for name in names} | {"together"}
    rows = [["ms", *(name for name, _ in groups), "together", "object written", "of parent"]]
    for program, found in compiled.items():
        times = found["passes"]
        loops = [name for name in times if name not in known]
        cells = [sum(times.get(name, 0) for name in names or loops) for _, names in groups]
        rows.append([program, *(f"{t:.2f}" for t in cells), f"{times.get('together', sum(cells)):.1f}",
                     f"{1000 * statistics.median(found['object']):.0f}",
                     f"{statistics.median(o / p for o, p in zip(found['object'], found['parent'])):.2f}"
                     if found.get("parent") else ""])
    if not any(row[-1] for row in rows[1:]):
        rows = [row[:-1] for row in rows]
    return table(rows)


def memory_table(compiled):
    rows = [["memory of a step", "bytes"]]
    for program, found in compiled.items():
        for run, planned in found.get("memory", {}).items():
            rows.append([f"{program} {run}", f"{planned:,}"])
    return table(rows)


def report(found):
    alone = found["peaks"]["1"]
    level = found.get("cpu", "native")
    yield (f"{found['machine']}, {found['system']}; {found['date']}; the median of {found['repeats']}"
           + (f", nobody using more than {level}" if level != "native" else "")
           + (", in processor time" if found["clock"] == "cpu" else "")
           + (f", beside {found['busy']} other processes that compute." if found.get("busy") else "."))
    yield ""
    for threads, peak in found["peaks"].items():
        sizes = [name for name in peak if name != "fma"]
        yield (f"- Limits on {threads} thread" + ("s" if threads != "1" else "")
               + f", measured in the same run (`bench/peak.c`): {peak['fma']:.0f} GFLOP/s in f32; reading of " + ", ".join(size_text(int(s)) for s in sizes)
               + ", " + ", ".join(f"{peak[s]:.0f}" for s in sizes) + " GB/s.")
    yield "- Versions: " + ", ".join(f"{name} {version}" for name, version in found["versions"].items()) + "."
    reasons = {}
    for name, why in found["missing"].items():
        reasons.setdefault(why, []).append(name)
    if reasons:
        yield "- Not measured: " + "; ".join(f"{'; '.join(names)} ({why})" for why, names in reasons.items()) + "."
    single = [r for r in found["results"] if r["threads"] == 1]
    several = [r for r in found["results"] if r["threads"] > 1]
    if single:
        yield from ("", "### One thread", "", *workload_table(single, alone["fma"]))
    if several:
        yield from ("", "### Two threads", "", *threads_table(several, found["peaks"]))
    if any(r["flops"] for r in found["results"]):
        yield from ("", "### The roofline", "", *roofline_table(found["results"], found["peaks"]))
    if found["pieces"]:
        yield from ("", "### A contraction in pieces", "", *pieces_table(found["pieces"]))
    if found.get("kernels"):
        yield from ("", "### Kernels by hand", "", *kernels_table(found["kernels"], alone["fma"]))
    if found["compiled"]:
        yield from ("", "### Compile time and memory", "", *compile_table(found["compiled"]))
        if any(f["memory"] for f in found["compiled"].values()):
            yield from ("", *memory_table(found["compiled"]))
    if found["reading"]:
        yield from ("", "### Reading", "")
        yield from reading_table(found["reading"])
