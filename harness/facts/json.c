/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "facts/facts.h"
#include "facts/knobs.h"

#define FIELD(group_, name_, member, form_)                                                   \
	{                                                                                     \
		.group = (group_), .name = (name_), .offset = offsetof(struct facts, member), \
		.size_bytes = sizeof(((struct facts *)NULL)->member), .form = (form_)         \
	}
#define NUMBER(group, name, member) FIELD(group, name, member, JSON_NUMBER)
#define FLAG(group, name, member)   FIELD(group, name, member, JSON_FLAG)
/* Asked for since a later version: where an older record does not say, nobody looked. */
#define LATER(group, name, member) FIELD(group, name, member, JSON_LATER)
#define LIMIT(group, name, member) FIELD(group, name, member, JSON_LIMIT)

const struct json_field json_fields[] = {
	NUMBER(NULL, "memory-kib", memory_kib),
	NUMBER(NULL, "swap-kib", swap_kib),
	NUMBER(NULL, "kernel-major", host.kernel_major),
	NUMBER(NULL, "kernel-minor", host.kernel_minor),
	NUMBER(NULL, "kernel-patch", host.kernel_patch),
	NUMBER(NULL, "page-table-levels", host.page_table_levels),
	NUMBER(NULL, "cpus-online", host.cpus_online),
	LATER(NULL, "cpus-present", host.cpus_present),
	NUMBER(NULL, "cpus-possible", host.cpus_possible),
	NUMBER(NULL, "nodes-online", host.nodes_online),
	NUMBER(NULL, "cgroup-version", host.cgroup_version),
	LIMIT(NULL, "stack-limit-bytes", host.stack_limit_bytes),
	LIMIT(NULL, "memlock-limit-bytes", host.memlock_limit_bytes),
	LIMIT(NULL, "address-space-limit-bytes", host.address_space_limit_bytes),
	NUMBER("cpu", "family", host.cpu.family),
	NUMBER("cpu", "model", host.cpu.model),
	NUMBER("cpu", "stepping", host.cpu.stepping),
	NUMBER("cpu", "physical-bits", host.cpu.physical_bits),
	NUMBER("cpu", "virtual-bits", host.cpu.virtual_bits),
	LATER("cpu", "tlb-listed-pages", host.cpu.tlb_listed_pages),
	LATER("cpu", "level1-data-ways", host.cpu.level1_data_ways),
	FLAG("cpu", "nx", host.cpu.nx),
	FLAG("cpu", "page-1g", host.cpu.page_1g),
	FLAG("cpu", "pcid", host.cpu.pcid),
	FLAG("cpu", "smep", host.cpu.smep),
	FLAG("cpu", "smap", host.cpu.smap),
	FLAG("cpu", "pku", host.cpu.pku),
	FLAG("cpu", "la57", host.cpu.la57),
	FLAG("cpu", "invariant-tsc", host.cpu.invariant_tsc),
	FLAG("cpu", "hypervisor", host.cpu.hypervisor),
};
const size_t json_fields_count = sizeof(json_fields) / sizeof(json_fields[0]);

static const char *const vendor_words[] = {
	[VM_CPU_OTHER] = "other",
	[VM_CPU_INTEL] = "intel",
	[VM_CPU_AMD] = "amd",
};
static const char *const tlb_type_words[] = {
	[VM_TLB_DATA] = "data",
	[VM_TLB_CODE] = "code",
	[VM_TLB_UNIFIED] = "unified",
};
static const char *const evidence_words[] = {"none", "config", "surface", "cpuid", "version"};

/* Bits of vm_host.capabilities by position. */
static const char *const capability_words[] = {
	"sys-admin", "sys-rawio", "ipc-lock", "sys-resource", "sys-ptrace", "sys-nice"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t field_value(const struct facts *facts, const struct json_field *field)
{
	uint64_t value = 0;

	/* Little-endian, as all of x86-64. */
	memcpy(&value, (const char *)facts + field->offset, field->size_bytes);
	return value;
}

static json_t *must(json_t *value)
{
	if (value == NULL)
		abort();
	return value;
}

static void put(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, must(value)) != 0)
		abort();
}

static void append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, must(value)) != 0)
		abort();
}

static json_t *field_to_json(const struct facts *facts, const struct json_field *field)
{
	const uint64_t value = field_value(facts, field);

	if (field->form == JSON_FLAG)
		return json_boolean(value);
	if (value > INT64_MAX)
		return json_null();
	return json_integer((json_int_t)value);
}

static json_t *tlb_to_json(const struct vm_tlb_fact *tlb)
{
	json_t *object = must(json_object());
	json_t *pages = must(json_array());

	put(object, "type", json_string(tlb_type_words[tlb->type]));
	put(object, "level", json_integer(tlb->level));
	for (unsigned shift = 0; shift < 63; shift++) {
		if ((tlb->pages_mask >> shift & 1) != 0)
			append(pages, json_integer((json_int_t)1 << shift));
	}
	put(object, "page-bytes", pages);
	put(object, "entries", json_integer(tlb->entries));
	put(object, "ways", json_integer(tlb->ways));
	return object;
}

static void cpu_to_json(json_t *cpu, const struct vm_cpu_facts *facts)
{
	json_t *tlbs = must(json_array());

	put(cpu, "vendor", json_string(vendor_words[facts->vendor]));
	for (size_t i = 0; i < facts->tlb_count; i++)
		append(tlbs, tlb_to_json(&facts->tlb[i]));
	put(cpu, "tlb", tlbs);
}

static json_t *features_to_json(const struct facts *facts)
{
	json_t *object = must(json_object());

	for (enum vm_feature feature = 0; feature < VM_FEATURE_LIMIT; feature++) {
		const struct vm_feature_fact *fact = &facts->host.feature[feature];
		json_t *item = must(json_object());

		put(item, "present", json_boolean(fact->present));
		put(item, "evidence", json_string(facts_evidence_word(fact->evidence)));
		put(item, "surface", json_string(facts->surface[feature]));
		put(object, vm_feature_word(feature), item);
	}
	return object;
}

static json_t *knobs_to_json(struct pool *pool, const struct vm_host *host)
{
	json_t *object = must(json_object());

	for (enum vm_knob knob = 0; knob < VM_KNOB_LIMIT; knob++) {
		const struct vm_knob_fact fact = host->knob[knob];

		if (!fact.present)
			continue;
		const char *shown = knob_show(pool, knob, fact);
		/* A word reads better, and survives a change of the places. */
		put(object, vm_knob_word(knob),
			facts_choice(vm_knob_word(knob), shown) == fact.value
				? json_string(shown)
				: json_integer(fact.value));
	}
	return object;
}

static json_t *capabilities_to_json(uint32_t capabilities)
{
	json_t *array = must(json_array());

	for (size_t i = 0; i < COUNT(capability_words); i++) {
		if ((capabilities >> i & 1) != 0)
			append(array, json_string(capability_words[i]));
	}
	return array;
}

const char *facts_to_json(struct pool *pool, const struct facts *facts)
{
	json_t *root = must(json_object()), *cpu = must(json_object());
	json_t *texts = must(json_object());

	for (size_t i = 0; i < json_fields_count; i++)
		put(json_fields[i].group == NULL ? root : cpu, json_fields[i].name,
			field_to_json(facts, &json_fields[i]));
	cpu_to_json(cpu, &facts->host.cpu);
	put(root, "cpu", cpu);
	put(root, "capabilities", capabilities_to_json(facts->host.capabilities));
	put(root, "features", features_to_json(facts));
	put(root, "knobs", knobs_to_json(pool, &facts->host));
	for (enum facts_text text = 0; text < FACTS_TEXT_LIMIT; text++)
		put(texts, facts_text_word(text), json_string(facts->text[text]));
	put(root, "texts", texts);
	char *dumped = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	if (dumped == NULL)
		abort();
	const char *copy = pool_text(pool, dumped);
	free(dumped);
	json_decref(root);
	return copy;
}

/* Reading back. Everything returns false with the reason, and nothing is believed unchecked. */
struct reader {
	struct pool *pool;
	const char *why;
};

static bool wrong(struct reader *reader, const char *name, const char *reason)
{
	reader->why = pool_format(reader->pool, "%s: %s", name, reason);
	return false;
}

static bool number_of(struct reader *reader, const json_t *object, const char *name,
	uint64_t highest, uint64_t *value)
{
	const json_t *item = json_object_get(object, name);

	if (!json_is_integer(item) || json_integer_value(item) < 0 ||
		(uint64_t)json_integer_value(item) > highest)
		return wrong(reader, name, "missing, no integer, or out of range");
	*value = (uint64_t)json_integer_value(item);
	return true;
}

/* The place of the text in the words. */
static bool word_of(struct reader *reader, const json_t *object, const char *name,
	const char *const *words, size_t words_count, size_t *place)
{
	const char *text = json_string_value(json_object_get(object, name));

	for (size_t i = 0; text != NULL && i < words_count; i++) {
		if (strcmp(words[i], text) == 0) {
			*place = i;
			return true;
		}
	}
	return wrong(reader, name, "missing, or an unknown word");
}

static bool field_from_json(struct reader *reader, const json_t *root,
	const struct json_field *field, struct facts *facts)
{
	const json_t *object = field->group == NULL ? root : json_object_get(root, field->group);
	const json_t *item = json_object_get(object, field->name);
	const uint64_t highest = field->size_bytes == sizeof(uint64_t)
					 ? INT64_MAX
					 : (UINT64_C(1) << (8 * field->size_bytes)) - 1;
	uint64_t value = 0;

	if (field->form == JSON_FLAG) {
		if (!json_is_boolean(item))
			return wrong(reader, field->name, "missing, or neither true nor false");
		value = json_is_true(item);
	} else if (field->form == JSON_LIMIT && json_is_null(item)) {
		value = UINT64_MAX;
	} else if (field->form == JSON_LATER && object != NULL && item == NULL) {
		value = 0;
	} else if (!number_of(reader, object, field->name, highest, &value)) {
		return false;
	}
	memcpy((char *)facts + field->offset, &value, field->size_bytes);
	return true;
}

static bool pages_from_json(struct reader *reader, const json_t *array, uint64_t *mask)
{
	size_t index;
	const json_t *item;

	*mask = 0;
	json_array_foreach(array, index, item)
	{
		const json_int_t bytes = json_integer_value(item);

		if (bytes <= 0 || (bytes & (bytes - 1)) != 0)
			return wrong(reader, "page-bytes", "no power of two");
		*mask |= (uint64_t)bytes;
	}
	return *mask != 0 || wrong(reader, "page-bytes", "missing");
}

static bool tlb_from_json(struct reader *reader, const json_t *object, struct vm_tlb_fact *tlb)
{
	size_t type = 0;
	uint64_t level = 0, entries = 0, ways = 0;

	if (!word_of(reader, object, "type", tlb_type_words, COUNT(tlb_type_words), &type) ||
		!number_of(reader, object, "level", UINT8_MAX, &level) ||
		!number_of(reader, object, "entries", UINT32_MAX, &entries) ||
		!number_of(reader, object, "ways", UINT32_MAX, &ways) ||
		!pages_from_json(reader, json_object_get(object, "page-bytes"), &tlb->pages_mask))
		return false;
	tlb->type = (enum vm_tlb_type)type;
	tlb->level = (uint8_t)level;
	tlb->entries = (uint32_t)entries;
	tlb->ways = (uint32_t)ways;
	return true;
}

static bool cpu_from_json(struct reader *reader, const json_t *object, struct vm_cpu_facts *cpu)
{
	const json_t *array = json_object_get(object, "tlb"), *item;
	size_t vendor = 0, index;

	if (!word_of(reader, object, "vendor", vendor_words, COUNT(vendor_words), &vendor))
		return false;
	cpu->vendor = (enum vm_cpu_vendor)vendor;
	if (!json_is_array(array) || json_array_size(array) > VM_TLB_FACTS_LIMIT)
		return wrong(reader, "tlb", "missing, or too many");
	json_array_foreach(array, index, item)
	{
		if (!tlb_from_json(reader, item, &cpu->tlb[index]))
			return false;
	}
	cpu->tlb_count = (uint8_t)json_array_size(array);
	return true;
}

/* A feature that the record does not have was not looked at. */
static bool features_from_json(struct reader *reader, const json_t *object, struct facts *facts)
{
	if (!json_is_object(object))
		return wrong(reader, "features", "missing");
	for (enum vm_feature feature = 0; feature < VM_FEATURE_LIMIT; feature++) {
		const json_t *item = json_object_get(object, vm_feature_word(feature));
		const json_t *present = json_object_get(item, "present");
		const char *surface = json_string_value(json_object_get(item, "surface"));
		size_t evidence = 0;

		facts->surface[feature] = surface == NULL ? "" : pool_text(reader->pool, surface);
		if (item == NULL)
			continue;
		if (!json_is_boolean(present))
			return wrong(reader, vm_feature_word(feature), "neither true nor false");
		if (!word_of(reader, item, "evidence", evidence_words, COUNT(evidence_words),
			    &evidence))
			return false;
		facts->host.feature[feature] = (struct vm_feature_fact){
			.present = json_is_true(present),
			.evidence = (enum vm_evidence)evidence,
		};
	}
	return true;
}

static bool knobs_from_json(struct reader *reader, const json_t *object, struct vm_host *host)
{
	if (!json_is_object(object))
		return wrong(reader, "knobs", "missing");
	for (enum vm_knob knob = 0; knob < VM_KNOB_LIMIT; knob++) {
		const json_t *item = json_object_get(object, vm_knob_word(knob));
		int64_t value = json_integer_value(item);

		if (item == NULL)
			continue;
		if (json_is_string(item))
			value = facts_choice(vm_knob_word(knob), json_string_value(item));
		if ((json_is_string(item) && value < 0) ||
			(!json_is_string(item) && !json_is_integer(item)))
			return wrong(reader, vm_knob_word(knob), "neither a number nor its word");
		host->knob[knob] = (struct vm_knob_fact){.present = true, .value = value};
	}
	return true;
}

static bool capabilities_from_json(struct reader *reader, const json_t *array, uint32_t *bits)
{
	size_t index;
	const json_t *item;

	if (!json_is_array(array))
		return wrong(reader, "capabilities", "missing");
	*bits = 0;
	json_array_foreach(array, index, item)
	{
		const char *word = json_string_value(item);

		for (size_t i = 0; word != NULL && i < COUNT(capability_words); i++) {
			if (strcmp(word, capability_words[i]) == 0)
				*bits |= UINT32_C(1) << i;
		}
	}
	return true;
}

static bool root_from_json(struct reader *reader, const json_t *root, struct facts *facts)
{
	const json_t *texts = json_object_get(root, "texts");

	*facts = (struct facts){0};
	for (size_t i = 0; i < json_fields_count; i++) {
		if (!field_from_json(reader, root, &json_fields[i], facts))
			return false;
	}
	for (enum facts_text text = 0; text < FACTS_TEXT_LIMIT; text++) {
		const char *value =
			json_string_value(json_object_get(texts, facts_text_word(text)));
		facts->text[text] = value == NULL ? "" : pool_text(reader->pool, value);
	}
	return cpu_from_json(reader, json_object_get(root, "cpu"), &facts->host.cpu) &&
	       capabilities_from_json(
		       reader, json_object_get(root, "capabilities"), &facts->host.capabilities) &&
	       features_from_json(reader, json_object_get(root, "features"), facts) &&
	       knobs_from_json(reader, json_object_get(root, "knobs"), &facts->host);
}

bool facts_from_json(struct pool *pool, const char *text, size_t length_bytes, struct facts *facts,
	const char **why)
{
	struct reader reader = {.pool = pool, .why = ""};
	json_error_t error;
	json_t *root = json_loadb(text, length_bytes, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL) {
		*why = pool_format(pool, "facts: %s", error.text);
		return false;
	}
	const bool fine = root_from_json(&reader, root, facts);
	json_decref(root);
	*why = reader.why;
	return fine;
}
