/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/rseq.h"

#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trial/trial.h"

/* Newer than some headers; the length is what the C library registers, whatever it uses of it. */
#define AREA_BYTES 32
#define UNREGISTER 1

void rseq_leave(void)
{
	if (__rseq_size != 0)
		MUST(syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset,
			     AREA_BYTES, UNREGISTER, RSEQ_SIG) == 0);
}
