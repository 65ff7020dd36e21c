#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes records for compare.sh from a real one: its host, with launches of a timed probe that a
seed draws. The hashes are those of the lines, so that the records are whole.

usage: make_records.py REAL OUT SEED LAUNCHES FACTOR [FACT=VALUE...]
FACTOR: in percent, what the times of "lookup" at 4000 are multiplied with. FACT: "cpus-online=64".
"""
import hashlib
import json
import random
import sys

PLACES = ("16", "250", "4000", "65000")


def lines_of(real, draw, launches, factor, facts):
    kept = [json.loads(line) for line in open(real)]
    header, host = kept[0], kept[1]
    header["started"] = f"2026-01-{launches:02}T12:00:00Z"
    header["selection"] = "area"
    for fact in facts:
        name, value = fact.split("=")
        host["host"][name] = json.loads(value)
    yield header
    yield host
    for model in ("linux", "textbook"):
        yield {"type": "prediction", "claim": "area.lookup-log", "probe": "area.lookup-log", "kind": "probe",
               "model": model, "parameters": {}, "expect": [
                   {"quantity": "lookup", "at": "", "unit": "ns", "form": "shape", "shape": "logarithmic",
                    "values": [16, 250, 4000, 65000], "inputs": list(PLACES), "because": "a tree", "cite": "epita"},
                   {"quantity": "areas", "at": "", "unit": "count", "form": "exact", "values": [4], "inputs": [],
                    "because": "four", "cite": "epita"}]}
    yield "seal"
    for launch in range(1, launches + 1):
        yield {"type": "trial", "number": launch, "probe": "area.lookup-log", "kind": "probe", "parameters": {},
               "launch": launch, "end": "observed", "signal": 0, "duration_us": 1000, "observations": 5}
        for place in PLACES:
            base = 1000000 * (factor / 100 if place == "4000" else 1)
            values = [round(base * draw.gauss(1, 0.01)) for _ in range(5)]
            yield {"type": "observation", "trial": launch, "quantity": "lookup", "at": place, "values": values,
                   "unit": "ns", "witness": "CPU time"}
        yield {"type": "observation", "trial": launch, "quantity": "areas", "at": "",
               "values": [4 if factor < 200 else 5], "unit": "count", "witness": "maps"}
    yield {"type": "verdict", "claim": "area.lookup-log", "probe": "area.lookup-log", "kind": "probe",
           "parameters": {}, "verdict": "pass" if factor < 200 else "deviation", "textbook": "agrees",
           "reading": "agreed", "expected": "", "observed": "", "textbook_expected": "", "because": "", "cite": ""}
    yield {"type": "summary", "complete": True, "counts": [], "trials": launches, "duration_ms": 1,
           "taint_before": 0, "taint_after": 0, "kernel_log": [], "notes": []}


def main(real, out, seed, launches, factor, *facts):
    digest, count = hashlib.sha256(), 0
    with open(out, "w") as stream:
        for line in lines_of(real, random.Random(int(seed)), int(launches), int(factor), facts):
            if line == "seal":
                line = {"type": "sealed", "sha256": digest.hexdigest(), "lines": count}
            if line["type"] == "summary":
                line["sha256"] = digest.hexdigest()
            text = json.dumps(line, separators=(",", ":")) + "\n"
            digest.update(text.encode())
            count += 1
            stream.write(text)


main(*sys.argv[1:])
