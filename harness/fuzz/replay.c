/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds each file of a corpus folder to a fuzz target once: the regression half of fuzzing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay(const char *folder, const char *name)
{
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");

	if (file == NULL) {
		perror(path);
		return -1;
	}
	uint8_t *data = NULL;
	size_t size_bytes = 0, capacity_bytes = 0, got_bytes = 0;
	do {
		size_bytes += got_bytes;
		capacity_bytes = size_bytes + 65536;
		uint8_t *grown = realloc(data, capacity_bytes);
		if (grown == NULL)
			abort();
		data = grown;
		got_bytes = fread(data + size_bytes, 1, capacity_bytes - size_bytes, file);
	} while (got_bytes != 0);
	(void)fclose(file);
	(void)LLVMFuzzerTestOneInput(data, size_bytes);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **names = NULL;
	int failed = 0;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	const int count = scandir(argv[1], &names, is_file, alphasort);
	/* An empty corpus would be a test that executes nothing. */
	if (count <= 0) {
		(void)fprintf(stderr, "%s: no inputs\n", argv[1]);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		failed |= replay(argv[1], names[i]->d_name);
		free(names[i]);
	}
	free(names);
	(void)printf("%d inputs replayed\n", count);
	return failed != 0;
}
