#!/usr/bin/env python3
"""Turns raw measurements into Markdown tables.

    table.py start RAW       hyperfine's JSON of benches/start.sh     -> benches/results/start.md
    table.py verify RAW      hyperfine's JSON of benches/verify.sh    -> benches/results/verify.md
    table.py registry RAW    JSON lines of the registry measurement   -> benches/results/registry.md
    table.py programs RAW    hyperfine's JSON of benches/programs.sh  -> benches/results/programs.md
    table.py instances RAW   JSON lines of benches/instances.rs       -> benches/results/instances.md
    table.py harvest RAW     the folder that benches/harvest.sh fills -> benches/results/harvest.md
    table.py serve RAW       the folder that benches/serve.sh fills   -> benches/results/serve.md
    table.py eval RAW        the folder that benches/eval.sh fills    -> benches/results/eval.md
    table.py                 all results -> the figures in README.md, between its two markers

Minima, because everything that disturbs a measurement makes it slower; ratios, because machines differ.
"""
import json
import os
import platform
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results"
README = HERE.parent / "README.md"
BEGIN, END = "<!-- figures: written by benches/table.py -->", "<!-- end of figures -->"


def machine():
    model = platform.processor() or platform.machine()
    try:
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def table(head, rows, left=1):
    line = lambda cells: "| " + " | ".join(str(c) for c in cells) + " |"
    rule = "|" + "|".join("---" if i < left else "--:" for i in range(len(head))) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def write(name, title, text):
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.md"
    path.write_text(f"### {title}\n\n{text}\n\nMeasured on {machine()}; `cargo xtask bench {name}` repeats it.\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


def commands(path):
    with open(path, encoding="utf-8") as file:
        return {r["command"]: r for r in json.load(file)["results"]}


def lines(paths):
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def ms(seconds):
    return f"{seconds * 1000:.1f}"


def start(raw):
    warm, cold = commands(raw / "warm.json"), commands(raw / "cold.json")
    base = warm["wasmtime run"]["min"]
    rows = []
    for name, r in warm.items():
        c = cold.get(name)
        rows.append([f"`{name}`", ms(r["min"]), ms(r["median"]), ms(r["user"] + r["system"]), f"{r['min'] / base:.2f}",
                     ms(c["min"]) if c else "–"])
    head = ["hello, whole process", "warm, minimum (ms)", "median (ms)", "CPU, mean (ms)", "× wasmtime", "first run, nothing cached (ms)"]
    zrun, version = warm["zrun hello.zero"], warm["zrun --version"]
    more = (zrun["user"] + zrun["system"] - version["user"] - version["system"]) * 1000
    note = f"CPU time of `zrun hello.zero` over `zrun --version`: {more:.1f} ms. The file is the same for every runner; each uses its own cache."
    write("start", "Start", table(head, rows) + "\n\n" + note)


def verify(raw):
    size = int((raw / "size").read_text())
    results = commands(raw / "verify.json")
    rows = [[f"`{n}`", ms(r["min"]), f"{size / r['min'] / 1e6:.0f}", ms(r["user"] + r["system"])] for n, r in results.items()]
    head = [f"one file of {size / 1e6:.0f} MB, whole process", "minimum (ms)", "MB/s", "CPU, mean (ms)"]
    write("verify", "Verification", table(head, rows))


def registry(raw):
    rows, commits, verified = [], [], []
    for r in lines([raw]):
        count = f"{r['packages']:,}".replace(",", " ")
        if "step" in r:
            rows.append([count, r["step"], r["requests"], r["waits"], f"{r['bytes'] / 1000:.1f}"])
        elif "verify_s" in r:
            verified.append(f"{r['verify_s']} s and {r['peak_mib']} MiB of memory for {count}")
        else:
            commits.append(f"{r['commit_ms']:.1f} ms with {count} packages")
    head = ["packages", "what the client does", "GETs", "one after another", "KB"]
    text = table(head, rows, left=2) + f"\n\nA commit of one package, synced to the disk, takes {', '.join(commits)}. To " \
        f"rebuild everything from the log and compare it takes {', '.join(verified)}, package files not counted."
    write("registry", "Registry: what a client fetches, without the program itself", text)


def serve(raw):
    """The folder that benches/serve.sh fills: what wrk said of each server, and JSON lines of benches/registry_rate.rs."""
    seen = {}
    for path in sorted(raw.glob("wrk-*")):
        _, server, connections, _ = path.name.split("-")
        text = path.read_text(encoding="utf-8")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
        late = {share: re.search(rf"\s{share}%\s+([\d.]+)(us|ms|s)", text).groups() for share in (50, 99)}
        late = {share: float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit] for share, (value, unit) in late.items()}
        failed = sum(map(int, re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", text)))
        seen.setdefault((int(connections), server), []).append((rate, late[50], late[99], failed))
    rows = []
    for (connections, server), runs in sorted(seen.items()):
        best = max(runs)
        theirs = max(seen[connections, "nginx"])[0]
        peak = int((raw / f"peak-{server}").read_text()) / (1 << 20)
        rows.append([f"{connections:,}".replace(",", " "), server, f"{best[0]:,.0f}".replace(",", " "), f"{best[0] / theirs:.2f}",
                     f"{best[1]:.1f}", f"{best[2]:.1f}", sum(run[3] for run in runs), f"{peak:.0f}"])
    head = ["connections", "server", "requests a second", "× nginx", "median (ms)", "p99 (ms)", "failed", "peak (MiB)"]
    text = table(head, rows, left=2)
    rates = [[r["how"], f"{r['releases']:,}".replace(",", " "), f"{r['releases'] / r['seconds']:,.0f}".replace(",", " ")]
             for r in lines([raw / "rate"])]
    text += "\n\n" + table(["releases, each with its file", "releases", "a second"], rates)
    write("serve", "Serving and publishing", "`zero-registry serve` and Debian's nginx over the same directory: small files, the load from the same machine.\n\n" + text)


PROGRAMS = {
    "warm-module": "csvstat, 0.5 MB module, warm",
    "warm-component": "csvstat as a component, warm",
    "better-module": "csvstat, warm, after a run of seconds",
    "better-component": "csvstat as a component, the same",
    "first-module": "csvstat, 0.5 MB module, nothing cached",
    "first-component": "csvstat as a component, nothing cached",
    "compute": "computing: a sieve",
    "files": "20 000 files opened, read, closed",
    "sockets": "20 000 messages of 64 bytes sent, and as many received",
}


def programs(raw):
    rows = []
    for name, title in PROGRAMS.items():
        results = commands(raw / f"{name}.json")
        peak = json.loads((raw / f"{name}.peak").read_text())
        ours, theirs = results["zrun"]["min"], results["wasmtime"]["min"]
        mib = lambda who: f"{peak[who] / (1 << 20):.1f}"
        rows.append([title, ms(ours), ms(theirs), f"{ours / theirs:.2f}", mib("zrun"), mib("wasmtime")])
    head = ["whole process, minimum", "zrun (ms)", "wasmtime (ms)", "×", "zrun, peak (MiB)", "wasmtime, peak (MiB)"]
    note = "A peak in a row without cache is that of a warm run." 
    write("programs", "Programs", table(head, rows) + "\n\n" + note)


def instances(raw):
    results = [json.loads(line) for line in raw.read_text(encoding="utf-8").splitlines()]
    rows = [[r["name"], f"{r['per_second']:,.0f}".replace(",", " "), f"{1e6 / r['per_second']:.1f}"] for r in results]
    head = ["one core: start a small module, call it, take it down", "a second", "µs each"]
    write("instances", "Many instances in one process", table(head, rows))


# Those that the plain pipeline can compile.
LIBRARIES = ("zstd", "lz4", "brotli", "utf8proc")


def both(raw):
    """Bytes of the texts of functions that harvest and the plain pipeline made, each with everything that it reaches."""
    ours, theirs = {}, {}
    for record in lines((raw / "l1-2/data").glob("*.jsonl")):
        ours.setdefault(record["provenance"]["symbol"], []).append(len(record["output"]))
    for record in lines(raw / f"plain-{name}.jsonl" for name in LIBRARIES):
        if "(import" not in record["output"]:
            theirs.setdefault(record["name"], []).append(len(record["output"]))
    return [(ours[name][0], theirs[name][0]) for name in ours.keys() & theirs.keys() if len(ours[name]) == len(theirs[name]) == 1]


def harvest(raw):
    load = lambda name: json.loads((raw / name).read_text(encoding="utf-8"))
    one, two, full, alone = load("l1-1.json"), load("l1-2.json"), load("l2.json"), load("alone.json")
    plain = [load(f"plain-{name}.json") for name in LIBRARIES]
    seconds = lambda run: sum(run["seconds"].values())
    plain_seconds, plain_records = sum(p["seconds"] for p in plain), sum(p["records"] for p in plain)
    rows = []
    for name, took, records in [
        ("harvest, L1, 2 jobs", seconds(two), two["total"]["records"]),
        ("harvest, L1, 1 job", seconds(one), one["total"]["records"]),
        ("harvest, L2, 2 jobs", seconds(full), full["total"]["records"]),
        ("the plain pipeline, 2 jobs", plain_seconds, plain_records),
        ("clang alone, 2 jobs", alone["seconds"], None),
    ]:
        rows.append([name, f"{took:.2f}", records or "–", f"{records / took:.1f}" if records else "–"])
    text = table([", ".join(LIBRARIES), "seconds", "records", "records a second"], rows)
    rate = (two["total"]["records"] / seconds(two)) / (plain_records / plain_seconds)
    each = two["seconds"]["slice"] * 2 / two["total"]["l1"] * 1000
    empty = sum(p["modules"] - p["records"] for p in plain)
    shares = sorted(ours / theirs for ours, theirs in both(raw))
    text += (f"\n\nThe plain pipeline also made {empty} modules without the function that they are for (it was static); they are not "
             f"counted. Of {len(shares)} functions that both made whole, harvest's text has {shares[len(shares) // 2]:.2f} × the bytes (median).")
    peaks = ", ".join(f"{int((raw / f'peak-{count}').read_text()) / (1 << 20):.0f} MiB of {count}" for count in (10, 100, 1000))
    small = load("small.json")
    small = small["seconds"]["slice"] / small["total"]["l1"] * 1000
    written = sum(len(record["output"]) for record in lines((raw / "l1-1/data").glob("*.jsonl"))) / one["seconds"]["slice"] / 1e6
    text += (f"\n\nThat is {rate:.1f} × the plain pipeline's records a second, {seconds(two) / alone['seconds']:.2f} × the time of clang alone, "
             f"and {seconds(one) / seconds(two):.2f} × as fast with two jobs as with one. From slicing to printing a small function takes {small:.2f} ms "
             f"of one core, these libraries' {each:.1f} ms: {written:.0f} MB of text a second. Peak memory for repositories of one function: {peaks}.")
    real, rows = load("real.json"), []
    for name, counts in [(r["repo"], r["counts"]) for r in real["repositories"]] + [("all", real["total"])]:
        share = lambda part, of: f"{100 * part / of:.0f} %" if of else "–"
        rows.append([name, counts["documented"], counts["compilable"], counts["l1"], share(counts["l1"], counts["compilable"]),
                     counts["self_contained"], counts["l2"], share(counts["l2"], counts["self_contained"]), counts["records"]])
    head = ["Debian's sources, with recipes", "documented", "compilable", "L1", "of compilable", "self-contained", "L2", "of self-contained", "records"]
    write("harvest", "Harvest", text + "\n\n" + table(head, rows))


def evaluation(raw):
    load = lambda name: json.loads((raw / name).read_text(encoding="utf-8"))
    ours, theirs, everything = load("zero.json"), load("wasmtime-py.json"), load("all.json")
    rate = lambda run: run["samples"] / run["seconds"]
    line = lambda name, run: [name, f"{run['samples']:,}".replace(",", " "), f"{rate(run):,.0f}".replace(",", " ")]
    rows = [line("`cargo zero eval`, tasks with numbers", ours), line("wasmtime-py, the same", theirs),
            line("`cargo zero eval`, all tasks", everything)]
    head = ["answers to WAT-Eval judged on two cores, 67 calls each", "answers", "answers a second"]
    write("eval", "Evaluation", table(head, rows) + f"\n\nThat is {rate(ours) / rate(theirs):.1f} × wasmtime-py.")


def render():
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    parts = [p.read_text(encoding="utf-8").strip() for p in sorted(RESULTS.glob("*.md"))]
    README.write_text(before + BEGIN + "\n\n" + "\n\n".join(parts) + "\n\n" + END + after, encoding="utf-8")


def main():
    if len(sys.argv) == 1:
        render()
    else:
        {"start": start, "verify": verify, "registry": registry, "programs": programs, "instances": instances, "harvest": harvest, "eval": evaluation, "serve": serve}[sys.argv[1]](Path(sys.argv[2]))


if __name__ == "__main__":
    main()
