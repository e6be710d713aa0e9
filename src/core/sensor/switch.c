/*
 * Whether a sensor is enabled. Asked by the role that serves and by the API.
 */
#include "core/sensor/switch.h"

#include "core/state/context.h"
#include "pack/pack.h"
#include "store/registry.h"
#include "store/sensor_state.h"

enum switch_known
switch_look(struct context *ctx, const struct sensor_meta *meta,
    struct sensor_state *state)
{
	struct view *v = store_view(ctx->store, 0);
	uint32_t number = registry_sensor_find(v, meta->ref);
	struct sensor_state known = {0};
	bool on;

	if (number && sensor_state_get(v, number, &known) == READ_FAILED)
		return SWITCH_UNKNOWN;
	if (state)
		*state = known;
	on = known.by_operator == SWITCH_NONE ? meta->enabled :
	    known.by_operator == SWITCH_ENABLED;
	return on ? SWITCH_ON : SWITCH_OFF;
}
