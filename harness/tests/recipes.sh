#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The recipes for CI: their shell steps are run as the service runs them, in a tree that is set up and
# built, with one claim instead of a suite; then what they keep is there. CI_SCHEMAS=FOLDER with the
# services' own schemas (gitlab-ci.json, github-workflows.json) holds the files against these, too.
# usage: recipes.sh BUILD-FOLDER
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
	echo "recipes: $*" >&2
	exit 1
}

mkdir -p scripts build/release/harness
for script in setup build; do printf '#!/bin/sh\necho %s "$@" >>steps\n' $script >scripts/$script; done
printf '#!/bin/sh\nexec "%s/mmconform" "$@" --claim "^oom\\.score$"\n' "$1" >build/release/harness/mmconform
chmod +x scripts/* build/release/harness/mmconform

# The shell steps of a recipe, one a line or more, and what it keeps.
python3 - "$source/recipes" <<'P'
import glob, json, os, sys, jsonschema, yaml

class Loader(yaml.SafeLoader):
    """As the services read it: "on" is a key, no truth value."""
Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:bool"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}

def recipe(name, schema):
    with open(os.path.join(sys.argv[1], name), encoding="utf-8") as stream:
        document = yaml.load(stream, Loader)
    folder = os.environ.get("CI_SCHEMAS")
    if folder:
        with open(os.path.join(folder, schema), encoding="utf-8") as stream:
            schema = json.load(stream)
        jsonschema.validators.validator_for(schema)(schema).validate(document)
    return document

def write(name, steps, kept):
    with open(name + ".sh", "w", encoding="utf-8") as stream:
        stream.write("\n".join(steps) + "\n")
    with open(name + ".kept", "w", encoding="utf-8") as stream:
        stream.write("\n".join(kept) + "\n")

job = recipe("gitlab-ci.yml", "gitlab-ci.json")["conformance"]
write("gitlab", job["before_script"] + job["script"],
      job["artifacts"]["paths"] + [job["artifacts"]["reports"]["junit"]])
steps = recipe("github-actions.yml", "github-workflows.json")["jobs"]["conformance"]["steps"]
write("github", [step["run"] for step in steps if "run" in step],
      [step["with"]["path"] for step in steps if "with" in step] + ["summary.md"])
P

for service in gitlab github; do
	rm -f mmconform.* summary.md steps
	GITHUB_STEP_SUMMARY=$scratch/summary.md sh -e $service.sh >log 2>&1 || { cat log >&2; fail "$service: a step fails"; }
	grep -q '^setup run$' steps && grep -q '^build release program$' steps || fail "$service: it is not set up and built"
	while read -r kept; do
		# shellcheck disable=SC2086 # a pattern of files
		ls $kept >/dev/null || fail "$service: $kept is not there to be kept"
	done <$service.kept
	xmllint --noout --schema "$source/harness/tests/schemas/junit.xsd" mmconform.xml 2>log || { cat log >&2; fail "$service: no JUnit"; }
	"$1/mmconform" judge mmconform.jsonl >/dev/null || fail "$service: the record does not hold"
	grep -q '</html>' mmconform.html || fail "$service: no page"
done
grep -q '^# mmconform\|deviations' summary.md || fail "github: the summary says nothing"
echo "recipes: all as they should be"
