/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/survivors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/moving.h"
#include "probe/simulate.h"
#include "vm/model.h"

#define SWAP_CLUSTER_PAGES 32
#define GENERATION_PORTION 64 /* linux:6.12:mm/vmscan.c:scan_folios: MIN_LRU_BATCH */
#define CHARGE_BATCH	   64

/* Of each page and look, of each round: the least and the most that came out. */
struct outcome {
	size_t looks, rounds;
	uint8_t *may_stay, *may_go; /* by look and page */
	int64_t *least, *most;	    /* misses by round */
};

static void *zeroed(size_t count, size_t size_bytes)
{
	void *memory = calloc(count * size_bytes + 1, 1);

	if (memory == NULL)
		abort();
	return memory;
}

static struct outcome outcome_make(const struct string *string)
{
	struct outcome outcome = {.rounds = string_rounds(string)};

	for (size_t i = 0; i < string->phases_count; i++)
		outcome.looks += string->phase[i].look != NULL;
	outcome.may_stay = zeroed(outcome.looks, string->pages);
	outcome.may_go = zeroed(outcome.looks, string->pages);
	outcome.least = zeroed(outcome.rounds, sizeof(outcome.least[0]));
	outcome.most = zeroed(outcome.rounds, sizeof(outcome.most[0]));
	for (size_t i = 0; i < outcome.rounds; i++)
		outcome.least[i] = INT64_MAX;
	return outcome;
}

static void outcome_drop(struct outcome *outcome)
{
	free(outcome->may_stay);
	free(outcome->may_go);
	free(outcome->least);
	free(outcome->most);
}

static void look_at(const struct vm_replace *replace, const struct string *string, size_t look,
	struct outcome *outcome)
{
	for (uint32_t page = 0; page < string->pages; page++) {
		const size_t index = look * string->pages + page;
		if (vm_replace_is_resident(replace, page))
			outcome->may_stay[index] = 1;
		else
			outcome->may_go[index] = 1;
	}
}

static void run(const struct vm_replace_config *config, const struct string *string,
	struct outcome *outcome)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_replace_bytes(config));
	struct vm_replace *replace = vm_replace_create(config, &arena);
	struct vm_replace_event event;
	size_t look = 0, round = 0;

	for (size_t i = 0; i < string->phases_count; i++) {
		const struct string_phase *phase = &string->phase[i];
		for (uint32_t turn = 0; turn < phase->rounds; turn++, round++) {
			int64_t misses = 0;
			for (uint32_t page = 0; page < phase->count; page++) {
				vm_replace_reference(replace, phase->first + page, &event);
				misses += event.fault;
			}
			if (misses < outcome->least[round])
				outcome->least[round] = misses;
			if (misses > outcome->most[round])
				outcome->most[round] = misses;
		}
		if (phase->look != NULL)
			look_at(replace, string, look++, outcome);
	}
}

/* What the kernel leaves open: how many frames are the string's, and how old its statistics are. */
struct unknown {
	struct moving frames;
	bool is_up_to_date; /* before each reference */
	int64_t misses;	    /* as many as there were */
};

/*
 * The most changes that the group's statistics may not know of: each CPU counts up to 64, and they
 * are summed up when there are as many for each CPU; a list that 32 pages leave is one change.
 * linux:6.12:mm/memcontrol.c:memcg_vmstats_needs_flush, linux:6.1:mm/memcontrol.c:
 * memcg_rstat_updated
 */
static uint32_t lag_changes(const struct vm_host *host)
{
	const uint32_t cpus = host->cpus_online;

	return SWAP_CLUSTER_PAGES +
	       (vm_host_has(host, VM_FEATURE_GROUP_STATS_WAIT)
			       ? CHARGE_BATCH * (cpus + 1)
			       : (CHARGE_BATCH + 1) * (cpus + 1) + CHARGE_BATCH);
}

#define LAGS   9
#define PHASES 4

/*
 * A lag, and how much of it has passed in the beginning. Where they are up to date before each
 * reference, a lag is what passes within one.
 */
static void take_way(const struct vm_host *host, const struct unknown *unknown, uint32_t way,
	struct vm_replace_config *config)
{
	const uint32_t lag = lag_changes(host) * (way % LAGS) / (LAGS - 1);

	config->statistics_lag_moves = lag;
	config->statistics_phase_moves = lag * (way / LAGS) / PHASES;
	config->statistics_at_reference = unknown->is_up_to_date;
}

/* The oldest page of the oldest generation goes first, whatever the statistics and batches say. */
static struct outcome simulate_generations(const struct string *string, struct moving frames)
{
	struct outcome outcome = outcome_make(string);
	struct vm_replace_config config = {
		.policy = VM_POLICY_GENERATIONS,
		.pages = string->pages,
		.reclaim_batch_frames = GENERATION_PORTION,
		.use = string->mapped != 0 ? VM_USE_MAPPED : VM_USE_READ,
		.read_from_page = string->mapped,
		.read_ahead = true,
	};

	for (int64_t count = frames.lowest; count <= frames.highest; count++) {
		config.frames = (uint32_t)count;
		run(&config, string, &outcome);
	}
	return outcome;
}

static struct outcome simulate(const struct vm_model *model, const struct vm_host *host,
	const struct string *string, const struct unknown *unknown, enum vm_list_rival rival)
{
	struct outcome outcome = outcome_make(string);
	struct vm_replace_config config = {
		.policy = VM_POLICY_TWO_LIST,
		.pages = string->pages,
		.reclaim_batch_frames = SWAP_CLUSTER_PAGES,
		.balance = model->behaviours.list_balance,
		.rival = rival,
		.use = string->mapped != 0 ? VM_USE_MAPPED : VM_USE_READ,
		.read_from_page = string->mapped,
	};

	const uint32_t ways = LAGS * (unknown->is_up_to_date ? 1 : PHASES);
	for (int64_t count = unknown->frames.lowest; count <= unknown->frames.highest; count++) {
		config.frames = (uint32_t)count;
		for (uint32_t way = 0; way < ways; way++) {
			take_way(host, unknown, way, &config);
			run(&config, string, &outcome);
		}
	}
	return outcome;
}

/* One reclaim frees 32 frames at least, and fewer than as many again: it ends with the portion that
 * makes them enough. linux:6.12:mm/vmscan.c:shrink_lruvec */
#define FREED_AT_MOST (2 * SWAP_CLUSTER_PAGES - 1)

/* The loop's last round that may miss a page, counted from its first. */
static size_t last_miss(const struct outcome *outcome, size_t first)
{
	size_t last = 0;

	for (size_t round = first; round < outcome->rounds; round++)
		if (outcome->most[round] != 0)
			last = round - first;
	return last;
}

/*
 * Pages of a stale active list and a loop beside it. Once the loop misses nothing more all of it is
 * there, and of the stale pages as many as fit beside it, but for what the last reclaim freed in
 * advance. They go from the tail of the active list to that of the inactive one, in the order of
 * their second use, and nothing brings one back: the last ones stay, whatever is known late, and in
 * whatever batches the loop's pages come. Twice the time is allowed for that which the simulator
 * needs; where that is longer than the string nothing is known.
 */
static struct outcome bound_stale(const struct vm_model *model, const struct vm_host *host,
	const struct string *string, const struct unknown *unknown)
{
	struct outcome outcome = simulate(model, host, string, unknown, VM_LIST_RIVAL_NONE);
	const int64_t stale = string->phase[0].count, loop = string->phase[1].count;
	const size_t first = string->phase[0].rounds;
	const size_t settled = first + 2 * last_miss(&outcome, first);
	const bool known = settled < outcome.rounds;
	const int64_t most = unknown->frames.highest - loop;
	const int64_t least = unknown->frames.lowest - FREED_AT_MOST - loop;

	for (int64_t page = 0; page < stale + loop; page++) {
		outcome.may_stay[page] = !known || page >= stale - most;
		outcome.may_go[page] = !known || page < stale - (least < 0 ? 0 : least);
	}
	for (size_t round = first + 1; round < outcome.rounds; round++) {
		outcome.least[round] = 0;
		outcome.most[round] = round <= settled ? loop : 0;
	}
	return outcome;
}

/*
 * Of the pages that are kept for their use. The active list is never cut where the inactive one is
 * not the shorter one even when it is shortest: at the end of a reclaim, or as late as it may be
 * known while it grows. A page that comes, goes or is cut is two changes: of a list, and of the
 * page cache or another list.
 *
 * Else it is cut until it is seen to be in balance. By what was so when a reclaim began that is for
 * the last time with all of that reclaim still to come; by what was so later, with one portion; by
 * what is known late, with all that was cut since then.
 */
static struct moving kept_pages(const struct vm_model *model, const struct vm_host *host,
	const struct string_phase *phase, const struct unknown *unknown, bool by_bits)
{
	const struct moving frames = unknown->frames;
	const int64_t kept = phase->kept, late = (int64_t)lag_changes(host) / 2;
	const int64_t ratio = (int64_t)vm_replace_inactive_ratio(
		model->behaviours.list_balance, (uint64_t)frames.highest);
	const int64_t short_by =
		unknown->is_up_to_date || late < FREED_AT_MOST ? FREED_AT_MOST : late;

	if (by_bits || (frames.lowest - kept - short_by) * ratio >= kept)
		return (struct moving){kept, kept};
	const int64_t least = unknown->is_up_to_date
				      ? frames.lowest * ratio / (ratio + 1) - FREED_AT_MOST * ratio
				      : (frames.lowest - FREED_AT_MOST) * ratio / (ratio + 1) -
						late - SWAP_CLUSTER_PAGES * ratio;
	const int64_t most = frames.highest * ratio / (ratio + 1);
	return (struct moving){least < 0 ? 0 : least, most < kept ? most : kept};
}

/* When each page was used last, from 1 on, up to the end of a phase. */
static void last_uses(const struct string *string, size_t end, uint32_t *last)
{
	uint32_t now = 0;

	for (size_t i = 0; i <= end; i++)
		for (uint32_t page = 0; page < string->phase[i].count; page++)
			last[string->phase[i].first + page] = ++now;
}

static int by_number(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* Of the first pages so many stay; and what a reclaim frees in advance. */
struct kept {
	uint32_t first;
	struct moving stay;
	int64_t freed_at_most;
};

/*
 * Behind a phase a full group has all its frames but for what the last reclaim freed in advance.
 * Those kept for their use are the last ones in the order of it, and the rest is what was used
 * last: where in its turn a reclaim began decides nothing else.
 */
static void bound_look(const struct string *string, size_t end, const struct kept *about,
	struct moving frames, uint8_t *may_stay, uint8_t *may_go)
{
	const struct moving kept = about->stay;
	const uint32_t first = about->first, others = string->pages - first;
	uint32_t *last = zeroed(string->pages, sizeof(*last));
	uint32_t *order = zeroed(others, sizeof(*order));
	const int64_t most = frames.highest - kept.lowest;
	const int64_t least = frames.lowest - about->freed_at_most - kept.highest;

	last_uses(string, end, last);
	memcpy(order, last + first, others * sizeof(*order));
	qsort(order, others, sizeof(*order), by_number);
	for (uint32_t page = 0; page < first; page++) {
		may_stay[page] = page >= first - kept.highest;
		may_go[page] = page < first - kept.lowest;
	}
	for (uint32_t page = first; page < string->pages; page++) {
		const bool used = last[page] != 0;
		may_stay[page] = used && (most >= others || last[page] >= order[others - most]);
		may_go[page] = !used || least <= 0 ||
			       (least < others && last[page] < order[others - least]);
	}
	free(last);
	free(order);
}

static struct outcome bound_order(const struct vm_model *model, const struct vm_host *host,
	const struct string *string, const struct unknown *unknown)
{
	struct outcome outcome = simulate(model, host, string, unknown, VM_LIST_RIVAL_NONE);
	size_t look = 0;

	for (size_t i = 0; i < string->phases_count; i++) {
		if (string->phase[i].look == NULL)
			continue;
		const struct kept kept = {
			.first = string->phase[i].kept,
			.stay = kept_pages(
				model, host, &string->phase[i], unknown, string->mapped != 0),
			.freed_at_most = FREED_AT_MOST,
		};
		const size_t at = look++ * string->pages;
		bound_look(string, i, &kept, unknown->frames, outcome.may_stay + at,
			outcome.may_go + at);
	}
	return outcome;
}

/*
 * What was used through page tables goes to the youngest generation when its turn comes, for good
 * here. Some go without being taken out for it, by a neighbour's: then a portion of 64 has others
 * in it, of which fewer than 32 may not be enough. linux:6.12:mm/vmscan.c:lru_gen_look_around
 */
static struct outcome bound_generations(const struct string *string, const struct unknown *unknown)
{
	struct outcome outcome = simulate_generations(string, unknown->frames);
	const struct kept kept = {
		.first = string->mapped,
		.stay = {string->mapped, string->mapped},
		.freed_at_most = SWAP_CLUSTER_PAGES - 1 + GENERATION_PORTION,
	};
	size_t look = 0;

	for (size_t i = 0; i < string->phases_count && string->mapped != 0; i++) {
		const size_t at = look * string->pages;
		if (string->phase[i].look == NULL)
			continue;
		bound_look(string, i, &kept, unknown->frames, outcome.may_stay + at,
			outcome.may_go + at);
		look++;
	}
	return outcome;
}

/* Strings that end with a loop that fits beside what is left of other pages. */
static bool settles(const struct survivors_about *about)
{
	return about->name == STRING_REFAULT || about->name == STRING_LOOPS_APART;
}

static struct outcome outcome_of(const struct vm_model *model, const struct vm_host *host,
	const struct survivors_about *about, const struct string *string,
	const struct unknown *unknown)
{
	if (about->by_generations)
		return bound_generations(string, unknown);
	if (settles(about))
		return bound_stale(model, host, string, unknown);
	return bound_order(model, host, string, unknown);
}

static bool is_apart(const struct outcome *kernel, const struct outcome *rival, size_t index)
{
	return (!kernel->may_stay[index] && !rival->may_go[index]) ||
	       (!kernel->may_go[index] && !rival->may_stay[index]);
}

/*
 * Pages, and rounds, where whatever the rival does is nothing that the kernel may do. Where a
 * monitor takes pages away by itself most of a part decide, so that most of one must be apart.
 */
static uint64_t apart(const struct outcome *kernel, const struct outcome *rival,
	const struct string *string, bool mostly)
{
	uint64_t count = 0;

	for (size_t look = 0; look < kernel->looks; look++)
		for (size_t i = 0; i < string->phases_count; i++) {
			const struct string_phase *part = &string->phase[i];
			uint64_t of_part = 0;
			for (uint32_t page = 0; page < part->count; page++)
				of_part += is_apart(
					kernel, rival, look * string->pages + part->first + page);
			if (string_is_part(string, i) && (!mostly || 2 * of_part > part->count))
				count += of_part;
		}
	uint64_t of_rounds = 0;
	for (size_t i = 0; i < kernel->rounds; i++)
		of_rounds += rival->least[i] > kernel->most[i] || rival->most[i] < kernel->least[i];
	if (!mostly || 2 * of_rounds > kernel->rounds)
		count += of_rounds;
	return count;
}

static const char *const inputs[] = {"other-pages", "missing-in-statistics"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static const char *const refault_inputs[] = {"misses", "missing-in-statistics"};

#define REFAULT_INPUTS_COUNT (sizeof(refault_inputs) / sizeof(refault_inputs[0]))

#define SENTENCE_BYTES 400

/*
 * Names in the sentence those of the rivals that are excluded. Where most of a part decide that may
 * be some of them, else it must be all.
 */
static bool excludes(const struct vm_model *model, const struct vm_host *host,
	const struct survivors_about *about, const struct string *string,
	const struct unknown *unknown, const struct outcome *kernel, char sentence[SENTENCE_BYTES])
{
	const bool mostly = vm_host_has(host, VM_FEATURE_ACCESS_MONITORED);
	size_t length = 0, excluded_count = 0;

	sentence[0] = '\0';
	for (size_t i = 0; i < about->rivals_count; i++) {
		struct outcome rival = simulate(model, host, string, unknown, about->rivals[i]);
		const uint64_t count = apart(kernel, &rival, string, mostly);
		outcome_drop(&rival);
		if (count == 0)
			continue;
		const int added = snprintf(sentence + length, SENTENCE_BYTES - length,
			"%s%s (%" PRIu64 " apart)", excluded_count++ == 0 ? "; excludes " : ", ",
			vm_list_rival_word(about->rivals[i]), count);
		if (added > 0 && (size_t)added < SENTENCE_BYTES - length)
			length += (size_t)added;
	}
	return excluded_count == about->rivals_count || (mostly && excluded_count != 0);
}

/* The two lists are what a kernel with generations must not follow. */
static bool excludes_lists(const struct vm_model *model, const struct vm_host *host,
	const struct string *string, const struct unknown *unknown, const struct outcome *kernel,
	char sentence[SENTENCE_BYTES])
{
	struct outcome lists = simulate(model, host, string, unknown, VM_LIST_RIVAL_NONE);
	const uint64_t count =
		apart(kernel, &lists, string, vm_host_has(host, VM_FEATURE_ACCESS_MONITORED));

	outcome_drop(&lists);
	(void)snprintf(
		sentence, SENTENCE_BYTES, "; excludes the two lists (%" PRIu64 " apart)", count);
	return count != 0;
}

static void predict_part(const struct string *string, const struct outcome *outcome, size_t look,
	const struct string_phase *part, struct vm_prediction *about,
	struct vm_predictions *predictions)
{
	int64_t *spans = zeroed(2 * (size_t)part->count, sizeof(*spans));

	for (uint32_t page = 0; page < part->count; page++) {
		const size_t index = look * string->pages + part->first + page;
		spans[(size_t)2 * page] = !outcome->may_go[index];
		spans[(size_t)2 * page + 1] = outcome->may_stay[index];
	}
	about->values = spans;
	about->values_count = 2 * (size_t)part->count;
	vm_predict(predictions, about);
	free(spans);
}

/* For each look each part; before the trials there is no outcome, and these are rules. */
static void predict_looks(const struct string *string, const struct outcome *outcome,
	struct vm_prediction about, struct vm_predictions *predictions)
{
	char place[STRING_PLACE_BYTES];
	size_t look = 0;

	about.quantity = "resident";
	about.unit = VM_UNIT_BOOL;
	for (size_t i = 0; i < string->phases_count; i++) {
		if (string->phase[i].look == NULL)
			continue;
		for (size_t j = 0; j < string->phases_count; j++) {
			if (!string_is_part(string, j))
				continue;
			about.at = predict_sentence(predictions, "%s",
				string_place(string->phase[i].look, &string->phase[j], place));
			if (outcome == NULL)
				predict_rule(predictions, &about, inputs, INPUTS_COUNT);
			else
				predict_part(string, outcome, look, &string->phase[j], &about,
					predictions);
		}
		look++;
	}
}

static void predict_misses(const struct outcome *outcome, struct vm_prediction about,
	struct vm_predictions *predictions)
{
	about.quantity = "misses";
	about.at = "";
	about.unit = VM_UNIT_PAGES;
	if (outcome == NULL) {
		predict_rule(predictions, &about, inputs, INPUTS_COUNT);
		return;
	}
	int64_t *spans = zeroed(2 * outcome->rounds, sizeof(*spans));
	for (size_t i = 0; i < outcome->rounds; i++) {
		spans[2 * i] = outcome->least[i];
		spans[2 * i + 1] = outcome->most[i];
	}
	about.values = spans;
	about.values_count = 2 * outcome->rounds;
	vm_predict(predictions, &about);
	free(spans);
}

/* All misses but the first of each page, however many they are; less what is not summed up yet. */
static void predict_refaults(const struct vm_host *host, const struct string *string,
	const struct unknown *unknown, struct vm_prediction about,
	struct vm_predictions *predictions)
{
	about.quantity = "refaults";
	about.at = "";
	about.unit = VM_UNIT_PAGES;
	about.because = "what comes back is known by what it left behind, and counted";
	about.cite = "linux:6.12:mm/workingset.c:workingset_refault";
	if (unknown == NULL) {
		predict_rule(predictions, &about, refault_inputs, REFAULT_INPUTS_COUNT);
		return;
	}
	uint32_t *last = zeroed(string->pages, sizeof(*last));
	int64_t again = unknown->misses;
	last_uses(string, string->phases_count - 1, last);
	for (uint32_t page = 0; page < string->pages; page++)
		again -= last[page] != 0;
	free(last);
	const int64_t late = unknown->is_up_to_date ? 0 : (int64_t)lag_changes(host);
	const int64_t highest = again < 0 ? 0 : again;
	predict_moving(predictions, &about,
		(struct moving){highest < late ? 0 : highest - late, highest}, 1);
}

static uint64_t decided_pages(const struct outcome *outcome, const struct string *string)
{
	uint64_t count = 0;

	for (size_t i = 0; i < outcome->looks * string->pages; i++)
		count += outcome->may_stay[i] != outcome->may_go[i];
	return count;
}

/* On a kernel with the generational lists these are not the lists that decide. */
static bool has_generations(const struct vm_host *host)
{
	return vm_host_knob(host, VM_KNOB_LRU_GEN_ENABLED, 0) % 2 != 0;
}

/*
 * Before 6.8 nobody waits for the lock of the statistics: while another CPU has it, which may be
 * for as long as somebody runs there instead, they are as old as they are.
 * linux:6.1:mm/memcontrol.c:__mem_cgroup_flush_stats
 */
static bool statistics_have_no_bound(const struct vm_host *host)
{
	return host->cpus_online > 1 && vm_host_lacks(host, VM_FEATURE_GROUP_STATS_WAIT);
}

static void predict_silence(
	struct vm_predictions *predictions, struct vm_prediction about, const char *because)
{
	about.form = VM_FORM_SILENT;
	about.quantity = "resident";
	about.at = "";
	about.because = because;
	vm_predict(predictions, &about);
}

static int64_t frames_beside(const struct survivors_about *about, int64_t others)
{
	const int64_t limit = (int64_t)about->limit_pages;

	return others < 0 || others > limit ? 0 : limit - others;
}

/* False before the trials. */
static bool read_unknown(const struct probe_readings *readings, const struct survivors_about *about,
	struct unknown *unknown)
{
	const struct probe_reading *misses = probe_reading_of(readings, "misses", "");
	struct moving other, missing;

	if (misses == NULL || !moving_of(readings, inputs[0], "", &other) ||
		!moving_of(readings, inputs[1], "", &missing))
		return false;
	*unknown = (struct unknown){
		.frames =
			{
				.lowest = frames_beside(about, other.highest),
				.highest = frames_beside(about, other.lowest),
			},
		/* Always off by the same, and each reference changes them: they are not late. */
		.is_up_to_date = missing.lowest == missing.highest,
	};
	/* A record may say anything. */
	for (size_t i = 0; i < misses->values_count; i++)
		if (__builtin_add_overflow(unknown->misses, misses->values[i], &unknown->misses))
			unknown->misses = 0;
	return true;
}

/*
 * What a monitor's scheme takes is taken for the whole machine: it comes back as part of the
 * machine's working set, on the active list, and all rounds that follow are others (linux:6.12:
 * mm/workingset.c:workingset_eviction, mm/vmscan.c:reclaim_pages). So where there is one, rounds
 * are spoken of only where most have nothing to miss any more.
 */
static bool speaks_of_rounds(const struct survivors_about *about, bool mostly)
{
	return !mostly || settles(about);
}

/* As good as all of the group is the string's. */
static bool leaves_room(const struct survivors_about *about, const struct unknown *unknown)
{
	const int64_t limit = (int64_t)about->limit_pages;

	return unknown->frames.lowest > limit - limit / 8 && unknown->frames.highest <= limit;
}

static const char *open_by(const struct survivors_about *about, const struct unknown *unknown)
{
	return about->by_generations ? "what else the group has"
	       : unknown->is_up_to_date
		       ? "what the last reclaim freed in advance"
		       : "what the last reclaim freed in advance, and late statistics";
}

static struct vm_prediction words_of(const struct survivors_about *about, bool mostly)
{
	return (struct vm_prediction){
		.claim = about->claim,
		.form = mostly ? VM_FORM_MOSTLY : VM_FORM_WITHIN,
		.because =
			about->by_generations
				? "what is read enters the oldest generation and leaves it in the "
				  "order in which it came, 64 at a time; few uses by read() keep "
				  "nothing, many do, and one through a page table does"
				: "new pages enter the inactive list, a second use activates, the "
				  "tail of the inactive list goes in portions of 32, and the "
				  "active "
				  "list is cut when it is the longer one or refaults were "
				  "activated",
		.cite = about->by_generations ? "linux:6.12:mm/vmscan.c:sort_folio"
					      : "linux:6.12:mm/vmscan.c:shrink_lruvec",
	};
}

static void predict_outcome(const struct vm_model *model, const struct vm_host *host,
	const struct survivors_about *about, const struct unknown *unknown,
	struct vm_prediction prediction, struct vm_predictions *predictions)
{
	const struct string string = string_of(about->name, about->limit_pages);
	const bool mostly = prediction.form == VM_FORM_MOSTLY;
	struct outcome outcome = outcome_of(model, host, about, &string, unknown);
	char sentence[SENTENCE_BYTES];

	prediction.because = predict_sentence(predictions,
		"%s: %" PRIu64 " of %" PRIu64 " pages decided, the others by %s%s",
		prediction.because, decided_pages(&outcome, &string),
		(uint64_t)(outcome.looks * string.pages), open_by(about, unknown),
		mostly ? "; DAMON may take single pages away, so most of each part count" : "");
	if (about->by_generations
			? excludes_lists(model, host, &string, unknown, &outcome, sentence)
			: excludes(model, host, about, &string, unknown, &outcome, sentence)) {
		prediction.because =
			predict_sentence(predictions, "%s%s", prediction.because, sentence);
		predict_looks(&string, &outcome, prediction, predictions);
		if (speaks_of_rounds(about, mostly))
			predict_misses(&outcome, prediction, predictions);
		predict_refaults(host, &string, unknown, prediction, predictions);
	} else {
		predict_silence(predictions, prediction,
			predict_sentence(
				predictions, "with this limit it excludes too few%s", sentence));
	}
	outcome_drop(&outcome);
}

void predict_survivors(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const struct survivors_about *about,
	struct vm_predictions *predictions)
{
	const struct vm_prediction prediction =
		words_of(about, vm_host_has(host, VM_FEATURE_ACCESS_MONITORED));
	const struct string string = string_of(about->name, about->limit_pages);
	struct unknown unknown;

	if (has_generations(host) != about->by_generations) {
		predict_silence(predictions, prediction,
			about->by_generations ? "the two lists decide here"
					      : "the generational lists decide here");
	} else if (!read_unknown(readings, about, &unknown)) {
		predict_looks(&string, NULL, prediction, predictions);
		if (speaks_of_rounds(about, prediction.form == VM_FORM_MOSTLY))
			predict_misses(NULL, prediction, predictions);
		predict_refaults(host, &string, NULL, prediction, predictions);
	} else if (!leaves_room(about, &unknown)) {
		predict_silence(predictions, prediction,
			"the group had too many pages that are none of the string's");
	} else if (!about->by_generations && !unknown.is_up_to_date &&
		   statistics_have_no_bound(host)) {
		predict_silence(predictions, prediction,
			"before 6.8 another CPU may keep the statistics old for any time");
	} else if (about->by_generations && vm_host_has(host, VM_FEATURE_GENERATIONS_REWORKED)) {
		predict_silence(predictions, prediction,
			"how the generational lists age and evict since 6.13 is not modelled");
	} else {
		predict_outcome(model, host, about, &unknown, prediction, predictions);
	}
}
