/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the format, a generator or an inline string; the rest is the input. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/trace.h"
#include "vm/replace.h"
#include "vm/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct trace_options options = {
		.page_shift = VM_PAGE_SHIFT, .instructions = true, .most_references = 5000};
	struct trace TRACE_DROPS trace = {0};

	if (size_bytes < 2)
		return 0;
	/* Digits, so that a corpus can be written with an editor. */
	const unsigned kind = data[0] % 8U;
	char *text = calloc(1, size_bytes);
	if (text == NULL)
		abort();
	memcpy(text, data + 1, size_bytes - 1);
	if (kind == 5) {
		(void)trace_read_text(&trace, text, &options);
	} else if (kind == 6) {
		(void)trace_generate(&trace, text, &options);
	} else {
		FILE *stream = fmemopen(text, size_bytes - 1, "rb");
		if (stream == NULL)
			abort();
		(void)trace_read(&trace, stream, "fuzz", (enum trace_format)(kind % 5), &options);
		(void)fclose(stream);
	}
	free(text);
	for (size_t i = 0; i < trace.count; i++)
		if (vm_reference_page(trace.references[i]) >= trace_pages(&trace))
			abort();
	return 0;
}
