/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/pagemap.h"

static const char *const flag_words[64] = {
#define FLAG_WORD(name, bit, word) [bit] = (word),
	KERNEL_PAGE_FLAGS(FLAG_WORD)
#undef FLAG_WORD
};

const char *kernel_page_flag_word(unsigned bit)
{
	return bit < 64 ? flag_words[bit] : NULL;
}
