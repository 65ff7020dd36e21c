/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/oracle.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/guest_port.h"
#include "vm/pte.h"

/* How often another process or the kernel may be met on the CPU before the trial counts as gone. */
#define TURNS_LIMIT  2000
#define NOT_MAPPED   UINT64_MAX
#define REPLY_BYTES  ((size_t)GUEST_PORT_WORDS_LIMIT * 17 + 2)
#define CR4_LA57_BIT 12
#define TURN_MS	     1

int oracle_open(struct oracle *oracle)
{
	int ends[2];

	*oracle = (struct oracle)ORACLE_NONE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	oracle->port = ends[0];
	oracle->port_inside = ends[1];
	return monitor_open(&oracle->monitor);
}

void oracle_started(struct oracle *oracle)
{
	if (oracle->port_inside >= 0)
		(void)close(oracle->port_inside);
	oracle->port_inside = -1;
	monitor_started(&oracle->monitor);
}

void oracle_close(struct oracle *oracle)
{
	oracle_started(oracle);
	if (oracle->port >= 0)
		(void)close(oracle->port);
	oracle->port = -1;
	monitor_close(&oracle->monitor);
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
	char *text = monitor_print(&oracle->monitor, 0, "xp /%zugx 0x%" PRIx64, count, physical);
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
	char *text = monitor_print(&oracle->monitor, cpu, "info registers");
	const bool user = register_of(text, "CPL=", &privilege) && privilege == 3 &&
			  register_of(text, "CR0=", &registers->cr0) &&
			  register_of(text, "CR3=", &registers->cr3) &&
			  register_of(text, "CR4=", &registers->cr4) &&
			  register_of(text, "EFER=", &registers->efer);

	free(text);
	if (!user)
		return false;
	text = monitor_print(&oracle->monitor, cpu, "x /1gx 0x%" PRIx64, request[1]);
	const bool found = words_of(text, &there, 1) == 1 && there == request[2];
	free(text);
	return found;
}

/* Stops the machine while the asking process is in user mode. */
static bool catch (struct oracle *oracle, const uint64_t request[4], struct registers *registers)
{
	struct pollfd port = {.fd = oracle->port, .events = POLLIN};

	for (unsigned i = 0; i < TURNS_LIMIT && monitor_obeys(&oracle->monitor, "stop"); i++) {
		if (is_asking(oracle, request, registers))
			return true;
		if (!monitor_obeys(&oracle->monitor, "cont"))
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
	char *text = monitor_print(&oracle->monitor, cpu, "gva2gpa 0x%" PRIx64, address);

	(void)register_of(text, "gpa: 0x", &physical);
	free(text);
	return physical;
}

/* The line of "info tlb" for the page that holds the address, whatever its size. */
static void find_listed(
	struct oracle *oracle, unsigned cpu, uint64_t address, uint64_t *page, uint64_t *flags)
{
	static const uint64_t sizes_bytes[] = {VM_PAGE_BYTES, VM_HUGE_2M_BYTES, VM_HUGE_1G_BYTES};
	char *text = monitor_print(&oracle->monitor, cpu, "info tlb");
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
	return monitor_obeys(&oracle->monitor, "cont") ? used : 0;
}

int oracle_reply(const struct oracle *oracle, const uint64_t *words, size_t count)
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

/* The hexadecimal words behind the letter of a request. */
static size_t request_words(const char *line, uint64_t *words, size_t limit)
{
	const char *at = line + strcspn(line, " ");
	size_t count = 0;

	while (count < limit) {
		char *end = NULL;
		words[count] = strtoull(at, &end, 16);
		if (end == at)
			break;
		at = end;
		count++;
	}
	return count;
}

static int serve_line(struct oracle *oracle)
{
	uint64_t words[GUEST_PORT_WORDS_LIMIT], request[4];
	const size_t given = request_words(oracle->line, request, 4);
	size_t count = 0;

	/* Answered by who has the machine. */
	if (oracle->line[0] == 'd' && given == 1) {
		oracle->division = request[0];
		return 0;
	}
	if (oracle->line[0] == 't' && given == 4)
		count = translate(oracle, request, words);
	else if (oracle->line[0] == 'r' && given == 2 && request[1] <= GUEST_PORT_WORDS_LIMIT &&
		 read_words(oracle, request[0], words, request[1]))
		count = request[1];
	/* Nothing to say ends the guest: a trial that waits for ever says less. */
	return count == 0 ? -EPROTO : oracle_reply(oracle, words, count);
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
