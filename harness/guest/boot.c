/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/boot.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buffer.h"
#include "guest/machine.h"

/* A kernel that has oopsed may hold a lock for ever: so long nothing comes from one that works. */
#define STANDSTILL_MS 60000
/* In the head of every oops, with its number. linux:6.12:arch/x86/kernel/dumpstack.c:__die_header
 */
#define OOPS_MARK " [#"
/* So long nothing may come out of a machine that stands still: then nothing is left in it. */
#define SILENCE_MS 10

/* A machine's output, which comes packed; behind its end comes the command's exit status. */
struct receiver {
	ZSTD_DStream *stream;
	bool whole;	    /* it had its own end */
	bool ended;	    /* nothing comes any more */
	int exit_status;    /* -1: it did not come */
	struct buffer seen; /* what came, while there may be clones that need it too */
	unsigned char packed[65536];
};

/* The machines of one guest: the first, and its clones. */
struct party {
	const struct guest *guest;
	const struct guest_kernel *kernel;
	guest_sink *sink;
	void *context;
	bool divided;
	int64_t heard_ms; /* when something was last received */
	unsigned count;
	unsigned culprit; /* who ended it, when it did not end well */
	struct machine machines[GUEST_MACHINES_LIMIT];
	struct receiver receivers[GUEST_MACHINES_LIMIT];
};

static int64_t milliseconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- receiving ------------------------------------------------------------------------------- */

static void begin_receiver(struct receiver *receiver)
{
	receiver->stream = ZSTD_createDStream();
	receiver->exit_status = -1;
	if (receiver->stream == NULL)
		abort();
}

/* Makes plain again what came and passes it on. False when that is not to be, or not wanted. */
static bool pass_on(struct party *party, unsigned part, const void *packed, size_t size_bytes)
{
	struct receiver *receiver = &party->receivers[part];
	ZSTD_inBuffer input = {packed, size_bytes, 0};
	unsigned char bytes[65536];
	bool more = true;

	/* What did not fit the last time is still in the stream when nothing new is left. */
	while (!receiver->whole && (more || input.pos != input.size)) {
		ZSTD_outBuffer plain = {bytes, sizeof(bytes), 0};
		const size_t left = ZSTD_decompressStream(receiver->stream, &plain, &input);
		if (ZSTD_isError(left))
			return false;
		if (plain.pos != 0 &&
			party->sink(party->context, part, (const char *)bytes, plain.pos) < 0)
			return false;
		receiver->whole = left == 0;
		more = plain.pos == plain.size;
	}
	if (receiver->exit_status < 0 && input.pos != input.size)
		receiver->exit_status = ((const unsigned char *)packed)[input.pos];
	return true;
}

/* What is there to be read, once. False when it is not wanted. */
static bool receive(struct party *party, unsigned part)
{
	struct receiver *receiver = &party->receivers[part];
	const ssize_t got_bytes =
		read(party->machines[part].output, receiver->packed, sizeof(receiver->packed));

	receiver->ended = got_bytes <= 0;
	party->heard_ms = milliseconds_now();
	if (receiver->ended)
		return true;
	if (!party->divided && party->guest->machines > 1)
		buffer_add(&receiver->seen, (const char *)receiver->packed, (size_t)got_bytes);
	const bool good = pass_on(party, part, receiver->packed, (size_t)got_bytes);
	receiver->ended = receiver->exit_status >= 0;
	return good;
}

/* All that a machine that stands still has said. */
static bool receive_rest(struct party *party, unsigned part)
{
	struct pollfd output = {.fd = party->machines[part].output, .events = POLLIN};
	bool good = true;

	while (good && !party->receivers[part].ended && poll(&output, 1, SILENCE_MS) > 0)
		good = receive(party, part);
	return good;
}

/* --- dividing the work ----------------------------------------------------------------------- */

/*
 * The run has sealed its predictions and asks who does how much of the rest. Its machine is
 * stopped, as many as there may be are made of it, and each is told its part. The clones' output
 * begins where the machine's had come to, in the middle of what is packed: so what it had said is
 * said for them too, and each brings out a record of its own with the same seal. False when the
 * machine is lost.
 */
static bool divide(struct party *party)
{
	struct oracle *oracle = &party->machines[0].oracle;
	const struct buffer *seen = &party->receivers[0].seen;
	unsigned most = party->guest->machines;
	bool good = true;

	if (oracle->division < most)
		most = (unsigned)oracle->division;
	oracle->division = 0;
	if (most > 1) {
		if (!machine_stop(&party->machines[0]) || !receive_rest(party, 0))
			return false;
		party->count += machine_clone(&party->machines[0], party->guest, party->kernel,
			&party->machines[1], most - 1);
		good = machine_go_on(&party->machines[0]);
	}
	party->divided = true;
	for (unsigned part = 1; good && part < party->count; part++) {
		begin_receiver(&party->receivers[part]);
		good = pass_on(party, part, seen->bytes, seen->length_bytes) &&
		       machine_go_on(&party->machines[part]);
	}
	for (unsigned part = 0; good && part < party->count; part++)
		good = oracle_reply(&party->machines[part].oracle,
			       (const uint64_t[]){part, party->count}, 2) == 0;
	buffer_drop(&party->receivers[0].seen);
	return good;
}

/* --- until it ends --------------------------------------------------------------------------- */

/* Serves what is ready of one machine. GUEST_ENDED: it goes on, or has ended by itself. */
static enum guest_end serve(struct party *party, unsigned part, bool asks, bool speaks)
{
	struct receiver *receiver = &party->receivers[part];
	struct oracle *oracle = &party->machines[part].oracle;

	party->culprit = part;
	if (asks && oracle_serve(oracle) != 0)
		return GUEST_VANISHED;
	/* Once: what a clone had said before is known of the first alone. */
	if (oracle->division != 0 && (part != 0 || party->divided || !divide(party)))
		return GUEST_VANISHED;
	if (speaks && !receive(party, part))
		return GUEST_CANCELLED;
	/* One that failed ends the others: there is no whole record any more. */
	return receiver->ended && receiver->exit_status != 0 ? GUEST_VANISHED : GUEST_ENDED;
}

/* The kernel said that it oopsed, and nothing has come since: who did it holds what others want. */
static bool stands_still(struct party *party)
{
	char console[sizeof(((struct guest_result *)NULL)->console)];

	for (unsigned part = 0; part < party->count; part++) {
		machine_read_console(&party->machines[part], console, sizeof(console));
		if (strstr(console, OOPS_MARK) == NULL)
			continue;
		party->culprit = part;
		return true;
	}
	return false;
}

static bool all_ended(const struct party *party)
{
	for (unsigned part = 0; part < party->count; part++)
		if (!party->receivers[part].ended)
			return false;
	return true;
}

/* Passes the output on until it ends. Returns how. */
static enum guest_end pump(struct party *party, int stop_descriptor)
{
	const int64_t deadline_ms = milliseconds_now() + (int64_t)party->guest->deadline_s * 1000;
	enum guest_end end = GUEST_ENDED;

	while (end == GUEST_ENDED && !all_ended(party)) {
		struct pollfd waits[1 + 2 * GUEST_MACHINES_LIMIT];
		const unsigned count = party->count;
		const int64_t left_ms = deadline_ms - milliseconds_now();
		waits[0] = (struct pollfd){.fd = stop_descriptor, .events = POLLIN};
		for (unsigned part = 0; part < count; part++) {
			const bool ended = party->receivers[part].ended;
			waits[1 + 2 * part] = (struct pollfd){
				.fd = ended ? -1 : party->machines[part].output, .events = POLLIN};
			waits[2 + 2 * part] = (struct pollfd){
				.fd = ended ? -1 : party->machines[part].oracle.port,
				.events = POLLIN};
		}
		if (left_ms <= 0)
			return GUEST_OVERDUE;
		const int ready = poll(waits, 1 + 2 * (nfds_t)count,
			(int)(left_ms < STANDSTILL_MS ? left_ms : STANDSTILL_MS));
		if (ready < 0 && errno != EINTR)
			return GUEST_VANISHED;
		if (ready <= 0 && milliseconds_now() - party->heard_ms >= STANDSTILL_MS &&
			stands_still(party))
			return GUEST_OVERDUE;
		if (ready <= 0)
			continue;
		if (waits[0].revents != 0)
			return GUEST_CANCELLED;
		for (unsigned part = 0; part < count && end == GUEST_ENDED; part++)
			end = serve(party, part, (waits[2 + 2 * part].revents & POLLIN) != 0,
				waits[1 + 2 * part].revents != 0);
	}
	return end;
}

/* The console line that holds word, for the reason text. */
static void quote_line(const char *console, const char *word, char *why, size_t why_bytes)
{
	const char *at = strstr(console, word);
	const char *start = at;

	while (start > console && start[-1] != '\n')
		start--;
	(void)snprintf(why, why_bytes, "%.*s", (int)strcspn(start, "\r\n"), start);
}

static void conclude(
	struct guest_result *result, enum guest_end pumped, const struct party *party, int status)
{
	const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	const int exit_status = party->receivers[party->culprit].exit_status;

	result->end = pumped;
	if (pumped == GUEST_OVERDUE && strstr(result->console, OOPS_MARK) != NULL) {
		quote_line(result->console, OOPS_MARK, result->why, sizeof(result->why));
	} else if (pumped == GUEST_OVERDUE) {
		(void)snprintf(result->why, sizeof(result->why),
			"the guest did not end within %u s", party->guest->deadline_s);
	} else if (strstr(result->console, "Kernel panic") != NULL) {
		result->end = GUEST_PANICKED;
		quote_line(result->console, "Kernel panic", result->why, sizeof(result->why));
	} else if (pumped == GUEST_ENDED || (pumped == GUEST_VANISHED && exit_status >= 0)) {
		result->end = GUEST_ENDED;
		result->exit_status = exit_status;
	} else if (pumped == GUEST_VANISHED && (code == 1 || code == 127)) {
		result->end = GUEST_NOT_STARTED;
		(void)snprintf(result->why, sizeof(result->why), "QEMU could not start: %.*s",
			(int)strcspn(result->console, "\r\n"), result->console);
	} else if (pumped == GUEST_VANISHED) {
		(void)snprintf(result->why, sizeof(result->why),
			"the guest stopped without a panic and without a whole result");
	} else {
		(void)snprintf(result->why, sizeof(result->why), "the run was stopped");
	}
}

/* One that has stopped by itself is only waited for; the others are not wanted any more. */
static void end_all(struct party *party, enum guest_end pumped, struct guest_result *result)
{
	int status = 0;

	for (unsigned part = 0; part < party->count && pumped == GUEST_OVERDUE; part++)
		if (!party->receivers[part].ended)
			party->culprit = part;
	for (unsigned part = 0; part < party->count; part++) {
		const struct receiver *receiver = &party->receivers[part];
		const bool stopped = receiver->ended && receiver->exit_status < 0;
		const int ended =
			machine_end(&party->machines[part], !stopped || pumped == GUEST_CANCELLED);
		status = part == party->culprit ? ended : status;
	}
	machine_read_console(
		&party->machines[party->culprit], result->console, sizeof(result->console));
	conclude(result, pumped, party, status);
}

int guest_run(const struct guest *guest, const struct guest_kernel *kernel, int stop_descriptor,
	guest_sink *sink, void *context, struct guest_result *result)
{
	*result = (struct guest_result){.end = GUEST_NOT_STARTED};
	if (guest->kernel_arguments != NULL && strlen(guest->kernel_arguments) > 2048) {
		(void)snprintf(result->why, sizeof(result->why),
			"the kernel's arguments are longer than its command line");
		return -E2BIG;
	}
	struct party *party = calloc(1, sizeof(*party));
	if (party == NULL)
		abort();
	party->guest = guest;
	party->kernel = kernel;
	party->sink = sink;
	party->context = context;
	party->count = 1;
	int error = machine_prepare(
		&party->machines[0], guest, kernel, result->why, sizeof(result->why));
	if (error == 0)
		error = machine_start(&party->machines[0], guest, kernel, false);
	if (error == 0) {
		begin_receiver(&party->receivers[0]);
		end_all(party, pump(party, stop_descriptor), result);
	}
	result->machines = party->count;
	for (unsigned part = 0; part < party->count; part++) {
		(void)ZSTD_freeDStream(party->receivers[part].stream);
		buffer_drop(&party->receivers[part].seen);
		machine_release(&party->machines[part]);
	}
	free(party);
	return error;
}
