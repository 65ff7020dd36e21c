/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/payload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/launch.h"
#include "suite/data.h"

/* Adds a file, and says which one when it cannot. A missing optional file is no failure. */
static int add(struct image *image, const char *path, const char *source, bool optional, char *why,
	size_t why_bytes)
{
	const int error = image_add_file(image, path, source);

	if (error == -ENOENT && optional)
		return 0;
	if (error != 0)
		(void)snprintf(why, why_bytes, "%s: %s, for the guest", source, strerror(-error));
	return error;
}

/*
 * The shared libraries of the program, as the dynamic linker itself resolves them: it lists them
 * instead of running the program when this variable is set (ld.so(8)).
 */
static FILE *open_library_list(const char *program, pid_t *child)
{
	int ends[2];

	if (pipe(ends) != 0)
		return NULL;
	*child = fork();
	if (*child == 0) {
		if (dup2(ends[1], STDOUT_FILENO) < 0 || setenv("LD_TRACE_LOADED_OBJECTS", "1", 1))
			_exit(127);
		(void)close(ends[0]);
		(void)execl(program, program, (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	if (*child < 0) {
		(void)close(ends[0]);
		return NULL;
	}
	return fdopen(ends[0], "r");
}

static int add_libraries(struct image *image, const char *program, char *why, size_t why_bytes)
{
	pid_t child = -1;
	int status = 0, error = 0;
	char *line = NULL;
	size_t line_bytes = 0;
	FILE *list = open_library_list(program, &child);

	if (list == NULL) {
		(void)snprintf(why, why_bytes, "%s: its libraries cannot be listed: %s", program,
			strerror(errno));
		return -errno;
	}
	while (getline(&line, &line_bytes, list) > 0) {
		/* "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)", "/lib64/ld... (0x...)" */
		char *slash = strchr(line, '/');
		if (slash == NULL || error != 0)
			continue;
		slash[strcspn(slash, " \n")] = '\0';
		error = add(image, slash, slash, false, why, why_bytes);
	}
	free(line);
	(void)fclose(list);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	return error;
}

/* A suite of the user's, under its own name. */
static int add_own_suite(struct image *image, const char *suite, char *why, size_t why_bytes)
{
	char inside[PATH_MAX];
	struct stat status;

	if (suite == NULL)
		return 0;
	if (stat(suite, &status) != 0)
		return -errno;
	(void)snprintf(
		inside, sizeof(inside), "%s/%s", GUEST_OWN_SUITE_PATH, strrchr(suite, '/') + 1);
	return S_ISDIR(status.st_mode) ? image_add_tree(image, inside, suite)
				       : add(image, inside, suite, false, why, why_bytes);
}

static int add_arguments(struct image *image, const struct guest *guest)
{
	char text[16384];
	size_t used_bytes = 0;

	for (char *const *argument = guest->arguments; *argument != NULL; argument++) {
		const size_t length_bytes = strlen(*argument) + 1;
		if (length_bytes > sizeof(text) - used_bytes)
			return -E2BIG;
		memcpy(text + used_bytes, *argument, length_bytes);
		used_bytes += length_bytes;
	}
	return image_add_text(image, GUEST_ARGUMENTS_PATH, text, used_bytes);
}

/* Numbered, so that their order in the folder is the order of loading. */
static int add_modules(
	struct image *image, const struct guest_kernel *kernel, char *why, size_t why_bytes)
{
	static char paths[GUEST_MODULES_LIMIT][PATH_MAX];
	const size_t count = guest_kernel_modules(kernel, paths);
	int error = image_add_folder(image, GUEST_MODULES_PATH);

	for (size_t i = 0; i < count && error == 0; i++) {
		char inside[64];
		(void)snprintf(inside, sizeof(inside), "%s/%02zu%s", GUEST_MODULES_PATH, i,
			strstr(strrchr(paths[i], '/'), ".ko"));
		error = add(image, inside, paths[i], false, why, why_bytes);
	}
	return error;
}

int payload_add(struct image *image, const struct guest *guest, const struct guest_kernel *kernel,
	char *why, size_t why_bytes)
{
	static const char *const siblings[] = {"mmconform-trial", "mmconform-trial-timed"};
	static const char *const folders[] = {
		"dev", "proc", "sys", "tmp", "run", "root", "etc", "var", "var/lib", "var/tmp"};
	POOL_DROPS struct pool pool = {0};
	char program[PATH_MAX], path[PATH_MAX], inside[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int error = 0;

	if (length < 0)
		return -errno;
	program[length] = '\0';
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && error == 0; i++)
		error = image_add_folder(image, folders[i]);
	if (error == 0)
		error = launch_executable("mmconform-init", path, sizeof(path));
	if (error == 0)
		error = add(image, GUEST_INIT_PATH, path, false, why, why_bytes);
	if (error == 0)
		error = add(image, GUEST_PROGRAM_PATH, program, false, why, why_bytes);
	for (size_t i = 0; i < sizeof(siblings) / sizeof(siblings[0]) && error == 0; i++) {
		(void)snprintf(inside, sizeof(inside), "/mmconform/bin/%s", siblings[i]);
		if (launch_executable(siblings[i], path, sizeof(path)) != 0)
			continue;
		error = add(image, inside, path, true, why, why_bytes);
		/* The first is static, and would run instead of being listed. */
		if (error == 0 && i != 0 && access(path, X_OK) == 0)
			error = add_libraries(image, path, why, why_bytes);
	}
	if (error == 0)
		error = add_libraries(image, program, why, why_bytes);
	if (error == 0)
		error = image_add_tree(
			image, GUEST_DATA_PATH "/suites", data_path(&pool, "suites"));
	if (error == 0)
		error = add_own_suite(image, guest->own_suite, why, why_bytes);
	if (error == 0 && kernel->config[0] != '\0') {
		(void)snprintf(inside, sizeof(inside), "/boot/config-%s", kernel->release);
		error = add(image, inside, kernel->config, true, why, why_bytes);
	}
	if (error == 0)
		error = add_modules(image, kernel, why, why_bytes);
	if (error == 0)
		error = add_arguments(image, guest);
	if (error == 0)
		error = image_add_text(image, GUEST_ORACLE_PATH, "", 0);
	if (error != 0 && why[0] == '\0')
		(void)snprintf(why, why_bytes, "the guest's initramfs: %s", strerror(-error));
	return error;
}
