/* SPDX-License-Identifier: Apache-2.0 */
#include "run/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/pool.h"

#define NS_PER_S    INT64_C(1000000000)
#define REDRAW_NS   (NS_PER_S / 10)
#define USUAL_WIDTH 80
#define ERASE_LINE  "\r\033[K"

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* One that can go back over a line: an emulated serial port that nobody looks at is said to be
 * dumb. */
static bool on_terminal(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDERR_FILENO) == 1 && kind != NULL && strcmp(kind, "dumb") != 0;
}

void progress_begin(struct progress *progress, size_t total)
{
	*progress = (struct progress){
		.on_terminal = on_terminal(),
		.total = total,
		.started_ns = now_ns(),
	};
}

static size_t width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		return size.ws_col;
	return USUAL_WIDTH;
}

void progress_case(struct progress *progress, const char *id)
{
	struct pool POOL_DROPS pool = {0};
	const int64_t now = now_ns();
	const char *rest = "";

	progress->done++;
	if (!progress->on_terminal || now - progress->drawn_ns < REDRAW_NS)
		return;
	progress->drawn_ns = now;
	/* Cases cost much the same; nothing is promised before a few of them are done. */
	const int64_t spent_ns = now - progress->started_ns;
	const int64_t done = (int64_t)progress->done - 1;
	const int64_t left = (int64_t)progress->total - done;
	if (done > 3 && spent_ns > NS_PER_S / 2)
		rest = pool_format(
			&pool, ", %" PRId64 " s left", spent_ns / done * left / NS_PER_S + 1);
	const char *line =
		pool_format(&pool, "[%zu/%zu%s] %s", progress->done, progress->total, rest, id);
	(void)fprintf(stderr, ERASE_LINE "%.*s", (int)(width() - 1), line);
	(void)fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->on_terminal)
		(void)fputs(ERASE_LINE, stderr);
}
