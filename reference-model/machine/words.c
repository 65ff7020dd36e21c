/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/rules.h"
#include "vm/machine.h"

#define WORD_ROW(name, word) word,

const char *vm_operation_word(enum vm_operation_kind kind)
{
	static const char *const words[] = {VM_OPERATIONS(WORD_ROW)};

	VM_ASSERT(kind < VM_OP_LIMIT);
	return words[kind];
}

const char *vm_freedom_word(enum vm_freedom freedom)
{
	static const char *const words[] = {VM_FREEDOMS(WORD_ROW)};

	VM_ASSERT(freedom < VM_FREEDOM_LIMIT);
	return words[freedom];
}

const char *vm_area_flag_word(enum vm_area_flag_bit bit)
{
	static const char *const words[] = {VM_AREA_FLAGS(WORD_ROW)};

	VM_ASSERT(bit < VM_AREA_FLAG_LIMIT);
	return words[bit];
}

const char *vm_smaps_word(enum vm_smaps_line line)
{
	static const char *const words[] = {VM_SMAPS_LINES(WORD_ROW)};

	VM_ASSERT(line < VM_SMAPS_LIMIT);
	return words[line];
}

const char *vm_event_word(enum vm_event event)
{
	static const char *const words[] = {VM_EVENTS(WORD_ROW)};

	VM_ASSERT(event < VM_EVENT_LIMIT);
	return words[event];
}

const struct vm_rule *vm_machine_rules(size_t *count)
{
#define RULE_ROW(name, id, because, cite) {id, because, cite},
	static const struct vm_rule rules[] = {RULES(RULE_ROW)};
#undef RULE_ROW

	*count = RULE_LIMIT;
	return rules;
}
