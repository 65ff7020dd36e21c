/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/system.h"

#include <string.h>

/* The digits at the front, at most to 65535: no part of a release is longer. */
static bool leading_number(struct kernel_text *rest, uint64_t *value)
{
	size_t digits = 0;

	while (digits < rest->length_bytes && rest->bytes[digits] >= '0' &&
		rest->bytes[digits] <= '9')
		digits++;
	const struct kernel_text number = {.bytes = rest->bytes, .length_bytes = digits};
	*rest = kernel_text_after(*rest, digits);
	return kernel_text_decimal(number, value) && *value <= UINT16_MAX;
}

int kernel_release_parse(
	struct kernel_text text, struct kernel_release *release, struct kernel_error *error)
{
	struct kernel_text rest = kernel_text_trimmed(text);

	*release = (struct kernel_release){0};
	if (!leading_number(&rest, &release->major) || !kernel_text_starts(rest, "."))
		return kernel_fail(error, 1, "not a release of Linux");
	rest = kernel_text_after(rest, 1);
	if (!leading_number(&rest, &release->minor))
		return kernel_fail(error, 1, "not a release of Linux");
	if (!kernel_text_starts(rest, "."))
		return 0; /* "6.12-rc1" */
	rest = kernel_text_after(rest, 1);
	return leading_number(&rest, &release->patch)
		       ? 0
		       : kernel_fail(error, 1, "not a release of Linux");
}

void kernel_release_refine(struct kernel_text text, struct kernel_release *release)
{
	struct kernel_text rest = kernel_text_trimmed(text), word;
	struct kernel_release named;
	struct kernel_error error;

	while (kernel_word_next(&rest, &word))
		if (kernel_release_parse(word, &named, &error) == 0 &&
			named.major == release->major && named.minor == release->minor &&
			named.patch > release->patch)
			release->patch = named.patch;
}

struct kernel_text kernel_version_of_debian(struct kernel_text version)
{
	struct kernel_text rest = kernel_text_trimmed(version), word;

	while (kernel_word_next(&rest, &word))
		if (kernel_text_is(word, "Debian"))
			return rest;
	return (struct kernel_text){.bytes = "", .length_bytes = 0};
}

int kernel_config_check(struct kernel_text text, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	size_t options = 0;
	int got;

	while ((got = kernel_line_next(&lines, &line, error)) > 0) {
		if (line.length_bytes == 0 || line.bytes[0] == '#')
			continue;
		if (!kernel_text_starts(line, "CONFIG_") ||
			kernel_text_find(line, '=') == line.length_bytes)
			return kernel_fail(error, lines.line, "not an option of the kernel");
		options++;
	}
	if (got == 0 && options == 0)
		return kernel_fail(error, 0, "no option of the kernel");
	return got;
}

bool kernel_config_find(struct kernel_text text, const char *name, struct kernel_text *value)
{
	const size_t name_bytes = strlen(name);

	while (text.length_bytes != 0) {
		const size_t length_bytes = kernel_text_find(text, '\n');
		const struct kernel_text line = {.bytes = text.bytes, .length_bytes = length_bytes};

		text = kernel_text_after(text, length_bytes + (length_bytes < text.length_bytes));
		if (line.length_bytes > name_bytes && kernel_text_starts(line, name) &&
			line.bytes[name_bytes] == '=') {
			*value = kernel_text_after(line, name_bytes + 1);
			return true;
		}
	}
	return false;
}

bool kernel_config_is_yes(struct kernel_text text, const char *name)
{
	struct kernel_text value;

	return kernel_config_find(text, name, &value) && kernel_text_is(value, "y");
}

/* "48 bits physical, 48 bits virtual" */
static bool address_sizes(struct kernel_text value, struct kernel_cpuinfo *cpuinfo)
{
	struct kernel_text word;

	return kernel_number_next(&value, &cpuinfo->physical_bits) &&
	       kernel_word_next(&value, &word) && kernel_word_next(&value, &word) &&
	       kernel_number_next(&value, &cpuinfo->virtual_bits);
}

static bool cpuinfo_value(
	struct kernel_text key, struct kernel_text value, struct kernel_cpuinfo *cpuinfo)
{
	if (kernel_text_is(key, "vendor_id"))
		cpuinfo->vendor = value;
	else if (kernel_text_is(key, "model name"))
		cpuinfo->name = value;
	else if (kernel_text_is(key, "microcode"))
		cpuinfo->microcode = value;
	else if (kernel_text_is(key, "flags"))
		cpuinfo->flags = value;
	else if (kernel_text_is(key, "cpu family"))
		return kernel_text_decimal(value, &cpuinfo->family);
	else if (kernel_text_is(key, "model"))
		return kernel_text_decimal(value, &cpuinfo->model);
	else if (kernel_text_is(key, "stepping"))
		return kernel_text_is(value, "unknown") ||
		       kernel_text_decimal(value, &cpuinfo->stepping);
	else if (kernel_text_is(key, "address sizes"))
		return address_sizes(value, cpuinfo);
	else if (kernel_text_is(key, "TLB size"))
		return kernel_number_next(&value, &cpuinfo->tlb_pages);
	return true;
}

int kernel_cpuinfo_parse(
	struct kernel_text text, struct kernel_cpuinfo *cpuinfo, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	int got;

	*cpuinfo = (struct kernel_cpuinfo){0};
	while ((got = kernel_line_next(&lines, &line, error)) > 0) {
		if (line.length_bytes == 0)
			continue;
		const size_t colon = kernel_text_find(line, ':');
		if (colon == line.length_bytes)
			return kernel_fail(error, lines.line, "no colon behind the name");
		const struct kernel_text key = kernel_text_trimmed(
			(struct kernel_text){.bytes = line.bytes, .length_bytes = colon});
		const struct kernel_text value =
			kernel_text_trimmed(kernel_text_after(line, colon + 1));
		if (kernel_text_is(key, "processor"))
			cpuinfo->processors_count++;
		else if (cpuinfo->processors_count == 1 && !cpuinfo_value(key, value, cpuinfo))
			return kernel_fail(
				error, lines.line, "not the value that its name asks for");
	}
	if (got == 0 && cpuinfo->processors_count == 0)
		return kernel_fail(error, 0, "no processor");
	return got;
}

bool kernel_cpuinfo_has(const struct kernel_cpuinfo *cpuinfo, const char *flag)
{
	struct kernel_text rest = cpuinfo->flags, word;

	while (kernel_word_next(&rest, &word)) {
		if (kernel_text_is(word, flag))
			return true;
	}
	return false;
}

int kernel_iomem_next(
	struct kernel_lines *lines, struct kernel_resource *resource, struct kernel_error *error)
{
	struct kernel_text line;
	const int got = kernel_line_next(lines, &line, error);

	if (got <= 0)
		return got;
	const bool is_child = kernel_text_starts(line, " ");
	line = kernel_text_trimmed(line);
	const size_t first_bytes = kernel_text_find(line, '-');
	const size_t range_bytes = kernel_text_find(line, ' ');
	*resource = (struct kernel_resource){.is_child = is_child};
	if (first_bytes >= range_bytes ||
		!kernel_text_hexadecimal(
			(struct kernel_text){line.bytes, first_bytes}, &resource->first) ||
		!kernel_text_hexadecimal((struct kernel_text){line.bytes + first_bytes + 1,
						 range_bytes - first_bytes - 1},
			&resource->last) ||
		resource->last < resource->first ||
		!kernel_text_starts(kernel_text_after(line, range_bytes), " : "))
		return kernel_fail(error, lines->line, "not a range of addresses and its name");
	resource->name = kernel_text_after(line, range_bytes + 3);
	return 1;
}

struct kernel_generations kernel_lru_gen_of(struct kernel_text text)
{
	return (struct kernel_generations){.lines = kernel_lines_of(text)};
}

/* " node 0" and "memcg 1 /path" set what the rows below belong to. */
static bool generations_heading(struct kernel_text line, struct kernel_generations *generations)
{
	struct kernel_text word;

	(void)kernel_word_next(&line, &word);
	if (kernel_text_is(word, "memcg")) {
		generations->has_group = kernel_number_next(&line, &generations->group);
		generations->has_node = false;
		generations->group_path = kernel_text_trimmed(line);
		return generations->has_group;
	}
	if (kernel_text_is(word, "node") && generations->has_group) {
		generations->has_node = kernel_number_next(&line, &generations->node);
		return generations->has_node;
	}
	return false;
}

int kernel_lru_gen_next(struct kernel_generations *generations,
	struct kernel_generation *generation, struct kernel_error *error)
{
	struct kernel_text line;
	int got;

	while ((got = kernel_line_next(&generations->lines, &line, error)) > 0) {
		struct kernel_text rest = line;

		*generation = (struct kernel_generation){
			.group = generations->group,
			.group_path = generations->group_path,
			.node = generations->node,
		};
		if (!kernel_number_next(&rest, &generation->generation)) {
			if (!generations_heading(line, generations))
				return kernel_fail(
					error, generations->lines.line, "not a line of lru_gen");
			continue;
		}
		if (!generations->has_node || !kernel_number_next(&rest, &generation->age_ms) ||
			!kernel_number_next(&rest, &generation->anonymous_pages) ||
			!kernel_number_next(&rest, &generation->file_pages))
			return kernel_fail(
				error, generations->lines.line, "not a generation of a node");
		return 1;
	}
	return got;
}
