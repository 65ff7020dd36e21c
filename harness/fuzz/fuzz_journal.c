/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a journal: refused with a reason, or read as undos that are text. */
#include <assert.h>
#include <string.h>

#include "guard/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct journal_content content;
	struct kernel_error error;

	if (journal_parse(text, &content, &error) != 0) {
		assert(error.reason[0] != '\0' && content.undos == NULL);
		return 0;
	}
	for (size_t i = 0; i < content.count; i++) {
		assert(content.undos[i].kind < UNDO_KIND_LIMIT);
		assert(strlen(content.undos[i].name) < sizeof(content.undos[i].name));
		assert(content.marks[i].offset_bytes < content.marks[i + 1].offset_bytes);
	}
	journal_drop(&content);
	return 0;
}
