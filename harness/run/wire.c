/* SPDX-License-Identifier: Apache-2.0 */
#include "run/wire.h"

#include <stdarg.h>
#include <string.h>

void wire_garbled(struct wire *wire, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const char *what = pool_format_list(wire->pool, format, arguments);
	va_end(arguments);
	wire->state = WIRE_GARBLED;
	wire->reason =
		pool_format(wire->pool, "line %zu of the trial: %s", wire->lines_count, what);
}

static void take_hello(struct wire *wire, const struct record_hello *hello)
{
	if (wire->state != WIRE_SILENT)
		wire_garbled(wire, "a second hello");
	else if (hello->protocol != WIRE_PROTOCOL)
		wire_garbled(wire, "protocol %lld, expected %d", (long long)hello->protocol,
			WIRE_PROTOCOL);
	else if (strcmp(hello->subject, wire->subject) != 0)
		wire_garbled(
			wire, "hello from \"%s\", expected \"%s\"", hello->subject, wire->subject);
	else
		wire->state = WIRE_OPEN;
}

static void take_observation(struct wire *wire, const struct record_observation *observation)
{
	if (observation->values_count == 0) {
		wire_garbled(wire, "an observation without a value");
		return;
	}
	wire->observations = pool_grow(wire->pool, wire->observations, wire->observations_count,
		sizeof(*wire->observations));
	wire->observations[wire->observations_count++] = *observation;
}

static void take_broken(struct wire *wire, const struct record_broken *broken)
{
	wire->state = WIRE_BROKEN;
	wire->reason = broken->file == NULL ? broken->reason
					    : pool_format(wire->pool, "%s:%lld: %s", broken->file,
						      (long long)broken->line, broken->reason);
}

static void take_done(struct wire *wire, const struct record_done *done)
{
	if (done->observations < 0 || (uint64_t)done->observations != wire->observations_count)
		wire_garbled(wire, "done counts %lld observations, %zu came",
			(long long)done->observations, wire->observations_count);
	else
		wire->state = WIRE_DONE;
}

static void take(struct wire *wire, const struct record_line *line)
{
	const char *word = record_type_word(line->type);

	if (line->type != RECORD_TYPE_HELLO && wire->state == WIRE_SILENT) {
		wire_garbled(wire, "\"%s\" before hello", word);
		return;
	}
	if (line->type == RECORD_TYPE_HELLO) {
		take_hello(wire, &line->hello);
	} else if (line->type == RECORD_TYPE_OBSERVATION) {
		take_observation(wire, &line->observation);
	} else if (line->type == RECORD_TYPE_BROKEN) {
		take_broken(wire, &line->broken);
	} else if (line->type == RECORD_TYPE_UNMET) {
		wire->state = WIRE_UNMET;
		wire->reason = line->unmet.reason;
		wire->remedy = line->unmet.remedy;
	} else if (line->type == RECORD_TYPE_DONE) {
		take_done(wire, &line->done);
	} else {
		wire_garbled(wire, "a trial does not write lines of type \"%s\"", word);
	}
}

void wire_line(struct wire *wire, const char *line, size_t length_bytes)
{
	struct record_line decoded = {0};
	const char *why = NULL;

	/* For good: a later line cannot mend it. */
	if (wire->state == WIRE_GARBLED)
		return;
	wire->lines_count++;
	if (wire->state == WIRE_DONE || wire->state == WIRE_BROKEN || wire->state == WIRE_UNMET)
		wire_garbled(wire, "a line after the last one");
	else if (!record_decode(wire->pool, line, length_bytes, &decoded, &why))
		wire_garbled(wire, "%s", why);
	else
		take(wire, &decoded);
}
