/*
 * Length-prefixed texts inside a value. Called by the parts of the store
 * whose values hold several; never reads past the value it was given.
 */
#include "store/fields.h"

#include "base/must.h"

void
field_put(struct buf *b, struct span text)
{
	uint32_t len = (uint32_t)text.len;

	must(text.len <= UINT32_MAX);
	buf_put(b, &len, sizeof(len));
	buf_put(b, text.data, text.len);
}

bool
field_get(struct span *rest, struct span *text)
{
	uint32_t len;

	*text = span_of("", 0);
	if (rest->len < sizeof(len))
		return false;
	memcpy(&len, rest->data, sizeof(len));
	if (len > rest->len - sizeof(len))
		return false;
	*text = span_of((const char *)rest->data + sizeof(len), len);
	*rest = span_of((const char *)text->data + len,
	    rest->len - sizeof(len) - len);
	return true;
}
