/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/image.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "trial/trial.h"

/* Where the kernel's text begins:
 * linux:6.12:arch/x86/include/asm/page_64_types.h:__START_KERNEL_map */
#define TEXT_MAPPING UINT64_C(0xffffffff80000000)

int image_open(void)
{
	const int image = open("/proc/kcore", O_RDONLY | O_CLOEXEC);

	if (image < 0)
		unmet("this kernel shows no image of its memory",
			"a kernel with CONFIG_PROC_KCORE=y");
	return image;
}

/* The next piece of the linear mapping, or of the text's, from this place in the table on. */
static bool next_piece(int image, bool of_text, size_t *place, Elf64_Phdr *piece)
{
	Elf64_Ehdr header;

	MUST(pread(image, &header, sizeof(header), 0) == (ssize_t)sizeof(header));
	while (*place < header.e_phnum) {
		const off_t offset = (off_t)(header.e_phoff + (*place)++ * sizeof(*piece));
		MUST(pread(image, piece, sizeof(*piece), offset) == (ssize_t)sizeof(*piece));
		if (piece->p_type == PT_LOAD && piece->p_paddr != UINT64_MAX &&
			(piece->p_vaddr >= TEXT_MAPPING) == of_text)
			return true;
	}
	return false;
}

off_t image_place_of(int image, uint64_t frame)
{
	const uint64_t address = vm_pages_to_bytes(frame);
	size_t place = 0;
	Elf64_Phdr piece;

	while (next_piece(image, false, &place, &piece))
		if (address >= piece.p_paddr && address - piece.p_paddr < piece.p_memsz)
			return (off_t)(piece.p_offset + address - piece.p_paddr);
	broken("the image of memory does not have frame %#llx", (unsigned long long)frame);
}

uint64_t image_distance(int image)
{
	size_t place = 0;
	Elf64_Phdr piece;

	if (!next_piece(image, false, &place, &piece))
		broken("the image of memory has no piece of the linear mapping");
	return piece.p_vaddr - piece.p_paddr;
}

void image_text(int image, uint64_t *start, uint64_t *end)
{
	size_t place = 0;
	Elf64_Phdr piece;

	if (!next_piece(image, true, &place, &piece))
		broken("the image of memory has no piece of the kernel's text");
	*start = piece.p_vaddr;
	*end = piece.p_vaddr + piece.p_memsz;
}
