/*
 * Partitions. Read whole when the host starts and at each reload; asked when
 * it is decided what runs here. It must never own a sensor that its source
 * does not name, so an empty list is no sensor at all.
 */
#include "core/sensor/partition.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/dict.h"
#include "base/digest.h"
#include "base/xalloc.h"
#include "core/state/context.h"
#include "pack/doc.h"
#include "store/kv.h"

#define HASH_END (UINT64_C(1) << 32)
#define RANGES_MAX 1024u

/* From low on, up to but not including high. */
struct range {
	uint64_t low, high;
};

struct partition {
	struct dict *refs;    /* of file and kvstore; NULL: not by refs */
	struct range *ranges; /* of hash; NULL: not by ranges */
	size_t range_count;
};

uint32_t
partition_hash(const char *ref)
{
	unsigned __int128 md5 = 0;
	uint32_t h = 0;
	char hex[33];
	size_t i;

	digest_md5_hex(ref, strlen(ref), hex);
	for (i = 0; i < 32; i++)
		md5 = md5 << 4 | (unsigned)(hex[i] <= '9' ? hex[i] - '0' :
		    hex[i] - 'a' + 10);
	/* The digits of the number in decimal, from the last to the first. */
	do {
		h = (h << 5) ^ (h >> 27) ^ (uint32_t)(md5 % 10);
		md5 /= 10;
	} while (md5 > 0);
	return h;
}

bool
partition_owns(const struct partition *p, const char *ref)
{
	uint32_t hash;
	size_t i;

	if (p && p->refs)
		return dict_get_str(p->refs, ref) != NULL;
	if (!p || !p->ranges)
		return true;
	hash = partition_hash(ref);
	for (i = 0; i < p->range_count; i++)
		if (hash >= p->ranges[i].low && hash < p->ranges[i].high)
			return true;
	return false;
}

void
partition_free(struct partition **pp)
{
	struct partition *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	dict_free(&p->refs, NULL);
	free(p->ranges);
	free(p);
}

/* Adds a ref. */
static void
own(struct partition *p, const char *ref, size_t len)
{
	if (len > 0)
		dict_set(p->refs, ref, len, p);
}

/* Takes the node's list out of the file's value. */
static int
take_node(struct partition *p, const struct doc *d, const char *node,
    struct err *e)
{
	const json_t *list = json_object_get(doc_value(d), node), *item;
	size_t i;

	if (!json_is_object(doc_value(d)))
		return err_set(e, "%s: a map of nodes to lists of sensors is "
		    "wanted", d->file);
	if (!list)
		return err_set(e, "%s: there is no node \"%s\" "
		    "(partition.node)", d->file, node);
	if (!json_is_array(list) && !json_is_null(list))
		return err_set(e, "%s:%d: a list of sensors is wanted for "
		    "\"%s\"", d->file, yml_mark(d->yml, "").line, node);
	json_array_foreach(list, i, item) {
		if (!json_is_string(item))
			return err_set(e, "%s: item %zu of \"%s\" is no "
			    "sensor's ref", d->file, i + 1, node);
		own(p, json_string_value(item), json_string_length(item));
	}
	return 0;
}

/* The provider `file`. */
static int
read_file(struct partition *p, const struct host_config *h, struct err *e)
{
	struct diags diags;
	struct doc d;
	char *text;
	int rc;

	p->refs = dict_new();
	if (!h->partition_file)
		return err_set(e, "the provider \"file\" needs "
		    "partition.file");
	diags_init(&diags);
	rc = doc_open(&d, h->partition_file, &diags);
	if (rc == 1)
		rc = err_set(e, "%s: there is no such file",
		    h->partition_file);
	else if (rc == 0)
		rc = take_node(p, &d, h->partition_node, e);
	else {
		text = diag_print(&diags.items[0]);
		err_set(e, "%s", text);
		free(text);
	}
	doc_close(&d);
	diags_release(&diags);
	return rc;
}

/* Adds the refs of a list with commas. */
static void
take_list(struct partition *p, const char *text)
{
	while (*text) {
		size_t n, all;

		text += strspn(text, " \t\n,");
		all = n = strcspn(text, ",");
		while (n > 0 && strchr(" \t\n", text[n - 1]))
			n--;
		own(p, text, n);
		text += all;
	}
}

/* The provider `kvstore`. */
static int
read_kvstore(struct partition *p, struct context *ctx, struct err *e)
{
	char *name = xasprintf("%s.sensor_partition",
	    ctx->config->partition_node);
	struct view *v = store_view(ctx->store, clock_unix_us());
	enum read_result found;
	struct kv_item item;
	json_t *value = NULL;
	int rc = 0;

	p->refs = dict_new();
	found = kv_get(v, name, strlen(name), &item);
	if (found == READ_FOUND && !(item.flags & KV_SEALED))
		value = json_loadb(item.value.data, item.value.len,
		    JSON_DECODE_ANY, NULL);
	if (found == READ_FAILED)
		rc = err_set(e, "the datastore cannot be read: %s",
		    view_error(v));
	else if (!json_is_string(value))
		rc = err_set(e, "the datastore has no item \"%s\" with the "
		    "refs of this node's sensors, separated by commas", name);
	else
		take_list(p, json_string_value(value));
	json_decref(value);
	free(name);
	return rc;
}

/* One end of a range: MIN, MAX or a number, clamped. */
static int
read_end(const char *text, size_t len, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	if (len == 3 && strncasecmp(text, "MIN", 3) == 0) {
		*out = 0;
		return 0;
	}
	if (len == 3 && strncasecmp(text, "MAX", 3) == 0) {
		*out = HASH_END;
		return 0;
	}
	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		n = n > HASH_END ? n : n * 10 + (uint64_t)(text[i] - '0');
	if (len == 0 || i < len)
		return -1;
	*out = n > HASH_END ? HASH_END : n;
	return 0;
}

/* Drops blanks around. */
static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && (*text)[0] == ' ') {
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && (*text)[*len - 1] == ' ')
		(*len)--;
}

/* One range, "low..high". */
static int
read_range(const char *text, size_t len, struct range *out, struct err *e)
{
	const char *dots, *low, *high;
	size_t low_len, high_len;

	trim(&text, &len);
	dots = memmem(text, len, "..", 2);
	low = text;
	high = dots ? dots + 2 : text;
	low_len = dots ? (size_t)(dots - text) : 0;
	high_len = dots ? len - low_len - 2 : 0;
	trim(&low, &low_len);
	trim(&high, &high_len);
	if (!dots || read_end(low, low_len, &out->low) != 0 ||
	    read_end(high, high_len, &out->high) != 0)
		return err_set(e, "partition.hash_ranges: \"%.*s\" is no range "
		    "such as 0..2048 or MIN..MAX", (int)len, text);
	if (out->low > out->high)
		return err_set(e, "partition.hash_ranges: \"%.*s\" begins "
		    "behind its end", (int)len, text);
	return 0;
}

/* The provider `hash`. */
static int
read_ranges(struct partition *p, const struct host_config *h, struct err *e)
{
	const char *at = h->partition_hash_ranges;

	if (!at)
		return err_set(e, "the provider \"hash\" needs "
		    "partition.hash_ranges, such as 0..2147483648");
	p->ranges = xcalloc(RANGES_MAX, sizeof(*p->ranges));
	for (;;) {
		size_t n = strcspn(at, "|");

		if (p->range_count == RANGES_MAX)
			return err_set(e, "partition.hash_ranges has more than "
			    "%u ranges", RANGES_MAX);
		if (read_range(at, n, &p->ranges[p->range_count++], e) != 0)
			return -1;
		if (at[n] == '\0')
			return 0;
		at += n + 1;
	}
}

struct partition *
partition_new(struct context *ctx, struct err *e)
{
	struct partition *p = xcalloc(1, sizeof(*p));
	const struct host_config *h = ctx->config;
	int rc = 0;

	if (strcmp(h->partition_provider, "file") == 0)
		rc = read_file(p, h, e);
	else if (strcmp(h->partition_provider, "hash") == 0)
		rc = read_ranges(p, h, e);
	else if (strcmp(h->partition_provider, "kvstore") == 0)
		rc = read_kvstore(p, ctx, e);
	if (rc != 0)
		partition_free(&p);
	return p;
}
