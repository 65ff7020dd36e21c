/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/shape.h"

void predict_growth(const struct shape_claim *of, const char *quantity, enum vm_shape shape,
	const char *other, const int64_t *values, const char *because, const char *cite)
{
	vm_predict(of->predictions, &(struct vm_prediction){
					    .claim = of->claim,
					    .quantity = quantity,
					    .at = "",
					    .unit = VM_UNIT_NS,
					    .form = VM_FORM_SHAPE,
					    .shape = shape,
					    .other = other,
					    .values_count = values != NULL ? of->places_count : 0,
					    .values = values,
					    .inputs_count = of->places_count,
					    .inputs = of->places,
					    .because = because,
					    .cite = cite,
				    });
}

void predict_shape(const struct shape_claim *of, const char *quantity, enum vm_shape shape,
	const char *other, const char *because, const char *cite)
{
	predict_growth(of, quantity, shape, other, NULL, because, cite);
}

void predict_each(const struct shape_claim *of, const char *quantity, const char *at, int64_t value,
	size_t samples_count, const char *because, const char *cite)
{
	int64_t *values = vm_arena_take(
		of->predictions->arena, samples_count * sizeof(*values), _Alignof(int64_t));

	VM_ASSERT(values != NULL);
	for (size_t i = 0; i < samples_count; i++)
		values[i] = value;
	vm_predict(of->predictions, &(struct vm_prediction){
					    .claim = of->claim,
					    .quantity = quantity,
					    .at = at,
					    .unit = VM_UNIT_COUNT,
					    .form = VM_FORM_EXACT,
					    .values_count = samples_count,
					    .values = values,
					    .because = because,
					    .cite = cite,
				    });
}

void predict_silence(
	const struct shape_claim *of, const char *quantity, const char *because, const char *cite)
{
	vm_predict(of->predictions, &(struct vm_prediction){
					    .claim = of->claim,
					    .quantity = quantity,
					    .at = "",
					    .unit = VM_UNIT_NS,
					    .form = VM_FORM_SILENT,
					    .because = because,
					    .cite = cite,
				    });
}
