#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From the command line to the exit status: records that are kept, resumed, judged again, held
# against a baseline and a list; wrong input of every kind; disks that are full.
# usage: verdicts.sh BUILD-FOLDER
set -eu
build=$1
program=$build/mmconform
source=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
mounted=
cleanup() {
	[ -z "$mounted" ] || umount "$mounted"
	rm -rf "$scratch"
}
trap cleanup EXIT
cd "$scratch"
# A claim that every host shows in a second, without any privilege.
claim='^oom\.score$'

fail() {
	echo "verdicts: $*" >&2
	exit 1
}

# expect STATUS WORDS COMMAND...: the exit status, one line on stderr that has the words.
expect() {
	wanted=$1 words=$2
	shift 2
	status=0
	"$@" >out 2>err || status=$?
	[ "$status" = "$wanted" ] || { cat out err >&2; fail "$*: status $status, not $wanted"; }
	[ -n "$words" ] || return 0
	[ "$(wc -l <err)" = 1 ] || { cat err >&2; fail "$*: not one line"; }
	grep -q -- "$words" err || { cat err >&2; fail "$*: not \"$words\""; }
}

# --- a run, its record, the same record judged again
expect 0 '' "$program" run --claim "$claim" --seed 7 --record a.jsonl -o record=copy.jsonl
[ ! -s err ] || fail "progress where there is no terminal"
head -n 1 out | grep -q '^0 deviations: [0-9]* pass' || fail "no verdict line first"
grep -q "$(printf '\033')" out && fail "colours where there is no terminal"
cmp a.jsonl copy.jsonl || fail "the record is not written again as it was"
tail -n 1 out | grep -qx 'Written: record to copy.jsonl' || fail "where the output is is not said last"
expect 0 '' "$program" judge a.jsonl
expect 0 '' "$program" judge - <a.jsonl
expect 0 '' "$program" run --claim "$claim" --seed 7 --json
tail -n 1 out | grep -q '"type":"summary"' || fail "--json prints no summary"
cp out lines.jsonl
"$program" judge lines.jsonl >/dev/null || fail "the lines on standard output are no record"
"$source/harness/tests/check_schema.py" "$source/harness/record/record.schema.json" \
	a.jsonl lines.jsonl
cases() { grep '"type":"prediction"' "$1" | sed 's/.*"parameters"/"parameters"/; s/"expect".*//' | sort -u; }
cases a.jsonl >a.cases
cases lines.jsonl >b.cases
cmp a.cases b.cases || fail "one seed, two sets of cases"

# --- scripts/run: from any folder, with what it installs and builds in place; the report is of this run
mkdir -p tree/scripts tree/build/release
cp "$source/scripts/run" tree/scripts/
printf '#!/bin/sh\n' | tee tree/scripts/setup >tree/scripts/build
chmod +x tree/scripts/*
ln -s "$1" tree/build/release/harness
(cd / && "$scratch/tree/scripts/run" --claim "$claim" --seed 7 >"$scratch/out") || fail "scripts/run fails"
head -n 1 out | grep -q '^0 deviations: ' || fail "scripts/run prints no verdicts"
tail -n 2 out >written
printf 'Written: html to %s\nWritten: record to %s\n' "$scratch/tree/build/report.html" "$scratch/tree/build/record.jsonl" |
	cmp - written || fail "scripts/run does not say where the report is"
grep -q '</html>' tree/build/report.html || fail "the report of scripts/run is no page"
"$program" judge tree/build/record.jsonl >/dev/null || fail "the record of scripts/run is none"

# --- a record that may leave the house: the build of the kernel and our group stay at home
expect 0 '' "$program" run --claim "$claim" --anonymous --record anonymous.jsonl
head -n 1 anonymous.jsonl | grep -q '"anonymous":true' || fail "the header does not say anonymous"
build_name=$(uname -r | sed 's/^[0-9.]*//')
group=$(sed -n 's/^[0-9]*:\(memory\)*:\///p' /proc/self/cgroup | grep . | head -n 1 || true)
for name in "$build_name" "$group"; do
	[ -z "$name" ] || ! grep -qF -- "$name" anonymous.jsonl || fail "the record names \"$name\""
done
expect 0 '' "$program" judge anonymous.jsonl
# It is kept from the record, not from the run: what needs our group has it.
waiting() {
	"$program" run --claim '^reclaim\.two-lists$' --profile quick --allow pressure "$@" --json | grep -c '"requirement":"an own memory group"' || true
}
[ "$(waiting --anonymous)" = "$(waiting)" ] || fail "an anonymous run has no memory group"

# --- exchanged fillings: exactly the rows on which they disagree turn round
"$program" judge --json a.jsonl | grep -c '"textbook":"differs"' >differing || true
"$program" judge --json --exchange a.jsonl >exchanged || true
grep -c '"verdict":"deviation"' exchanged >deviating || true
cmp differing deviating || fail "exchanging turned round other rows"

# --- held against an earlier run and a list
expect 0 '' "$program" run --claim "$claim" --baseline a.jsonl
printf "host: any\nrequired:\n  - {claim: oom.score, cases: '^oom.score.adj'}\n" >list.yaml
expect 0 '' "$program" run --claim "$claim" --require list.yaml
printf 'host: any\nrequired:\n  - claim: cow.last-owner\n' >list.yaml
expect 1 '' "$program" run --claim "$claim" --require list.yaml
grep -q 'cow.last-owner has to pass, and was not run' out || fail "what is required is not said"

# --- resumed: cut anywhere behind the seal, the run ends as the whole one did
grep -n '"type":"sealed"' a.jsonl | cut -d: -f1 >sealed.line
for more in 0 1 4; do
	head -n $(($(cat sealed.line) + more)) a.jsonl >cut.jsonl
	printf '{"type":"tri' >>cut.jsonl
	expect 3 'reason\|cut off' sh -c "'$program' judge cut.jsonl || exit 3"
	expect 0 '' "$program" run --resume --record cut.jsonl
	[ "$(grep -c '"type":"trial"' cut.jsonl)" = "$(grep -c '"type":"trial"' a.jsonl)" ] ||
		fail "a resumed run has another number of trials"
	expect 0 '' "$program" judge cut.jsonl
done
expect 2 'is complete' "$program" run --resume --record a.jsonl

# --- records that do not hold
sed '3s/666/667/' a.jsonl >edited.jsonl
cmp -s a.jsonl edited.jsonl || expect 2 'seal does not match' "$program" judge edited.jsonl
sed '/"type":"observation"/s/"values":\[\([0-9]\)/"values":[9\1/' a.jsonl >edited.jsonl
expect 2 'was changed after the run' "$program" judge edited.jsonl
head -c 1000 a.jsonl >short.jsonl
expect 2 'short.jsonl:[0-9]*: ' "$program" judge short.jsonl
expect 2 'No such file' "$program" judge nowhere.jsonl
head -c 2000 /dev/urandom >noise.jsonl
expect 2 'noise.jsonl:1: ' "$program" judge noise.jsonl

# --- the command line
expect 2 'no verb' "$program" bogus
expect 2 'unrecognized option' "$program" run --bogus
expect 2 'one argument too many' "$program" run exact timed
expect 2 'has a claim like' "$program" run --claim '^no\.such$'
expect 2 'missing closing' "$program" run --claim '('
expect 2 'neither settings nor pressure' "$program" run --allow everything
expect 2 'needs --allow settings' "$program" run --set vm.swappiness=1
expect 2 'is not KNOB=VALUE' "$program" run --allow settings --set vm.swappiness
expect 2 'no profile' "$program" run --profile hasty
expect 2 'nosuch.yaml: No such file' "$program" run ./nosuch.yaml
expect 2 'is not a number' "$program" run --seed seven
expect 2 'needs --record' "$program" run --resume
expect 2 'no claim' "$program" explain no.such
expect 2 'is no format' "$program" run -o nonsense=x
expect 2 'nowhere/r.jsonl: No such file' "$program" run --claim "$claim" --record nowhere/r.jsonl
expect 2 'File exists' "$program" run --claim "$claim" --record a.jsonl
printf 'title: t\nchecks: [\n' >bad.yaml
expect 2 'bad.yaml:3: ' "$program" run ./bad.yaml
printf 'title: t\nchecks: [{match: x}]\nprofiles: []\n' >bad.yaml
expect 2 'bad.yaml:' "$program" run ./bad.yaml
expect 0 '' "$program" run --dry-run --claim "$claim"

# --- a folder of suites of one's own
mkdir own
sed 's/timing: exact/match: "^oom\\\\.score$"/' "$source/suites/exact.yaml" >own/mine.yaml
expect 0 '' "$program" run ./own --profile quick --seed 1
expect 0 '' "$program" list --claim "$claim"
expect 0 '' "$program" explain oom.score
grep -q 'linux:' out || fail "explain cites nothing"

# --- a full disk, where there is the right to make one
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=16k none full 2>/dev/null; then
	mounted=$scratch/full
	expect 3 'No space left' "$program" run --claim "$claim" --record full/r.jsonl
	umount full
	mounted=
fi
echo "verdicts: all as they should be"
