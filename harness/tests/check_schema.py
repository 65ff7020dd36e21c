#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Validates each line of records against the published schema: check_schema.py SCHEMA RECORD...

Prints FILE:LINE: reason for what does not hold, and exits 1 then. --refuses: every line of the
records must be refused instead (they are fixtures of wrong lines).
"""
import json
import sys

import jsonschema


def main(arguments):
    refuses = arguments[:1] == ["--refuses"]
    schema_path, *paths = arguments[1:] if refuses else arguments
    with open(schema_path, encoding="utf-8") as stream:
        schema = json.load(stream)
    jsonschema.Draft7Validator.check_schema(schema)
    by_type = {
        name[len("line-"):]: jsonschema.Draft7Validator({"$ref": f"#/definitions/{name}", **schema_parts(schema)})
        for name in schema["definitions"] if name.startswith("line-")
    }
    failed = lines = 0
    for path in paths:
        with open(path, encoding="utf-8") as stream:
            for number, text in enumerate(stream, 1):
                lines += 1
                why = reason(by_type, text)
                if (why is None) == refuses:
                    print(f"{path}:{number}: {why or 'is accepted'}")
                    failed += 1
    print(f"{lines} lines, {failed} not as they should be")
    return 1 if failed or not lines else 0


def schema_parts(schema):
    return {"definitions": schema["definitions"]}


def reason(by_type, text):
    try:
        line = json.loads(text)
    except ValueError as error:
        return str(error)
    if not isinstance(line, dict) or line.get("type") not in by_type:
        return "of no known type"
    error = next(by_type[line["type"]].iter_errors(line), None)
    return error and f"{'/'.join(map(str, error.path))}: {error.message}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
