/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs, mappings, stack and heap are placed evenly over a range of known size, each launch and
 * each object by itself.
 *
 * Bits that toggle prove nothing: two alternating bases toggle all of them. Here each statement has
 * a probability of at most 1e-13 to fail by chance. A range too short by one bit, a stuck bit, two
 * alternating values, a counter, a generator with less than about 16 bits, one draw used for two
 * objects: each fails. It would miss a generator whose values are a fixed random half of the range:
 * only repetitions tell, and some 230,000 launches would be needed for 28 bits.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/layout.h"
#include "trial/trial.h"
#include "vm/chance.h"
#include "vm/layout.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define SAMPLES 256
#define BITS	48 /* of a user address */
#define RANKS	17 /* the smallest, fifteen in between, the largest */

/* Limits of the stack: the usual one, and one of more than five sixths of all addresses. */
#define STACK_USUAL   (8 << 20)
#define STACK_ENDLESS INT64_C(0x700000000000)

static const char *const layout_labels[] = {"random", "personality-fixed"};

static const struct probe_parameter parameters[] = {
	{
		.name = "layout",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {0, 1},
		.labels = layout_labels,
	},
	{
		.name = "stack-limit",
		.unit = VM_UNIT_BYTES,
		.choices_count = 3,
		.choices = {STACK_USUAL, 1 << 30, STACK_ENDLESS},
	},
	{
		.name = "randomize",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {PROBE_AS_IS, VM_LAYOUT_FIXED, VM_LAYOUT_RANDOM},
		.knob = "kernel.randomize_va_space",
	},
	{
		.name = "bits",
		.unit = VM_UNIT_BITS,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 31},
		.knob = "vm.mmap_rnd_bits",
	},
};

/*
 * Each parameter is varied by itself: what they do has nothing to do with each other. But the limit
 * shows to the page where nothing is drawn, and an endless one is looked at there alone.
 */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	const bool fixed = probe_argument(arguments, "layout") != 0;
	const int64_t limit_bytes = probe_argument(arguments, "stack-limit");
	const int varied = (fixed || limit_bytes != STACK_USUAL) +
			   (probe_argument(arguments, "randomize") != PROBE_AS_IS) +
			   (probe_argument(arguments, "bits") != PROBE_AS_IS);

	if (limit_bytes == STACK_ENDLESS && !fixed)
		return false;

	return varied <= 1 && host->knob[VM_KNOB_RANDOMIZE_VA_SPACE].present &&
	       host->knob[VM_KNOB_MMAP_RND_BITS].present;
}

/* What is observed of an object's bits beside those of another one in the same launch. */
static const char *const same_as[] = {
#define SAME_AS(name, word) "same-as-" word,
	VM_LAYOUT_OBJECTS(SAME_AS)
#undef SAME_AS
};

struct predicting {
	struct vm_predictions *predictions;
	struct vm_layout_range range;
	bool placed; /* the range's lowest place is known */
	const char *word;
	const char *because;
};

#define CITE "linux:6.12:arch/x86/mm/mmap.c:mmap_base"

static void predict_intervals(const struct predicting *predicting, const char *quantity,
	const char *at, enum vm_unit unit, const int64_t *values, size_t values_count)
{
	vm_predict(predicting->predictions, &(struct vm_prediction){
						    .claim = "area.aslr",
						    .quantity = quantity,
						    .at = at,
						    .unit = unit,
						    .form = VM_FORM_WITHIN,
						    .values = values,
						    .values_count = values_count,
						    .because = predicting->because,
						    .cite = CITE,
					    });
}

static bool is_random_bit(const struct vm_layout_range *range, unsigned bit)
{
	const uint64_t weight = UINT64_C(1) << bit;

	return weight >= range->step_bytes && weight < range->step_bytes * range->count;
}

/*
 * n events, one for each bit: those of random bits are even coins, also beside a bit of another
 * object that is none; those of bits below the lattice happen never or always; those above it
 * depend on where the range lies.
 */
static void predict_bits(const struct predicting *predicting, const char *quantity, const char *at,
	const struct vm_layout_range *other, int64_t n, bool always)
{
	const struct vm_chance heads = vm_chance_heads((uint64_t)n);
	int64_t values[2 * BITS];

	for (unsigned bit = 0; bit < BITS; bit++) {
		const uint64_t weight = UINT64_C(1) << bit;
		const bool random = is_random_bit(&predicting->range, bit) ||
				    (other != NULL && is_random_bit(other, bit));
		const bool zero = weight < predicting->range.step_bytes &&
				  (other == NULL || weight < other->step_bytes);

		values[(size_t)2 * bit] = random ? (int64_t)heads.lowest : zero && always ? n : 0;
		values[(size_t)2 * bit + 1] = random		? (int64_t)heads.highest
					      : zero && !always ? 0
								: n;
	}
	predict_intervals(predicting, quantity, at, VM_UNIT_COUNT, values,
		sizeof(values) / sizeof(values[0]));
}

static uint64_t rank_of(size_t index)
{
	return index == 0 ? 1 : (uint64_t)(SAMPLES * index / (RANKS - 1));
}

static void predict_ranks(const struct predicting *predicting)
{
	const struct vm_layout_range *range = &predicting->range;
	int64_t values[2 * RANKS];

	for (size_t i = 0; i < RANKS; i++) {
		const struct vm_chance place = vm_chance_rank(SAMPLES, rank_of(i), range->count);
		values[2 * i] = (int64_t)(range->lowest + place.lowest * range->step_bytes);
		values[2 * i + 1] = (int64_t)(range->lowest + place.highest * range->step_bytes +
					      range->slack_bytes);
	}
	predict_intervals(predicting, "ranks", predicting->word, VM_UNIT_ADDRESS, values,
		sizeof(values) / sizeof(values[0]));
}

static struct vm_layout_inputs inputs_of(
	const struct vm_host *host, const struct probe_arguments *arguments)
{
	const bool fixed = probe_argument(arguments, "layout") != 0;

	return (struct vm_layout_inputs){
		.mode = fixed ? VM_LAYOUT_FIXED
			      : (enum vm_layout_mode)vm_host_knob(
					host, VM_KNOB_RANDOMIZE_VA_SPACE, VM_LAYOUT_FIXED),
		.random_bits = (unsigned)vm_host_knob(host, VM_KNOB_MMAP_RND_BITS, 0),
		.stack_limit_bytes = (uint64_t)probe_argument(arguments, "stack-limit"),
	};
}

static void predict_object(struct predicting *predicting)
{
	const struct vm_layout_range *range = &predicting->range;
	const struct vm_chance repeated = vm_chance_repeated(SAMPLES, range->count);

	predicting->because = predict_sentence(predicting->predictions,
		"%s: drawn evenly from %" PRIu64 " places %" PRIu64
		" bytes apart, by itself and anew each time; chance leaves this interval once in "
		"1e13",
		predicting->word, range->count, range->step_bytes);
	predict_bits(predicting, "ones", predicting->word, NULL, SAMPLES, false);
	predict_bits(predicting, "same-as-before", predicting->word, NULL, SAMPLES - 1, true);
	if (predicting->placed)
		predict_ranks(predicting);
	predict_intervals(predicting, "repeated", predicting->word, VM_UNIT_COUNT,
		(int64_t[]){(int64_t)repeated.lowest, (int64_t)repeated.highest}, 2);
}

/* Two draws: what bits they have in common is chance. SP and stack share one, so do not compare. */
static bool are_independent(enum vm_layout_object a, enum vm_layout_object b)
{
	return a != b && (a != VM_LAYOUT_STACK_POINTER || b != VM_LAYOUT_STACK);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct vm_layout_inputs inputs = inputs_of(host, arguments);
	struct vm_layout_range ranges[VM_LAYOUT_OBJECT_LIMIT];

	(void)readings;
	for (int object = 0; object < VM_LAYOUT_OBJECT_LIMIT; object++) {
		struct predicting predicting = {
			.predictions = predictions,
			.word = vm_layout_word((enum vm_layout_object)object),
		};
		predicting.placed = vm_layout_place(&model->behaviours, &inputs,
			(enum vm_layout_object)object, &predicting.range);
		ranges[object] = predicting.range;
		predict_object(&predicting);
		for (int other = 0; other < object; other++)
			if (are_independent(
				    (enum vm_layout_object)object, (enum vm_layout_object)other))
				predict_bits(&predicting, same_as[other], predicting.word,
					&ranges[other], SAMPLES, true);
	}
}

static int by_size(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* How often each bit of the combination of two series is zero (or one, if ones). */
static void observe_bits(const char *quantity, const char *at, const uint64_t *a, const uint64_t *b,
	size_t count, bool ones)
{
	int64_t counts[BITS] = {0};

	for (size_t i = 0; i < count; i++) {
		const uint64_t differing = b == NULL ? a[i] : a[i] ^ b[i];
		for (unsigned bit = 0; bit < BITS; bit++)
			counts[bit] += (int64_t)(differing >> bit & 1) == ones;
	}
	observe_values(quantity, at, counts, BITS, VM_UNIT_COUNT, "/proc/pid/maps and stat");
}

static void observe_object(const char *word, uint64_t places[SAMPLES])
{
	int64_t ranks[RANKS], repeated = 0;

	observe_values("places", word, (const int64_t *)places, SAMPLES, VM_UNIT_ADDRESS,
		"/proc/pid/maps and stat");
	observe_bits("ones", word, places, NULL, SAMPLES, true);
	observe_bits("same-as-before", word, places, places + 1, SAMPLES - 1, false);
	qsort(places, SAMPLES, sizeof(places[0]), by_size);
	for (size_t i = 0; i < RANKS; i++)
		ranks[i] = (int64_t)places[rank_of(i) - 1];
	for (size_t i = 1; i < SAMPLES; i++)
		repeated += places[i] == places[i - 1];
	observe_values("ranks", word, ranks, RANKS, VM_UNIT_ADDRESS, "/proc/pid/maps and stat");
	observe_at("repeated", word, repeated, VM_UNIT_COUNT, "/proc/pid/maps and stat");
}

static void measure(const struct probe_arguments *arguments)
{
	static const char *const words[] = {
#define WORD(name, word) word,
		VM_LAYOUT_OBJECTS(WORD)
#undef WORD
	};
	static uint64_t places[VM_LAYOUT_OBJECT_LIMIT][SAMPLES];
	struct layout_maker maker =
		layout_maker_of((uint64_t)probe_argument(arguments, "stack-limit"),
			probe_argument(arguments, "layout") == 0);

	for (size_t i = 0; i < SAMPLES; i++) {
		uint64_t taken[VM_LAYOUT_OBJECT_LIMIT];
		layout_take(&maker, taken);
		for (size_t object = 0; object < VM_LAYOUT_OBJECT_LIMIT; object++)
			places[object][i] = taken[object];
	}
	layout_end(&maker);
	for (size_t object = 0; object < VM_LAYOUT_OBJECT_LIMIT; object++)
		for (size_t other = 0; other < object; other++)
			observe_bits(same_as[other], words[object], places[object], places[other],
				SAMPLES, false);
	for (size_t object = 0; object < VM_LAYOUT_OBJECT_LIMIT; object++)
		observe_object(words[object], places[object]);
}

static const char *const claims[] = {"area.aslr", NULL};

PROBE(aslr) = {
	.name = "area.aslr",
	.claims = claims,
	/* The range that the rule computes; and its bits measured, within intervals of chance. */
	.letters = "FB",
	.question = "From how many places are program, mappings, stack and heap drawn, and how "
		    "evenly?",
	.method = "Execute a small position-independent program 256 times, stop it before its "
		  "first instruction, and read its areas. Count ones of each bit, bits equal to "
		  "those of the launch before and of another object, repetitions, and take every "
		  "64th of the sorted places.",
	.threats = "Areas aligned to 2 MiB lose nine bits: the interpreter of this program is one "
		   "page, which is never aligned so.",
	.by_hand = "for i in 1 2 3; do head -1 /proc/self/maps; grep stack /proc/self/maps; done\n"
		   "setarch -R cat /proc/self/maps",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 60,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
