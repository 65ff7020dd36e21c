/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/oracle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <jansson.h>

#include "vm/pte.h"

/* A monitor that says nothing for so long is a machine that is gone. */
#define MONITOR_DEADLINE_S 30
/* How often another process or the kernel may be met on the CPU before the trial counts as gone. */
#define TURNS_LIMIT  2000
#define WORDS_LIMIT  512
#define NOT_MAPPED   UINT64_MAX
#define REPLY_BYTES  ((size_t)WORDS_LIMIT * 17 + 2)
#define CR4_LA57_BIT 12
#define TURN_MS	     1

static void drop(int *descriptor)
{
	if (*descriptor >= 0)
		(void)close(*descriptor);
	*descriptor = -1;
}

int oracle_open(struct oracle *oracle)
{
	const struct timeval patience = {.tv_sec = MONITOR_DEADLINE_S};
	int port[2], monitor[2];

	*oracle = (struct oracle){-1, -1, -1, -1, NULL, "", 0};
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, port) != 0)
		return -errno;
	oracle->port = port[0];
	oracle->port_inside = port[1];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, monitor) != 0)
		return -errno;
	oracle->monitor = monitor[0];
	oracle->monitor_inside = monitor[1];
	/* Our ends stay here: QEMU would keep the port open behind our back. */
	if (fcntl(oracle->port, F_SETFD, FD_CLOEXEC) != 0 ||
		fcntl(oracle->monitor, F_SETFD, FD_CLOEXEC) != 0 ||
		setsockopt(oracle->monitor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) !=
			0)
		return -errno;
	return 0;
}

void oracle_started(struct oracle *oracle)
{
	drop(&oracle->port_inside);
	drop(&oracle->monitor_inside);
}

void oracle_close(struct oracle *oracle)
{
	oracle_started(oracle);
	drop(&oracle->port);
	if (oracle->replies != NULL)
		(void)fclose(oracle->replies);
	else
		drop(&oracle->monitor);
	oracle->replies = NULL;
	oracle->monitor = -1;
}

/* The answer to a command: what is between the events. NULL where the monitor is gone. */
static json_t *answer(struct oracle *oracle)
{
	json_error_t error;

	for (;;) {
		json_t *said = json_loadf(oracle->replies, JSON_DISABLE_EOF_CHECK, &error);
		if (said == NULL || json_object_get(said, "return") != NULL ||
			json_object_get(said, "error") != NULL)
			return said;
		json_decref(said);
	}
}

/* Sends the command and frees it. */
static json_t *command(struct oracle *oracle, json_t *what)
{
	const int error = json_dumpfd(what, oracle->monitor, JSON_COMPACT);

	json_decref(what);
	return error != 0 ? NULL : answer(oracle);
}

static bool obeys(struct oracle *oracle, const char *word)
{
	json_t *said = command(oracle, json_pack("{s:s}", "execute", word));
	const bool done = json_object_get(said, "return") != NULL;

	json_decref(said);
	return done;
}

static bool begin(struct oracle *oracle)
{
	if (oracle->replies != NULL)
		return true;
	oracle->replies = fdopen(oracle->monitor, "r");
	/* Its greeting comes first and is no answer. */
	return oracle->replies != NULL && obeys(oracle, "qmp_capabilities");
}

/* What a command for people prints, to be freed; NULL when the monitor is gone. */
static char *print(struct oracle *oracle, unsigned cpu, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static char *print(struct oracle *oracle, unsigned cpu, const char *format, ...)
{
	char line[128];
	va_list values;

	va_start(values, format);
	(void)vsnprintf(line, sizeof(line), format, values);
	va_end(values);
	json_t *said =
		command(oracle, json_pack("{s:s,s:{s:s,s:i}}", "execute", "human-monitor-command",
					"arguments", "command-line", line, "cpu-index", (int)cpu));
	const char *text = json_string_value(json_object_get(said, "return"));
	char *copy = text != NULL ? strdup(text) : NULL;
	json_decref(said);
	return copy;
}

/* Words of memory as "xp" and "x" print them: an address, a colon, values. */
static size_t words_of(const char *text, uint64_t *words, size_t limit)
{
	size_t count = 0;

	for (const char *at = text; at != NULL && *at != '\0' && count < limit;) {
		const char *value = strstr(at, "0x");
		if (value == NULL)
			break;
		words[count++] = strtoull(value, NULL, 16);
		at = value + 2;
	}
	return count;
}

static bool read_words(struct oracle *oracle, uint64_t physical, uint64_t *words, size_t count)
{
	char *text = print(oracle, 0, "xp /%zugx 0x%" PRIx64, count, physical);
	const size_t got = words_of(text, words, count);

	free(text);
	return got == count;
}

struct registers {
	uint64_t cr0, cr3, cr4, efer;
};

static bool register_of(const char *text, const char *name, uint64_t *value)
{
	const char *at = text != NULL ? strstr(text, name) : NULL;

	if (at != NULL)
		*value = strtoull(at + strlen(name), NULL, 16);
	return at != NULL;
}

/* True when the CPU is in user mode, in the process that holds the nonce at the place. */
static bool is_asking(struct oracle *oracle, const uint64_t request[4], struct registers *registers)
{
	const unsigned cpu = (unsigned)request[0];
	uint64_t privilege = 0, there = 0;
	char *text = print(oracle, cpu, "info registers");
	const bool user = register_of(text, "CPL=", &privilege) && privilege == 3 &&
			  register_of(text, "CR0=", &registers->cr0) &&
			  register_of(text, "CR3=", &registers->cr3) &&
			  register_of(text, "CR4=", &registers->cr4) &&
			  register_of(text, "EFER=", &registers->efer);

	free(text);
	if (!user)
		return false;
	text = print(oracle, cpu, "x /1gx 0x%" PRIx64, request[1]);
	const bool found = words_of(text, &there, 1) == 1 && there == request[2];
	free(text);
	return found;
}

/* Stops the machine while the asking process is in user mode. */
static bool catch (struct oracle *oracle, const uint64_t request[4], struct registers *registers)
{
	struct pollfd port = {.fd = oracle->port, .events = POLLIN};

	for (unsigned i = 0; i < TURNS_LIMIT && obeys(oracle, "stop"); i++) {
		if (is_asking(oracle, request, registers))
			return true;
		if (!obeys(oracle, "cont"))
			return false;
		/* No event says that a program is back on the CPU: the machine goes on a little. */
		(void)poll(&port, 1, TURN_MS);
	}
	return false;
}

/* The entries on the way to an address, fetched one by one; what they mean is the model's to say.
 */
static size_t fetch_entries(struct oracle *oracle, const struct registers *registers,
	uint64_t address, uint64_t pairs[2 * VM_PAGING_LEVELS_LIMIT])
{
	const struct vm_paging_shape *shape = vm_paging_shape(
		(registers->cr4 >> CR4_LA57_BIT & 1) != 0 ? VM_PAGING_LEVEL5 : VM_PAGING_LEVEL4);
	uint64_t table = registers->cr3 & VM_PTE_ADDRESS_MASK;
	size_t count = 0;

	for (unsigned level = shape->levels; level >= 1; level--) {
		uint64_t entry = 0;
		const uint64_t at = table + (uint64_t)vm_level_index(shape, level, address) *
						    shape->entry_bytes;
		if (!read_words(oracle, at, &entry, 1))
			break;
		pairs[2 * count] = at;
		pairs[2 * count + 1] = entry;
		count++;
		if ((entry & VM_PTE_PRESENT) == 0 || (entry & VM_PTE_LARGE) != 0)
			break;
		table = entry & VM_PTE_ADDRESS_MASK;
	}
	return count;
}

static uint64_t translated(struct oracle *oracle, unsigned cpu, uint64_t address)
{
	uint64_t physical = NOT_MAPPED;
	char *text = print(oracle, cpu, "gva2gpa 0x%" PRIx64, address);

	(void)register_of(text, "gpa: 0x", &physical);
	free(text);
	return physical;
}

/* The line of "info tlb" for the page that holds the address, whatever its size. */
static void find_listed(
	struct oracle *oracle, unsigned cpu, uint64_t address, uint64_t *page, uint64_t *flags)
{
	static const uint64_t sizes_bytes[] = {VM_PAGE_BYTES, VM_HUGE_2M_BYTES, VM_HUGE_1G_BYTES};
	char *text = print(oracle, cpu, "info tlb");
	const char *line = NULL;
	char start[20];

	*page = NOT_MAPPED;
	*flags = 0;
	for (size_t i = 0; text != NULL && line == NULL && i < 3; i++) {
		(void)snprintf(
			start, sizeof(start), "%016" PRIx64 ":", address & ~(sizes_bytes[i] - 1));
		line = strstr(text, start);
		/* A smaller page that happens to begin there is not the one. */
		if (line != NULL && i > 0 && strcspn(line, "P") > strcspn(line, "\r\n"))
			line = NULL;
	}
	if (line != NULL) {
		char *letters = NULL;
		*page = strtoull(line + strlen(start), &letters, 16);
		for (size_t i = 0; i < strlen(ORACLE_LETTERS); i++)
			if (letters[1 + i] == ORACLE_LETTERS[i])
				*flags |= UINT64_C(1) << i;
	}
	free(text);
}

static size_t translate(struct oracle *oracle, const uint64_t request[4], uint64_t *words)
{
	struct registers registers = {0};
	uint64_t pairs[2 * VM_PAGING_LEVELS_LIMIT];
	const unsigned cpu = (unsigned)request[0];
	size_t used = 0;

	if (!catch (oracle, request, &registers))
		return 0;
	const size_t entries = fetch_entries(oracle, &registers, request[3], pairs);
	words[used++] = registers.cr0;
	words[used++] = registers.cr3;
	words[used++] = registers.cr4;
	words[used++] = registers.efer;
	words[used++] = entries;
	memcpy(words + used, pairs, 2 * entries * sizeof(*pairs));
	used += 2 * entries;
	words[used++] = translated(oracle, cpu, request[3]);
	find_listed(oracle, cpu, request[3], &words[used], &words[used + 1]);
	used += 2;
	return obeys(oracle, "cont") ? used : 0;
}

static int reply(const struct oracle *oracle, const uint64_t *words, size_t count)
{
	static char text[REPLY_BYTES];
	size_t used = 0, sent = 0;

	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%" PRIx64 "%c",
			words[i], i + 1 == count ? '\n' : ' ');
	while (sent < used) {
		const ssize_t wrote = send(oracle->port, text + sent, used - sent, MSG_NOSIGNAL);
		if (wrote < 0 && errno != EINTR)
			return -errno;
		sent += wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

static int serve_line(struct oracle *oracle)
{
	uint64_t words[WORDS_LIMIT], request[4];
	size_t count = 0;

	if (!begin(oracle))
		return -EPIPE;
	if (sscanf(oracle->line, "t %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &request[0],
		    &request[1], &request[2], &request[3]) == 4)
		count = translate(oracle, request, words);
	else if (sscanf(oracle->line, "r %" SCNx64 " %" SCNx64, &request[0], &request[1]) == 2 &&
		 request[1] <= WORDS_LIMIT && read_words(oracle, request[0], words, request[1]))
		count = request[1];
	/* Nothing to say ends the guest: a trial that waits for ever says less. */
	return count == 0 ? -EPROTO : reply(oracle, words, count);
}

int oracle_serve(struct oracle *oracle)
{
	char byte;

	while (recv(oracle->port, &byte, 1, MSG_DONTWAIT) == 1) {
		if (byte != '\n' && oracle->line_bytes < sizeof(oracle->line) - 1) {
			oracle->line[oracle->line_bytes++] = byte;
			continue;
		}
		oracle->line[oracle->line_bytes] = '\0';
		oracle->line_bytes = 0;
		if (byte != '\n')
			return -EPROTO;
		const int error = serve_line(oracle);
		if (error != 0)
			return error;
	}
	return 0;
}
