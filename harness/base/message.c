/* SPDX-License-Identifier: Apache-2.0 */
#include "base/message.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/pool.h"

void message(const char *format, ...)
{
	struct pool POOL_DROPS pool = {0};
	va_list arguments;

	va_start(arguments, format);
	const char *text = pool_format_list(&pool, format, arguments);
	va_end(arguments);
	/* The text may quote a hostile file: no escape sequence reaches the terminal. */
	for (char *at = (char *)text; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	(void)fprintf(stderr, "mmconform: %s\n", text);
}
