/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard/seam.h"
#include "guard/undo.h"
#include "guard/why.h"

int stack_push(struct stack *stack, const struct undo *undos, size_t count)
{
	struct undo *const grown = realloc(stack->undos, (stack->count + count) * sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	stack->undos = grown;
	memcpy(grown + stack->count, undos, count * sizeof(*undos));
	const int failed = journal_append(&stack->journal, undos, count);
	if (failed == 0)
		stack->count += count;
	return failed;
}

int stack_pop_to(struct stack *stack, size_t mark)
{
	size_t left_count = 0; /* of those above the mark; they move to the end of the array */
	int failed = 0;

	for (size_t i = stack->count; i > mark; i--) {
		char why[WHY_BYTES] = "";

		if (undo_do(stack->places, &stack->undos[i - 1], why) != 0) {
			places_say(stack->places, "%s", why);
			stack->undos[stack->count - 1 - left_count++] = stack->undos[i - 1];
			failed = -EUCLEAN;
			continue;
		}
		/* The journal is cut as we go: whoever comes after us has less to do again. What
		 * cannot be cut off is undone twice, which changes nothing. */
		if (left_count == 0)
			(void)journal_cut(&stack->journal, i - 1);
	}
	/* What could not be undone stays, and everything between it and the mark goes. */
	memmove(stack->undos + mark, stack->undos + stack->count - left_count,
		left_count * sizeof(*stack->undos));
	if (stack->count > mark)
		stack->count = mark + left_count;
	if (left_count != 0) {
		const int replaced = journal_replace(
			&stack->journal, stack->places->boot, stack->undos, stack->count);
		if (replaced != 0)
			places_say(stack->places, "%s cannot be written anew: %s",
				stack->places->journal, strerror(-replaced));
	}
	return failed;
}

void stack_drop(struct stack *stack)
{
	journal_close(&stack->journal);
	free(stack->undos);
	stack->undos = NULL;
	stack->count = 0;
}

/* Drops what the reboot has undone. */
static void forget_lost(struct journal_content *content)
{
	size_t kept_count = 0;

	for (size_t i = 0; i < content->count; i++) {
		if (!undo_is_lasting(&content->undos[i]))
			continue;
		/* With its mark: cutting there leaves exactly the lines before it. */
		content->marks[kept_count] = content->marks[i];
		content->undos[kept_count++] = content->undos[i];
	}
	content->marks[kept_count] = content->marks[content->count];
	content->count = kept_count;
}

/* Every entry is looked at before the first is obeyed. */
static int check_all(const struct places *places, const struct journal_content *content)
{
	for (size_t i = 0; i < content->count; i++) {
		char why[WHY_BYTES] = "";

		if (undo_check(places, &content->undos[i], why) == 0)
			continue;
		places_say(places, "%s%s: line %zu: %s", places->root, places->journal, i + 2, why);
		return -EBADMSG;
	}
	return 0;
}

/* The content is sound and of this boot, or freed of what is not. */
static int settle_content(const struct places *places, struct journal_content *content)
{
	struct stack stack = {.places = places, .count = content->count, .undos = content->undos};
	int failed = 0;

	content->undos = NULL;
	failed = journal_adopt(&stack.journal, places->root, places->journal, content);
	if (failed == 0)
		failed = stack_pop_to(&stack, 0);
	if (failed == 0)
		failed = journal_remove(&stack.journal);
	else if (failed != -EUCLEAN)
		places_say(places, "%s%s: %s", places->root, places->journal, strerror(-failed));
	stack_drop(&stack);
	return failed;
}

int stack_load(const struct places *places, struct journal_content *content)
{
	struct kernel_error error;
	int failed = journal_load(places->root, places->journal, content, &error);

	if (failed == -ENOENT)
		return failed;
	if (failed != 0) {
		places_say(places,
			"%s%s: line %u: %s; nothing was changed: look at it, put the settings in "
			"it "
			"back by hand, and remove it",
			places->root, places->journal, error.line, error.reason);
		return -EBADMSG;
	}
	if (strcmp(content->boot, places->boot) != 0)
		forget_lost(content);
	failed = check_all(places, content);
	if (failed != 0)
		journal_drop(content);
	return failed;
}

int stack_settle(const struct places *places, size_t *undone_count)
{
	struct journal_content content;
	int failed = stack_load(places, &content);

	*undone_count = 0;
	if (failed == 0) {
		*undone_count = content.count;
		failed = settle_content(places, &content);
		journal_drop(&content);
	} else if (failed == -ENOENT) {
		failed = 0;
	}
	if (failed == 0 && geteuid() == 0)
		failed = undo_sweep(places);
	return failed;
}
