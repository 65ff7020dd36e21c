#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each formula with one thing wrong in one line: harness.formulas, linked with it, must fail. A
# mutant that survives is a formula that nothing here holds. Argument: the build's harness folder.
set -eu
build=$1
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sanitize=$(sed -n 's/^MMCONFORM_SANITIZE:STRING=\(..*\)/-fsanitize=\1/p' "$build/../CMakeCache.txt")
compile="$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/../CMakeCache.txt") -std=c17 -O1 $sanitize"
objects=$(find "$build/CMakeFiles/mmconform_core.dir" "$build/CMakeFiles/harness.formulas.dir" -name '*.o')
libraries="$(pkg-config --libs jansson libcyaml smartcols hwloc libpcre2-8 libmd libxml-2.0 zlib cmocka) -lm"

# FILE below reference-model | what stands there | what is put instead
mutants() {
	cat <<'END'
reclaim/zones.c|gap_pages = larger(|gap_pages = smaller(
reclaim/zones.c|share_pages / 4,|share_pages / 2,
reclaim/zones.c|SCALE_FACTOR_WHOLE     10000|SCALE_FACTOR_WHOLE     1000
reclaim/zones.c|marks.high_pages = marks.low_pages + gap_pages|marks.high_pages = marks.low_pages + 2 * gap_pages
reclaim/zones.c|marks.promo_pages = marks.high_pages|marks.promo_pages = marks.low_pages
reclaim/zones.c|pages * inputs->managed_pages / inputs->lowmem_pages|pages * inputs->managed_pages / (inputs->lowmem_pages + 30000)
reclaim/zones.c|return kind != VM_ZONE_MOVABLE;|return true;
reclaim/zones.c|MOVABLE_MIN_HIGHEST    128|MOVABLE_MIN_HIGHEST    256
reclaim/zones.c|block_pages * 4 > managed_pages|block_pages * 3 > managed_pages
reclaim/zones.c|return larger(scaled_pages, block_pages);|return scaled_pages;
reclaim/zones.c|BOOST_FACTOR_WHOLE     10000|BOOST_FACTOR_WHOLE     1000
reclaim/zones.c|managed_pages == 0 ? 0 : upper_pages / ratio|managed_pages == 0 ? 0 : (upper_pages + managed_pages) / ratio
reclaim/zones.c|ratio == 0 \|\| managed_pages == 0|ratio == 0
reclaim/zones.c|upper_pages / ratio;|upper_pages / ratio + 1;
reclaim/zones.c|smaller(highest_reserve_pages + high_pages, managed_pages)|highest_reserve_pages + high_pages
reclaim/zones.c|smaller(highest_reserve_pages + high_pages|smaller(highest_reserve_pages
reclaim/zones.c|smaller(highest_reserve_pages + high_pages|smaller(high_pages
reclaim/zones.c|pages + pages / 2|pages
reclaim/zones.c|smaller(managed_pages / 1024|smaller(managed_pages / 512
reclaim/zones.c|/ 2) - 1, 1)|/ 2), 1)
reclaim/zones.c|lowest_pages = batch_pages * 4|lowest_pages = batch_pages * 3
reclaim/zones.c|larger(low_pages / cpus, lowest_pages)|larger(low_pages, lowest_pages)
reclaim/zones.c|HIGH_MAX_FRACTION      8|HIGH_MAX_FRACTION      4
reclaim/zones.c|2 * last_set_bit(cpus_online)|1 * last_set_bit(cpus_online)
reclaim/zones.c|(1 + last_set_bit(units))|(last_set_bit(units))
reclaim/zones.c|(128 * VM_MIB_BYTES)|(64 * VM_MIB_BYTES)
reclaim/zones.c|STAT_THRESHOLD_HIGHEST 125|STAT_THRESHOLD_HIGHEST 127
reclaim/zones.c|usual * cpus_online <= low_pages|usual <= low_pages
reclaim/available.c|smaller(pages / 2, low_pages)|smaller(pages, low_pages)
reclaim/available.c|pages - smaller(pages / 2, low_pages)|pages
reclaim/available.c|can_go_pages(inputs->reclaimable_pages, inputs->low_pages)|inputs->reclaimable_pages
reclaim/available.c|return pages - smaller(inputs->total_reserve_pages, pages);|return pages;
reclaim/available.c|RATIO_WHOLE VM_PAGE_BYTES|RATIO_WHOLE UINT64_C(100)
reclaim/available.c|inputs->file_pages + 1;|2 * inputs->file_pages + 1;
reclaim/available.c|inputs->free_pages - smaller(inputs->total_reserve_pages, inputs->free_pages)|inputs->free_pages
overcommit/commit.c|ram_pages -= state->huge_pages;|(void)0;
overcommit/commit.c|vm_kib_to_pages_floor(state->limit_kib) + state->swap_pages|vm_kib_to_pages_floor(state->limit_kib)
overcommit/commit.c|state->huge_pages; return ram_pages * state->ratio_percent / 100 + state->swap_pages|state->huge_pages; return ram_pages * state->ratio_percent / 100
overcommit/commit.c|whole_pages = state->ram_pages + state->swap_pages|whole_pages = state->ram_pages
overcommit/commit.c|if (!state->admin)|if (state->admin)
overcommit/commit.c|USER_RESERVE_FRACTION 32|USER_RESERVE_FRACTION 16
overcommit/commit.c|limit_pages - kept_pages - 1 : 0|limit_pages - kept_pages : 0
overcommit/commit.c|smaller(state->process_pages|larger(state->process_pages
overcommit/commit.c|mode != VM_COMMIT_NEVER_MORE|mode != VM_COMMIT_ALWAYS
overcommit/commit.c|request->writable &&|true &&
overcommit/commit.c|!request->shared && !opts_out|!opts_out
overcommit/commit.c|request->backing != VM_COMMIT_HUGETLB &&|true &&
overcommit/commit.c|accounts && !touched|accounts
overcommit/commit.c|page_by_page ? touched_pages|!page_by_page ? touched_pages
overcommit/commit.c|return accounts \|\| area->writable|return area->writable
overcommit/commit.c|NEVER_MORE ? 256 : 4|NEVER_MORE ? 255 : 4
overcommit/commit.c|HUGETLB && !request->no_reserve|HUGETLB
overcommit/commit.c|!request->no_reserve ? huge_pages : 0|!request->no_reserve ? 0 : huge_pages
overcommit/commit.c|request->backing == VM_COMMIT_HUGETLB && !request|!request
reclaim/zones.c|(root + bit) * (root + bit) <= square|(root + bit) * (root + bit) < square
reclaim/zones.c|root_of(16 * vm_pages|root_of(4 * vm_pages
reclaim/zones.c|MIN_FREE_LOWEST_KIB    128|MIN_FREE_LOWEST_KIB    64
reclaim/zones.c|MIN_FREE_HIGHEST_KIB   262144|MIN_FREE_HIGHEST_KIB   65536
reclaim/zones.c|(2 + BLOCK_KINDS * BLOCK_KINDS)|(BLOCK_KINDS * BLOCK_KINDS)
reclaim/zones.c|BLOCK_KINDS 3|BLOCK_KINDS 4
reclaim/zones.c|HUGE_SHARE_OF_LOWMEM 20|HUGE_SHARE_OF_LOWMEM 10
reclaim/zones.c|smaller(wanted_pages, above|larger(wanted_pages, above
xlate/direct.c|LEGACY_END_BYTES VM_MIB_BYTES|LEGACY_END_BYTES UINT64_C(655360)
xlate/direct.c|vm_align_up(first_frame, block)|vm_align_down(first_frame, block)
xlate/direct.c|vm_align_down(end_frame, block)|vm_align_up(end_frame, block)
xlate/direct.c|map->small += frames - blocks|map->small += frames
xlate/direct.c|(blocks - giants)|blocks
xlate/direct.c|giant ? block_frames|!giant ? block_frames
policy/two_list.c|square_root(10 * gib)|square_root(gib)
policy/two_list.c|gib != 0 ? square_root(10 * gib) : 1|square_root(10 * gib)
policy/two_list.c|>> 30|>> 31
alloc/slab.c|64, 96, 128|64, 128
alloc/slab.c|size_bytes <= classes[i]|size_bytes < classes[i]
alloc/slab.c|8, 16, 32, 64|16, 32, 64
xlate/tables.c|if (first < next)|if (first > next)
xlate/tables.c|+= last - first + 1|+= last - first
xlate/tables.c|vm_level_shift(shape, level) + shape->index_bits|vm_level_shift(shape, level)
xlate/tables.c|case VM_TABLES_COUNTED_ALL: return levels|case VM_TABLES_COUNTED_ALL: return levels - 1
xlate/tables.c|case VM_TABLES_COUNTED_LOWER_2: return 2|case VM_TABLES_COUNTED_LOWER_2: return 1
xlate/tables.c|case VM_TABLES_COUNTED_LOWER_3: return 3|case VM_TABLES_COUNTED_LOWER_3: return 4
tlb/reach.c|VM_CPU_AMD ? host->cpu.tlb_listed_pages : 0|VM_CPU_AMD ? 0 : host->cpu.tlb_listed_pages
tlb/reach.c|host->cpu.vendor == VM_CPU_AMD ? host->cpu.tlb_listed|host->cpu.vendor == VM_CPU_INTEL ? host->cpu.tlb_listed
tlb/reach.c|? host->cpu.tlb_listed_pages : 0|? host->cpu.tlb_listed_pages / 2 : 0
frame/descriptors.c|128 * VM_MIB_BYTES|64 * VM_MIB_BYTES
frame/descriptors.c|128 * VM_MIB_BYTES|256 * VM_MIB_BYTES
frame/descriptors.c|vm_align_up(end_frame|vm_align_down(end_frame
oom/badness.c|inputs->resident_pages + inputs->swapped_pages +|inputs->resident_pages +
oom/badness.c|inputs->adjustment * unit_pages|inputs->adjustment
oom/badness.c|2 / 3|3 / 4
oom/badness.c|VM_OOM_ADJUSTMENT_LOWEST \|\| inputs->in_vfork|VM_OOM_ADJUSTMENT_LOWEST
oom/badness.c|inputs->adjustment == VM_OOM_ADJUSTMENT_LOWEST|inputs->adjustment == 7
oom/badness.c|(batch - 1) * cpus_used|batch * cpus_used
oom/badness.c|COUNTER_BATCH_LOWEST 32|COUNTER_BATCH_LOWEST 64
oom/badness.c|UINT64_C(2) * cpus_online|UINT64_C(1) * cpus_online
oom/badness.c|ADMIN_BONUS	     30|ADMIN_BONUS	     3
account/shares.c|PSS_SHIFT 12|PSS_SHIFT 0
account/shares.c|/ VM_KIB_BYTES|/ 1000
account/shares.c|pages * share|(pages + 1) * share
account/shares.c|return sizes->file_pages + sizes->shared_memory_pages|return sizes->shared_memory_pages
account/shares.c|return sizes->anonymous_pages +|return
alloc/slab.c|SMALLEST_FRACTION	16|SMALLEST_FRACTION	8
alloc/slab.c|OBJECTS_PER_CPU_STEP	4|OBJECTS_PER_CPU_STEP	2
alloc/slab.c|LARGEST_ORDER		3|LARGEST_ORDER		4
area/layout.c|STACK_RANDOM_BITS  22|STACK_RANDOM_BITS  21
area/layout.c|STACK_GUARD_BYTES  VM_MIB_BYTES|STACK_GUARD_BYTES  VM_PAGE_BYTES
area/layout.c|STACK_GAP_LOWEST   (128|STACK_GAP_LOWEST   (64
area/layout.c|USER_END / 3 * 2|USER_END / 2
area/layout.c|HEAP_RANDOM_BYTES  VM_GIB_BYTES|HEAP_RANDOM_BYTES  VM_MIB_BYTES
area/layout.c|USER_END / 6 * 5|USER_END / 6 * 4
core/chance.c|LOG_TWO_SIDES_MILLI 30627|LOG_TWO_SIDES_MILLI 3062
core/chance.c|rank == 1 ? end_milli|rank == 0 ? end_milli
core/chance.c|LOGARITHM_ONE_SIDE 2830177|LOGARITHM_ONE_SIDE 283017
core/chance.c|n > count ? n - count : 0|0
END
}

survivors=0
count=0
while IFS= read -r line; do
	file=${line%%|*}
	rest=${line#*|}
	# A bar in the code is written \| here.
	rest=${rest//\\|/$'\001'}
	old=${rest%%|*}
	new=${rest#*|}
	old=${old//$'\001'/|}
	new=${new//$'\001'/|}
	count=$((count + 1))
	OLD=$old NEW=$new python3 - "$source_dir/reference-model/$file" "$work/mutant.c" <<'END' || exit 1
import os, re, sys
text = open(sys.argv[1]).read()
# Blanks are clang-format's: any of them stand for any.
pattern = r"\s+".join(re.escape(word) for word in os.environ["OLD"].split())
mutated, found = re.subn(pattern, lambda match: os.environ["NEW"], text, count=1)
if found != 1:
    sys.exit(f"{sys.argv[1]}: nothing there to mutate: {os.environ['OLD']}")
open(sys.argv[2], "w").write(mutated)
END
	# shellcheck disable=SC2086
	if ! $compile -w -I"$source_dir/reference-model" -I"$source_dir/reference-model/include" \
		-c "$work/mutant.c" -o "$work/mutant.o" 2> "$work/log"; then
		echo "does not compile: $line"
		cat "$work/log"
		exit 1
	fi
	# shellcheck disable=SC2086
	$compile $objects "$work/mutant.o" "$build/../reference-model/libvm_model.a" $libraries \
		-Wl,--gc-sections -o "$work/formulas"
	if "$work/formulas" > "$work/log" 2>&1; then
		echo "survives: $line"
		survivors=$((survivors + 1))
	fi
done < <(mutants)
echo "$count mutants, $survivors survive"
[ "$survivors" = 0 ]
