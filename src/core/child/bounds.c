/*
 * What a worker is bound to. Asked when one is made, and at a reload, which
 * starts those afresh whose bounds have changed.
 */
#include "core/child/bounds.h"

#include "core/state/context.h"
#include "pack/pack.h"

/* A message is a unit and what is around it. */
#define MESSAGE_SLACK (1024u * 1024u)

struct bounds
bounds_of(const struct context *ctx, const struct sensor_meta *meta)
{
	const struct host_config *h = ctx->config;

	return (struct bounds){
	    .memory = meta->limit_memory ? meta->limit_memory :
	    h->limit_memory,
	    .unit = meta->limit_unit ? meta->limit_unit : h->limit_unit,
	    .validate_formats = h->validate_formats};
}

bool
bounds_equal(const struct bounds *a, const struct bounds *b)
{
	return a->memory == b->memory && a->unit == b->unit &&
	    a->validate_formats == b->validate_formats;
}

int64_t
bounds_slice_us(const struct context *ctx, const struct sensor_meta *meta)
{
	return meta->limit_slice_us ? meta->limit_slice_us :
	    ctx->config->limit_slice_us;
}

size_t
bounds_message(const struct bounds *b)
{
	return b->unit + MESSAGE_SLACK;
}
