/*
 * The trees of a database's file, page by page. A page is looked at once,
 * whatever leads there, and nothing is followed out of the file; a walk ends
 * after a look at each page. Called by pages.c.
 */
#include "store/pages_impl.h"

#include <string.h>
#include <sys/mman.h>

#include "store/view.h"

#define RELAX_PAGES 16384
#define KEY_MOST 511
#define DEPTH_MOST 32
#define NUMBERS 8	/* the flag of a tree whose keys are numbers */

enum { BIG = 1, SUBTREE = 2 };	/* kinds of entries */

/* In a page, before the key and the value. */
struct node {
	uint16_t low, high, flags, key_size;
};

_Static_assert(sizeof(struct node) == 8, "an entry's head");

/* The tree that is being walked: what it says, and what is found of it. */
struct walk {
	struct pages *p;
	const struct tree *tree;
	enum which which;
	struct tree found;
};

/* An entry of a page. */
struct entry {
	struct node node;
	struct span key;
	const unsigned char *data;
	uint64_t value;		/* its bytes; in a branch: the child's page */
	size_t bytes;		/* in the page, of all of it */
};

/* Of keys; data NULL: no bound. */
struct range {
	struct span low, high;
};

static void walk_page(struct walk *w, uint64_t number, unsigned depth,
    struct range range);

/* Marks pages as accounted for; false where one is not there or was marked. */
static bool
mark(struct pages *p, uint64_t first, uint64_t n)
{
	if (first < 2 || first > p->meta.last || n > p->meta.last + 1 - first)
		return pages_tell(p, "something leads to page %llu of the "
		    "file, which has the pages 2 to %llu",
		    (unsigned long long)first,
		    (unsigned long long)p->meta.last);
	for (uint64_t i = first; i < first + n; i++) {
		if (p->seen[i / 8] & 1 << i % 8)
			return pages_tell(p, "page %llu of the file is in two "
			    "places, or in use and free",
			    (unsigned long long)i);
		p->seen[i / 8] |= (unsigned char)(1 << i % 8);
		p->used++;
	}
	return true;
}

/* A page that a tree leads to: its head, if it is of that kind. */
static bool
page_head(struct pages *p, uint64_t number, unsigned kind, struct page *out)
{
	if (!mark(p, number, 1))
		return false;
	if (number >= p->count)
		return pages_tell(p, "page %llu is behind the end of the "
		    "file: the file is cut short", (unsigned long long)number);
	if (++p->looked % RELAX_PAGES == 0)	/* it counts as our memory */
		madvise((void *)p->map, p->size, MADV_DONTNEED);
	memcpy(out, page_at(p, number), sizeof(*out));
	if (out->number != number)
		return pages_tell(p, "page %llu of the file says that it is "
		    "page %llu", (unsigned long long)number,
		    (unsigned long long)out->number);
	if (out->kind != kind)
		return pages_tell(p, "page %llu of the file is of another kind "
		    "than what leads to it", (unsigned long long)number);
	return true;
}

/* The i-th entry of a page; false where it does not lie in the page. */
static bool
entry_at(const struct pages *p, const unsigned char *page,
    const struct page *head, unsigned i, struct entry *out)
{
	struct node *node = &out->node;
	uint16_t at;
	size_t end;

	memcpy(&at, page + sizeof(*head) + 2 * i, sizeof(at));
	if (at < head->upper || at % 2 != 0 ||
	    at + sizeof(*node) > p->page_size)
		return false;
	memcpy(node, page + at, sizeof(*node));
	out->key = span_of(page + at + sizeof(*node), node->key_size);
	out->data = page + at + sizeof(*node) + node->key_size;
	out->value = (uint64_t)node->high << 16 | node->low;
	end = at + sizeof(*node) + node->key_size;
	if (head->kind == BRANCH)
		out->value |= (uint64_t)node->flags << 32;
	else
		end += node->flags & BIG ? sizeof(uint64_t) : out->value;
	out->bytes = end + end % 2 - at;
	return end <= p->page_size;
}

/* A key's order in a tree. */
static int
compare(const struct walk *w, struct span a, struct span b)
{
	uint64_t x = 0, y = 0;

	if (!(w->tree->flags & NUMBERS))
		return span_compare(a, b);
	memcpy(&x, a.data, a.len);
	memcpy(&y, b.data, b.len);
	return (x > y) - (x < y);
}

/* Whether the tree can have that key, from one on or, later, behind it. */
static bool
key_fits(const struct walk *w, struct span key, struct span from, bool later)
{
	if (key.len == 0 || key.len > KEY_MOST ||
	    ((w->tree->flags & NUMBERS) && key.len != 8 &&
	    (key.len != 4 || w->which == TREE_FREE)))
		return false;
	return from.data == NULL || compare(w, from, key) < (later ? 0 : 1);
}

/* A record of free pages: how many, and each before the one before it. */
static void
walk_free(struct walk *w, const struct entry *entry, const unsigned char *data)
{
	uint64_t n, number, last = UINT64_MAX, snapshot = 0;
	struct pages *p = w->p;

	memcpy(&snapshot, entry->key.data, sizeof(snapshot));
	if (entry->value < sizeof(n) || entry->value % sizeof(n) != 0 ||
	    snapshot > p->meta.snapshot)
		n = UINT64_MAX;
	else
		memcpy(&n, data, sizeof(n));
	if (n > entry->value / sizeof(n) - 1) {
		pages_tell(p, "the list of free pages has a damaged record");
		return;
	}
	for (uint64_t i = 1; i <= n && p->faults < FAULTS_MAX; i++) {
		memcpy(&number, data + i * sizeof(number), sizeof(number));
		if (number >= last)
			pages_tell(p, "the list of free pages is not in "
			    "order: page %llu", (unsigned long long)number);
		else
			mark(p, number, 1);
		if (snapshot == p->meta.snapshot && number == p->before)
			p->before_freed = true;
		last = number;
	}
}

/* The pages of a big value; where it is, or NULL. */
static const unsigned char *
walk_big(struct walk *w, const struct entry *entry)
{
	struct pages *p = w->p;
	uint64_t number, room;
	struct page head;

	memcpy(&number, entry->data, sizeof(number));
	if (!page_head(p, number, OVERFLOW, &head))
		return NULL;
	room = head.count * p->page_size;
	if (head.count == 0 || entry->value > room - sizeof(head) ||
	    head.count > p->count - number) {
		pages_tell(p, "page %llu of the file begins a value of %llu "
		    "bytes on %u pages", (unsigned long long)number,
		    (unsigned long long)entry->value, head.count);
		return NULL;
	}
	w->found.overflows += head.count;
	if (head.count > 1 && !mark(p, number + 1, head.count - 1))
		return NULL;
	return page_at(p, number) + sizeof(head);
}

/* What a leaf's entry holds; the table that it may be. */
static void
walk_value(struct walk *w, uint64_t number, const struct entry *entry)
{
	const unsigned char *data = entry->data;
	struct tree table;

	w->found.entries++;
	if (entry->node.flags == BIG)
		data = walk_big(w, entry);
	if (data != NULL && w->which == TREE_FREE && entry->node.flags <= BIG)
		walk_free(w, entry, data);
	if (entry->node.flags <= BIG)
		return;
	if (entry->node.flags != SUBTREE || w->which != TREE_MAIN ||
	    entry->value != sizeof(table)) {
		pages_tell(w->p, "page %llu of the file has an entry of no "
		    "kind", (unsigned long long)number);
		return;
	}
	memcpy(&table, data, sizeof(table));
	pages_walk_tree(w->p, TREE_TABLE, &table);
}

/* The entries of a page, each in the range, each after the one before. */
static bool
walk_entries(struct walk *w, const struct page *head, unsigned depth,
    struct range range)
{
	const unsigned char *page = page_at(w->p, head->number);
	unsigned n = (head->lower - (unsigned)sizeof(*head)) / 2;
	unsigned first = head->kind == BRANCH;	/* its 0th key is no key */
	struct range part = range;
	struct entry entry, next;
	size_t bytes = 0;

	if (!entry_at(w->p, page, head, 0, &next))
		return false;
	for (unsigned i = 0; i < n; i++) {
		entry = next;
		bytes += entry.bytes;
		if (i >= first && !key_fits(w, entry.key, part.low, i > first))
			return false;
		if (i >= first)
			part.low = entry.key;
		part.high = range.high;
		if (i + 1 < n) {
			if (!entry_at(w->p, page, head, i + 1, &next))
				return false;
			part.high = next.key;
		}
		if (i + 1 == n && i >= first && range.high.data != NULL &&
		    compare(w, entry.key, range.high) >= 0)
			return false;
		if (head->kind == LEAF) {
			walk_value(w, head->number, &entry);
			continue;
		}
		if (i + 1 < n && !key_fits(w, next.key, part.low, i >= first))
			return false;
		walk_page(w, entry.value, depth + 1, part);
	}
	return bytes == w->p->page_size - head->upper;
}

/* A branch or leaf, and all below it. */
static void
walk_page(struct walk *w, uint64_t number, unsigned depth, struct range range)
{
	struct pages *p = w->p;
	bool leaf = depth == w->tree->depth;
	struct page head;

	*(leaf ? &w->found.leaves : &w->found.branches) += 1;
	if (p->faults >= FAULTS_MAX)
		return;
	if (leaf && p->extent == PAGES_UPPER && w->which == TREE_TABLE) {
		mark(p, number, 1);
		return;
	}
	if (!page_head(p, number, leaf ? LEAF : BRANCH, &head))
		return;
	if (head.lower <= sizeof(head) || head.lower % 2 != 0 ||
	    head.lower > head.upper || head.upper > p->page_size ||
	    !walk_entries(w, &head, depth, range))
		pages_tell(p, "page %llu of the file holds entries that are "
		    "damaged or in another place", (unsigned long long)number);
}

void
pages_walk_tree(struct pages *p, enum which which, const struct tree *tree)
{
	struct walk w = { .p = p, .tree = tree, .which = which };
	const struct range all = { 0 };
	bool counted = p->extent >= PAGES_ALL || which != TREE_TABLE;

	if ((tree->flags & ~NUMBERS) != 0 || tree->depth > DEPTH_MOST ||
	    (which == TREE_FREE && tree->flags != NUMBERS) ||
	    (which == TREE_MAIN && tree->flags != 0) ||
	    (tree->root == NONE) != (tree->depth == 0)) {
		pages_tell(p, "a table's record is damaged");
		return;
	}
	if (tree->root != NONE)
		walk_page(&w, tree->root, 1, all);
	if (p->faults > 0)	/* then it found less */
		return;
	if (tree->branches != w.found.branches ||
	    tree->leaves != w.found.leaves ||
	    (counted && (tree->entries != w.found.entries ||
	    tree->overflows != w.found.overflows)))
		pages_tell(p, "a table has other pages or entries than its "
		    "record says");
}
