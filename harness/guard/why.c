/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/why.h"

#include <stdio.h>

int why_say(char why[WHY_BYTES], int answer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, WHY_BYTES, format, arguments);
	va_end(arguments);
	return answer;
}
