/*
 * Checksums in records, and the stamp before those that have no head of their
 * own. Called by the parts of the store that own the tables. It knows nothing
 * of what a record says.
 */
#include "store/record.h"

#define MARK UINT32_C(0xFFFFFF02)

struct stamp {
	uint32_t checksum;
	uint32_t mark;
};

bool
record_fits(struct span key, struct span record, size_t place)
{
	uint32_t sum;

	memcpy(&sum, (const char *)record.data + place, sizeof(sum));
	return sum == checksum(key, record, place);
}

void
record_put(struct txn *t, enum table table, struct span key, struct span body)
{
	const struct stamp stamp = { .mark = MARK };
	size_t size = sizeof(stamp) + body.len;
	char *p = txn_reserve(t, table, key, size);

	if (p == NULL)
		return;
	memcpy(p, &stamp, sizeof(stamp));
	memcpy(p + sizeof(stamp), body.data, body.len);
	record_sum(key, p, size, offsetof(struct stamp, checksum));
}

bool
record_open(struct span key, struct span value, struct span *body)
{
	struct stamp stamp;

	*body = value;
	if (value.len < sizeof(stamp))
		return true;
	memcpy(&stamp, value.data, sizeof(stamp));
	if (stamp.mark != MARK)
		return true;
	*body = span_of((const char *)value.data + sizeof(stamp),
	    value.len - sizeof(stamp));
	return record_fits(key, value, offsetof(struct stamp, checksum));
}

enum read_result
record_get(struct txn *t, enum table table, struct span key, struct span *body)
{
	enum read_result r = txn_get(t, table, key, body);

	if (r == READ_FOUND && !record_open(key, *body, body))
		r = txn_damage(t, table, key);
	return r;
}
