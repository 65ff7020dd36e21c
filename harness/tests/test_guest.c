/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's image and kernel, as far as they can be tried without booting anything. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/image.h"
#include "guest/kernel.h"

static char folder[] = "/tmp/mmconform-test-guest-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int drop_folder(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void write_file(const char *name, const void *bytes, size_t size_bytes)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size_bytes, file), size_bytes);
	assert_int_equal(fclose(file), 0);
}

/* The output of a command that reads the image on its standard input. */
static void read_back(const struct image *image, const char *command, char *text, size_t size_bytes)
{
	char whole[256];

	(void)snprintf(whole, sizeof(whole), "%s < /proc/%d/fd/%d 2>&1", command, getpid(),
		image->descriptor);
	FILE *pipe = popen(whole, "r");
	assert_non_null(pipe);
	text[fread(text, 1, size_bytes - 1, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

static void an_image_is_what_cpio_reads(void **state)
{
	struct image image;
	char text[4096], path[PATH_MAX];

	(void)state;
	write_file("payload", "four", 4);
	(void)snprintf(path, sizeof(path), "%s/payload", folder);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(image_open(&image), 0);
	assert_int_equal(image_add_folder(&image, "dev"), 0);
	/* Lengths 1 to 5 go through every amount of padding. */
	for (size_t length = 1; length <= 5; length++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "text%zu", length);
		assert_int_equal(image_add_text(&image, name, "abcde", length), 0);
	}
	assert_int_equal(image_add_file(&image, "/usr/bin/payload", path), 0);
	assert_int_equal(image_add_file(&image, "/absent", "/nonexistent"), -ENOENT);
	assert_int_equal(image_finish(&image), 0);
	read_back(&image, "cpio --quiet -itv", text, sizeof(text));
	assert_non_null(strstr(text, "drwxr-xr-x"));
	assert_non_null(strstr(text, "-rwxr-xr-x"));
	assert_non_null(strstr(text, " usr/bin\n"));
	read_back(&image, "cpio --quiet -i --to-stdout text3 text5 usr/bin/payload", text,
		sizeof(text));
	assert_string_equal(text, "abcabcdefour");
	image_close(&image);
}

/* The smallest file that carries a release where a bzImage does. */
static void write_image(const char *name, const char *version)
{
	unsigned char bytes[0x400] = {0};
	const uint16_t offset = 0x100;

	memcpy(bytes + 0x202, "HdrS", 4);
	memcpy(bytes + 0x20e, &offset, sizeof(offset));
	(void)snprintf((char *)bytes + 0x200 + offset, 0x80, "%s", version);
	write_file(name, bytes, sizeof(bytes));
}

static void a_release_comes_from_the_image(void **state)
{
	struct guest_kernel kernel;
	char path[PATH_MAX], why[512];

	(void)state;
	write_image("bzImage", "6.99.1-test (somebody@somewhere) #1 SMP");
	(void)snprintf(path, sizeof(path), "%s/bzImage", folder);
	assert_true(guest_kernel_find(&kernel, path, folder, why, sizeof(why)));
	assert_string_equal(kernel.release, "6.99.1-test");
	assert_string_equal(kernel.config, "");
	assert_string_equal(kernel.modules, "");
}

static void what_is_no_kernel_is_refused_in_one_line(void **state)
{
	static const char *const names[] = {
		"/nonexistent/bzImage",
		"no-such-release",
		"linux-image-../../etc",
		"linux-image-that-debian-has-not",
	};
	struct guest_kernel kernel;
	char path[PATH_MAX], why[512];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		why[0] = '\0';
		assert_false(guest_kernel_find(&kernel, names[i], folder, why, sizeof(why)));
		assert_non_null(strstr(why, names[i]));
		assert_null(strchr(why, '\n'));
	}
	write_file("text", "#!/bin/sh\n", 10);
	(void)snprintf(path, sizeof(path), "%s/text", folder);
	assert_false(guest_kernel_find(&kernel, path, folder, why, sizeof(why)));
	assert_non_null(strstr(why, "not a bzImage"));
}

static void modules_come_dependencies_first(void **state)
{
	static const char dependencies[] = "fs/mbcache.ko:\n"
					   "fs/ext4.ko.xz: fs/jbd2.ko fs/mbcache.ko\n"
					   "fs/jbd2.ko:\n"
					   "fs/not-ext4.ko: fs/other.ko\n";
	static char paths[GUEST_MODULES_LIMIT][PATH_MAX];
	struct guest_kernel kernel = {.release = "x"};
	char path[PATH_MAX];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/fs", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file("modules.dep", dependencies, sizeof(dependencies) - 1);
	write_file("fs/mbcache.ko", "m", 1);
	write_file("fs/jbd2.ko", "j", 1);
	write_file("fs/ext4.ko.xz", "e", 1);
	write_file("fs/other.ko", "o", 1);
	(void)snprintf(kernel.modules, sizeof(kernel.modules), "%s", folder);
	assert_int_equal(guest_kernel_modules(&kernel, paths), 3);
	assert_non_null(strstr(paths[0], "mbcache.ko"));
	assert_non_null(strstr(paths[1], "jbd2.ko"));
	assert_non_null(strstr(paths[2], "ext4.ko.xz"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_what_cpio_reads),
		cmocka_unit_test(a_release_comes_from_the_image),
		cmocka_unit_test(what_is_no_kernel_is_refused_in_one_line),
		cmocka_unit_test(modules_come_dependencies_first),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
