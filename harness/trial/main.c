/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe/probe.h"
#include "trial/trial.h"

void observe(const char *quantity, int64_t value, enum vm_unit unit, const char *witness)
{
	(void)unit;
	(void)printf("%s %lld %s\n", quantity, (long long)value, witness);
}

_Noreturn void broken(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	exit(1);
}

_Noreturn void broken_at(const char *file, int line, const char *expression)
{
	broken("%s:%d: %s", file, line, expression);
}

int main(int argc, char **argv)
{
	const int64_t value = 64;
	const struct probe *probe = argc > 1 ? probe_by_name(argv[1]) : NULL;
	if (probe != NULL)
		probe->measure(&(struct probe_arguments){1, probe->parameters, &value});
	return 0;
}
