/*
 * The part of walk.h that looks at a value as a whole: enum, bounds, lengths,
 * patterns, formats and the combinators. Included by walk.h alone.
 */

/* Describes v for an error and fails with the op. */
static __attribute__((cold, noinline)) int
WALK(fail_op)(WALKER *x, const struct node *n, const struct op *op, VALUE v,
    unsigned kind)
{
	char found[SCHEMA_TEXT];

	if (x->w.quiet)
		return -1;
	V_DESCRIBE(x, n, v, kind, found);
	return walk_fail_op(&x->w, n, op, found);
}

static bool
WALK(is_choice)(WALKER *x, const struct choices *choices, VALUE v,
    unsigned kind)
{
	struct buf text = {0};
	struct number number = {0};
	const char *s = NULL;
	size_t len = 0;
	bool found = false;

	if (kind == KIND_STRING) {
		s = V_STRING(x, v, &len);
	} else if (kind & KIND_NUMBER) {
		V_NUMBER(x, v, &number);
	} else if (kind & (KIND_ARRAY | KIND_OBJECT)) {
		if (V_TEXT(x, v, kind, &text))
			return false;
		s = (const char *)text.data;
		len = text.len;
	}
	for (size_t i = 0; i < choices->count && !found; i++) {
		const struct choice *c = &choices->list[i];

		if (c->kind != kind)
			continue;
		if (kind & KIND_NUMBER)
			found = !number_compare(&c->number, &number);
		else if (kind == KIND_BOOLEAN)
			found = c->number.exact == V_TRUE(x, v);
		else if (kind == KIND_NULL)
			found = true;
		else
			found = c->len == len && !memcmp(c->text, s, len);
	}
	buf_release(&text);
	return found;
}

/* How many of the nodes v conforms to, counted up to limit. */
static size_t
WALK(count_matches)(WALKER *x, const struct nodes *nodes, VALUE v,
    size_t limit)
{
	size_t matches = 0;
	int top = V_TOP(x);

	x->w.quiet++;
	for (size_t i = 0; i < nodes->count && matches < limit; i++) {
		if (x->w.steps++ > WALK_STEPS)
			break;
		matches += !CHECK(x, nodes->list[i], v);
		V_RESET(x, top);
	}
	x->w.quiet--;
	return matches;
}

static int
WALK(check_all)(WALKER *x, const struct nodes *nodes, VALUE v)
{
	for (size_t i = 0; i < nodes->count; i++) {
		if (x->w.steps++ > WALK_STEPS)
			return walk_fail_work(&x->w);
		if (CHECK(x, nodes->list[i], v))
			return -1;
	}
	return 0;
}

/* Whether v meets the op. */
static bool
WALK(op_ok)(WALKER *x, const struct op *op, VALUE v, unsigned kind)
{
	struct number number;
	const char *s;
	size_t len;
	int order;

	switch ((enum op_code)op->code) {
	case OP_ENUM:
		return WALK(is_choice)(x, op->choices, v, kind);
	case OP_MINIMUM:
	case OP_MAXIMUM:
		V_NUMBER(x, v, &number);
		order = number_compare(&number, op->number);
		if (op->code == OP_MAXIMUM)
			order = -order;
		return op->exclusive ? order > 0 : order >= 0;
	case OP_MULTIPLE:
		V_NUMBER(x, v, &number);
		return number_is_multiple(&number, op->number);
	case OP_MIN_LENGTH:
	case OP_MAX_LENGTH:
	case OP_PATTERN:
	case OP_FORMAT:
		s = V_STRING(x, v, &len);
		return op_string_ok(op, s, len);
	case OP_ANY:
		return WALK(count_matches)(x, op->nodes, v, 1) == 1;
	case OP_ONE:
		return WALK(count_matches)(x, op->nodes, v, 2) == 1;
	case OP_NOT:
		return WALK(count_matches)(x, op->nodes, v, 1) == 0;
	case OP_ALL:
		break;
	}
	return true;
}

static int
WALK(ops)(WALKER *x, const struct node *n, VALUE v, unsigned kind)
{
	for (size_t i = 0; i < n->op_count; i++) {
		const struct op *op = &n->ops[i];

		if (!(op->kinds & kind))
			continue;
		if (op->code == OP_ALL) {
			if (WALK(check_all)(x, op->nodes, v))
				return -1;
		} else if (!WALK(op_ok)(x, op, v, kind)) {
			return WALK(fail_op)(x, n, op, v, kind);
		}
	}
	return 0;
}
