#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes records for the tests of reports: fixture.py KIND FACTS OUT, sealed and summed up as a run does.

KIND is verdicts (all eight verdicts, each reading), hostile (every text is an attack on some
format), curves (what figures are drawn from), incomplete (a run that was stopped), other (the
verdicts of another kernel), clean (nothing that needs a reader). FACTS is what "mmconform facts
--json" prints for a captured host.
"""
import hashlib
import json
import sys

HOSTILE = [
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>", "a\"b'c`id`$(id)",
    "\\input{/etc/passwd} % _ # & ~ ^ { } $x$", "]]>&amp;<!-- -->", "| cell | `code` | [link](http://x) @all",
    "=HYPERLINK(\"http://x\")", "not ok 7 # TODO", "line\nbreak\r\ttab", "bell\x07 esc\x1b[31m nul-ish\x01",
    "\u202egnol ot thgir\u202c", "\u65e5\u672c\u8a9e \U0001f600 \u00e9\u00df", "1..0 # SKIP all", "{{7*7}} ${x}",
]


class Record:
    def __init__(self, facts, started="2026-01-31T12:00:00Z", suite="exact"):
        self.lines, self.hash, self.verdicts, self.trials = [], hashlib.sha256(), [], 0
        self.add(type="header", format="mmconform-record", version=1, program="0.1.0", model="0123456789abcdef",
                 started=started, suite=suite, profile="standard", seed="1", allow=[], anonymous=False)
        self.add(type="facts", host=facts)

    def add(self, **line):
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        self.lines.append(text)
        self.hash.update(text.encode())

    def seal(self):
        self.add(type="sealed", sha256=self.hash.hexdigest(), lines=len(self.lines))

    def trial(self, probe, observations, launch=1, kind="probe", parameters=None, end="observed", **more):
        self.trials += 1
        self.add(type="trial", number=self.trials, probe=probe, kind=kind, parameters=parameters or {}, launch=launch,
                 end=end, signal=0, duration_us=1500, observations=len(observations), **more)
        for quantity, at, values, unit in observations:
            self.add(type="observation", trial=self.trials, quantity=quantity, at=at, values=values, unit=unit,
                     witness="fixture")

    def verdict(self, claim, verdict, probe=None, kind="probe", textbook="agrees", reading="agreed", parameters=None,
                expected="", observed="", textbook_expected="", because="", cite="", **more):
        self.verdicts.append(dict(
            type="verdict", claim=claim, probe=probe or claim, kind=kind, parameters=parameters or {}, verdict=verdict,
            textbook=textbook, reading=reading, expected=expected, observed=observed,
            textbook_expected=textbook_expected, because=because, cite=cite, **more))

    def end(self, complete=True, notes=(), log=()):
        for verdict in self.verdicts:
            self.add(**verdict)
        words = ["pass", "deviation", "known", "inconclusive", "skip", "error", "model", "silent"]
        counts = [{"verdict": w, "count": sum(v["verdict"] == w for v in self.verdicts)} for w in words]
        stopped = {} if complete else {"stopped_by": "SIGTERM"}
        self.add(type="summary", complete=complete, **stopped, counts=counts, trials=self.trials, duration_ms=12345,
                 taint_before=0, taint_after=0, kernel_log=list(log), notes=list(notes), sha256=self.hash.hexdigest())


def prediction(record, claim, expect, probe=None, kind="probe", model="linux", parameters=None):
    record.add(type="prediction", claim=claim, probe=probe or claim, kind=kind, model=model,
               parameters=parameters or {}, expect=expect)


def verdicts(record):
    prediction(record, "oom.score", [])
    record.seal()
    record.trial("oom.score", [("score", "", [667], "score")])
    record.verdict("oom.score", "pass", expected="score: 667", observed="667", textbook_expected="score: 667",
                   because="badness is pages and an adjustment", cite="linux:6.12:mm/oom_kill.c:oom_badness")
    record.verdict("cow.fork-cost", "pass", textbook="differs", reading="departs", expected="flat", observed="flat",
                   textbook_expected="grows", because="tables of shared memory are not copied", cite="lmm")
    record.verdict("demand.first-touch", "deviation", textbook="differs", reading="unexplained", expected="64",
                   observed="65", textbook_expected="63", because="one fault a page",
                   cite="linux:6.12:mm/memory.c:do_anonymous_page", parameters={"pages": 64, "kind": "private"})
    record.verdict("demand.first-touch", "pass", expected="1", observed="1", textbook_expected="1",
                   parameters={"pages": 1, "kind": "private"})
    record.verdict("reclaim.watermarks", "known", textbook="differs", reading="unexplained", expected="46",
                   observed="47", textbook_expected="46", because="rounding",
                   known=[{"reason": "a known rounding", "link": "https://example.org/1", "expires": "2030-01-01"}])
    record.verdict("tlb.entries", "inconclusive", textbook="silent", reading="open", expected="knee at 96",
                   observed="94 to 97", because="the interval covers both")
    record.verdict("reclaim.swap-entry", "skip", textbook="silent", reading="open", because="64 MiB of swap",
                   unmet=[{"requirement": "64 MiB of swap", "value": "0 MiB free", "supply": "swapon FILE"}])
    record.verdict("oom.adjust", "error", textbook="silent", reading="open", because="the probe broke: no /proc")
    record.verdict("xlate.worked-example", "model", kind="model", expected="561", observed="561",
                   textbook_expected="57", textbook="differs", reading="departs", because="frame times page size")
    record.verdict("xlate.physical-width", "silent", textbook="agrees", reading="open", because="CPUID does not say")
    record.end(notes=["the fixture has a note"], log=["WARNING: CPU: 0 PID: 1 at mm/fixture.c:1"])


def other(record):
    record.seal()
    record.trial("oom.score", [("score", "", [666], "score")])
    record.verdict("oom.score", "pass", expected="score: 666", observed="666")
    record.verdict("demand.first-touch", "pass", expected="64", observed="64",
                   parameters={"pages": 64, "kind": "private"})
    record.verdict("cow.fork-cost", "pass", expected="flat", observed="flat")
    record.end()


def clean(record):
    record.seal()
    record.trial("oom.score", [("score", "", [666], "score")])
    record.verdict("oom.score", "pass", expected="score: 666", observed="666")
    record.end()


def hostile(record):
    for i, text in enumerate(HOSTILE):
        record.add(type="script", check=text, text=f"purpose {text}\n{text}\n")
    record.seal()
    for i, text in enumerate(HOSTILE):
        record.trial(text, [(text, text, [1, 2, 3], "ns"), (text, text + "2", [2], "ns")], parameters={text: text})
        for kind in ("probe", "scenario"):
            record.verdict("demand." + text if i % 2 else text, ["deviation", "known", "error", "skip", "pass"][i % 5],
                           probe=text, kind=kind, textbook="differs", reading="departs" if i % 5 == 4 else "unexplained",
                           parameters={text: text}, expected=text, observed=text, textbook_expected=text,
                           because=text, cite=text,
                           known=[{"reason": text, "link": "javascript:alert(3)", "expires": text}],
                           unmet=[{"requirement": text, "value": text, "supply": text}])
    record.end(notes=HOSTILE, log=HOSTILE)


def curves(record):
    places = [str(n) for n in range(16, 132)]
    for model, knee in (("linux", 96), ("textbook", 64)):
        prediction(record, "tlb.entries", [dict(
            quantity="chase", at="", unit="ns", form="shape", shape="knee", other="packed", values=[knee, knee],
            inputs=places, because="one miss a turn", cite="amd-apm:3:E.4.4:Fn8000_0005")], model=model)
    far = [str(n) for n in (192, 512, 1024, 2048, 4096, 8192)]
    record.seal()
    for launch in range(1, 13):
        for size, end in (("", 1024), ("-2m", 2048), ("-1g", 4096)):
            record.trial("tlb.reach" + size, [("batch", "", [1000], "count")] + [
                (quantity, at, [2000 + launch + (8000 if quantity == "chase" and int(at) > end else 0)], "ns")
                for quantity in ("chase", "packed") for at in far], launch=launch)
        record.trial("hier.ladder", [("loads-1024", at, [(1000 + launch) << (4 * i)], "ns") for i, at in enumerate(
            ("16 KiB", "1 MiB", "memory", "storage"))] + [
                ("loads-1024-huge", at, [(900 + launch) << (4 * i)], "ns") for i, at in enumerate(("16 KiB", "memory"))],
                     launch=launch)
        record.trial("tlb.entries", [("chase", at, [5000 + 10 * launch + (9000 if int(at) > 96 else 0)], "ns")
                                     for at in places] +
                     [("packed", at, [5000 + 9 * launch], "ns") for at in places], launch=launch)
        record.trial("demand.fault-is-costly", [("touch", "present", [100 + launch], "ns"),
                                                ("touch", "minor", [50000 + 99 * launch], "ns"),
                                                ("touch", "major", [9000000 + 999 * launch], "ns")], launch=launch)
    record.trial("reclaim.order", [("elapsed", "", [i * 1000000 for i in range(50)], "ns"),
                                   ("free", "node 0 Normal", [90000 - 1700 * i if i < 40 else 30000 for i in range(50)],
                                    "pages"),
                                   ("low", "node 0 Normal", [30000], "pages"),
                                   ("min", "node 0 Normal", [20000], "pages")])
    record.trial("reclaim.machine", [("series", "free", [90000 - 1500 * i if i < 40 else 36000 for i in range(50)], "pages"),
                                     ("series", "background-runs", [i // 41 for i in range(50)], "count"),
                                     ("series", "stalls", [0] * 50, "count"), ("low", "", [30000], "pages"),
                                     ("high", "", [36000], "pages"), ("batch", "", [63], "pages")])
    record.trial("reclaim.strings", [("resident", "after the scan: hot", [1] * 100, "bool"),
                                     ("resident", "after the scan: cold", [0] * 40 + [1] * 10 + [0] * 50, "bool")])
    record.trial("policy.belady", [("references", "", [1000], "count")] +
                 [("misses-" + p, str(8 << i), [1000 >> (i + k)], "count")
                  for k, p in enumerate(("opt", "lru")) for i in range(6)], kind="model")
    record.verdict("tlb.entries", "pass", expected="chase: knee at 96", observed="96", textbook="differs",
                   reading="departs", textbook_expected="chase: knee at 64", because="one miss a turn", cite="lmm")
    for size, end in (("", 1024), ("-2m", 2048), ("-1g", 4096)):
        record.verdict("tlb.reach", "pass", probe="tlb.reach" + size, expected=f"chase: knee from {end} to {end + 500}",
                       observed="last place on the plateau", textbook_expected="excess: higher at each place")
    record.verdict("demand.fault-is-costly", "pass", expected="rises", observed="rises")
    record.verdict("reclaim.order", "pass", expected="x", observed="x")
    record.verdict("reclaim.two-lists", "pass", expected="x", observed="x", parameters={"string": "twice"},
                   exactness=[{"pages": 2304, "decided": 2240, "right": 2239}])
    record.verdict("policy.belady", "model", kind="model", expected="x", observed="x")
    record.end()


def incomplete(record):
    record.seal()
    record.trial("oom.score", [("score", "", [667], "score")])
    record.verdict("oom.score", "pass", expected="score: 667", observed="667")
    record.end(complete=False)


def main(arguments):
    kind, facts_path, out = arguments
    with open(facts_path, encoding="utf-8") as stream:
        facts = json.load(stream)["host"]
    if kind == "hostile":
        for name in facts["texts"]:
            facts["texts"][name] = HOSTILE[len(name) % len(HOSTILE)]
    record = Record(facts)
    makers = {f.__name__: f for f in (verdicts, hostile, curves, incomplete, other, clean)}
    makers[kind](record)
    with open(out, "w", encoding="utf-8", newline="\n") as stream:
        stream.write("".join(record.lines))


if __name__ == "__main__":
    main(sys.argv[1:])
