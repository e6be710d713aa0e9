/*
 * The table of what there is to ask for.
 */
#include "api/api.h"

static const struct http_route table[] = {
	{"GET", "/livez", api_livez},
	{"GET", "/readyz", api_readyz},
	{"GET", "/v1/status", api_status_get},
	{"GET", "/v1/reload", api_reload_get},
	{"POST", "/v1/reload", api_reload_post},
	{"GET", "/v1/sensortypes", api_sensortypes_list},
	{"GET", "/v1/sensortypes/:ref", api_sensortypes_get},
	{"PUT", "/v1/sensortypes/:ref", api_sensortypes_put},
	{"POST", "/v1/sensortypes/:ref/enable", api_sensortypes_enable},
	{"POST", "/v1/sensortypes/:ref/disable", api_sensortypes_disable},
	{"POST", "/v1/sensors/:ref/restart", api_sensors_restart},
};

const struct http_routes api_routes = {
    table, sizeof(table) / sizeof(table[0])};
