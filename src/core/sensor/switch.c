/*
 * Whether a sensor is enabled. Asked by the role that serves and by the API.
 */
#include "core/sensor/switch.h"

#include "core/state/context.h"
#include "pack/pack.h"
#include "store/registry.h"
#include "store/sensor_state.h"

bool
switch_enabled(struct context *ctx, const struct sensor_meta *meta,
    struct sensor_state *state)
{
	struct view *v = store_view(ctx->store, 0);
	uint32_t number = registry_sensor_find(v, meta->ref);
	struct sensor_state known = {0};

	if (number)
		sensor_state_get(v, number, &known);
	if (state)
		*state = known;
	return known.by_operator == SWITCH_NONE ? meta->enabled :
	    known.by_operator == SWITCH_ENABLED;
}
