/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: what is still to be undone, in the order in which it was done, as text.
 *
 *	mmconform-journal 1 BOOT-ID PID SUM
 *	KIND =NAME =OLD =BESIDE SUM
 *
 * A line is on the disk before what it announces is done, and cut off when it has been undone, so
 * the file always is the stack of what to undo. Each sum covers its line and the sum before it: a
 * line cannot be changed, left out or moved. A last line without its newline is what a crash in the
 * middle of writing leaves; what it announced was never done.
 */
#ifndef GUARD_JOURNAL_H
#define GUARD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "guard/guard.h"
#include "kernel/text.h"

#define UNDO_KINDS(X)                                                                  \
	X(SETTING, "setting")	/* name: the knob; old and beside: its values */       \
	X(GROUP, "group")	/* name: the folder; kill what is in it, remove it */  \
	X(VACATED, "vacated")	/* name: a group; bring its processes back to old */   \
	X(HANDED, "handed")	/* name: a group's subtree_control; take memory off */ \
	X(MOUNT, "mount")	/* name: where */                                      \
	X(INSTANCE, "instance") /* name: a tracing instance's folder */                \
	X(SWAP, "swap")		/* name: the file or device in use */                  \
	X(ZRAM_NEW, "zram-new") /* name: numbers of the devices that were there */     \
	X(ZRAM, "zram")		/* name: the device's number */                        \
	X(FILE, "file")		/* name: a file of ours */                             \
	X(FOLDER, "folder")	/* name: a folder of ours, with the files in it */

enum undo_kind {
#define UNDO_ENUMERATOR(name, word) UNDO_##name,
	UNDO_KINDS(UNDO_ENUMERATOR)
#undef UNDO_ENUMERATOR
		UNDO_KIND_LIMIT,
};

#define UNDO_NAME_BYTES 1024

struct undo {
	enum undo_kind kind;
	char name[UNDO_NAME_BYTES];
	char old[UNDO_NAME_BYTES];
	char beside[GUARD_VALUE_BYTES];
	/* Not in the journal: what our write left in force, "" if we did not write. */
	char left[GUARD_VALUE_BYTES];
};

const char *undo_kind_word(enum undo_kind kind);

#define JOURNAL_BOOT_BYTES  37
#define JOURNAL_SUM_BYTES   17
#define JOURNAL_UNDOS_LIMIT 4000

struct journal_mark {
	uint64_t offset_bytes;	     /* where a line begins */
	char sum[JOURNAL_SUM_BYTES]; /* before it */
};

/* The parsed text; freed by journal_drop. */
struct journal_content {
	char boot[JOURNAL_BOOT_BYTES];
	uint64_t pid;
	bool torn; /* the last line was cut short and is left out */
	size_t count;
	struct undo *undos;
	struct journal_mark *marks; /* as many, and one for the end */
};

/* Pure. -EBADMSG with line and reason for what was changed, cut elsewhere or never written by us.
 */
int journal_parse(
	struct kernel_text text, struct journal_content *content, struct kernel_error *error);
void journal_drop(struct journal_content *content);

/* An open journal that grows and shrinks at its end. */
struct journal {
	const char *root;
	const char *path; /* kept by the owner */
	int file;	  /* -1: none yet */
	size_t count;
	uint64_t length_bytes;
	struct journal_mark *marks;
	bool broken;		     /* a line that could not be cut off stands at the end */
	char sum[JOURNAL_SUM_BYTES]; /* after the last line */
};

/* Made new, mode 0600, on the disk with its folder. -EEXIST: there is one already. */
int journal_create(struct journal *journal, const char *root, const char *path, const char *boot);
/* Goes on with what was loaded from the path; the content is handed over. */
int journal_adopt(struct journal *journal, const char *root, const char *path,
	struct journal_content *content);
/* All of the entries are on the disk, or none is in the file. */
int journal_append(struct journal *journal, const struct undo *undos, size_t count);
/* The last entries are off: count is what stays. */
int journal_cut(struct journal *journal, size_t count);
/* The file holds exactly these entries, whatever it held: written beside it and renamed. */
int journal_replace(
	struct journal *journal, const char *boot, const struct undo *undos, size_t count);
/* The file is gone. */
int journal_remove(struct journal *journal);
/* Without touching the file. */
void journal_close(struct journal *journal);

/*
 * Reads the journal at the path, if it is one that we may obey: a plain file of this user, mode
 * 0600, no other name. -ENOENT: there is none. Otherwise the reason is in the error.
 */
int journal_load(const char *root, const char *path, struct journal_content *content,
	struct kernel_error *error);

#endif
