#pragma once

#include <stddef.h>

#include "http/request.h"

/* StackStorm's paging: ?limit= and ?offset=. */
#define PAGE_DEFAULT 100u
#define PAGE_MAX 1000u /* what -1 means: no answer may hold up the host */

struct page {
	size_t limit;
	size_t offset;
	size_t total; /* counted by page_takes */
};

/* -1 after answering 400. */
int page_init(struct page *p, struct http_request *r);

/* Counts one more that matches; whether it is on this page. */
int page_takes(struct page *p);

/* Adds X-Total-Count and X-Limit. */
void page_headers(const struct page *p, struct http_request *r);
