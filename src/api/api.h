#pragma once

#include "http/request.h"
#include "http/route.h"

/*
 * The host's API: StackStorm's v1 for what there is, and ours beside it. One
 * file a resource; main hands the table to core. Every handler's arg is the
 * struct core that core/host.h takes.
 */
extern const struct http_routes api_routes;

/* The handlers, by file. */
http_handler_fn api_livez;
http_handler_fn api_readyz;
http_handler_fn api_status_get;
http_handler_fn api_reload_post;
http_handler_fn api_reload_get;
http_handler_fn api_sensortypes_list;
http_handler_fn api_sensortypes_get;
http_handler_fn api_sensortypes_put;
http_handler_fn api_sensortypes_enable;
http_handler_fn api_sensortypes_disable;
http_handler_fn api_sensors_restart;
