/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/base.h"
#include "vm/host.h"

#define WORD_ROW(name, word) word,

const char *vm_feature_word(enum vm_feature feature)
{
	static const char *const words[] = {VM_FEATURES(WORD_ROW)};

	VM_ASSERT(feature < VM_FEATURE_LIMIT);
	return words[feature];
}

const char *vm_knob_word(enum vm_knob knob)
{
	static const char *const words[] = {VM_KNOBS(WORD_ROW)};

	VM_ASSERT(knob < VM_KNOB_LIMIT);
	return words[knob];
}

const char *vm_unit_word(enum vm_unit unit)
{
	static const char *const words[] = {VM_UNITS(WORD_ROW)};

	VM_ASSERT(unit < VM_UNIT_LIMIT);
	return words[unit];
}
