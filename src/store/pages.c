/*
 * The file of a database: its two heads, and what a walk over its pages comes
 * to. Called by env.c before a writer opens it, and for readers in a read
 * transaction. Reads through a mapping of its own and trusts no byte. Never
 * writes.
 */
#include "store/pages_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/xalloc.h"

#define VERSION 1
#define PAGE_LEAST 512
#define TEXT 256

bool
pages_tell(struct pages *p, const char *fmt, ...)
{
	char text[TEXT];
	va_list ap;

	if (p->faults >= FAULTS_MAX)
		return false;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (++p->faults == FAULTS_MAX)
		snprintf(text, sizeof(text), "more pages are damaged, which "
		    "are not told of");
	p->fn(p->arg, text);
	return false;
}

unsigned
pages_walk(struct pages *p, enum pages_extent extent, pages_fn *fn,
    void *arg)
{
	p->seen = xcalloc(p->meta.last / 8 + 1, 1);
	p->extent = extent;
	p->fn = fn;
	p->arg = arg;
	p->used = 2;
	pages_walk_tree(p, TREE_MAIN, &p->meta.main);
	pages_walk_tree(p, TREE_FREE, &p->meta.free);
	if (p->faults == 0 && extent == PAGES_STRICT &&
	    p->used != p->meta.last + 1)
		pages_tell(p, "%llu pages of the file are neither in use nor "
		    "free",
		    (unsigned long long)(p->meta.last + 1 - p->used));
	if (p->faults == 0 && extent == PAGES_STRICT && p->before != NONE &&
	    !p->before_freed)
		pages_tell(p, "the two heads of the file do not follow one "
		    "another: what was committed last may be missing");
	free(p->seen);
	p->seen = NULL;
	return p->faults;
}

/* Reads one of the two heads. */
static bool
read_meta(const struct pages *p, unsigned i, struct meta *out)
{
	if ((i + 1) * p->page_size > p->size)
		return false;
	memcpy(out, page_at(p, i), sizeof(*out));
	return out->page.number == i && out->page.kind == META &&
	    out->magic == META_MAGIC && out->version == VERSION &&
	    out->free.pad == p->page_size &&
	    (out->snapshot % 2 == i || out->snapshot == 0);
}

/* Chooses the snapshot's head; the other must be of the commit before. */
static int
choose(struct pages *p, uint64_t snapshot, struct err *e)
{
	struct meta metas[2];
	unsigned i;

	memcpy(&metas[0], p->map, sizeof(metas[0]));
	p->page_size = metas[0].free.pad;
	if (p->page_size < PAGE_LEAST || p->page_size > PAGE_MOST ||
	    (p->page_size & (p->page_size - 1)) != 0 ||
	    !read_meta(p, 0, &metas[0]))
		return err_set(e, "the first head of the file is damaged, "
		    "or it is no database");
	if (!read_meta(p, 1, &metas[1]))
		return err_set(e, "the second head of the file is damaged");
	i = metas[1].snapshot > metas[0].snapshot;
	/* Those of a new file are both of number 0, and of no tree. */
	if (metas[i].snapshot - metas[!i].snapshot > 1 ||
	    (metas[i].snapshot == 0 && (metas[0].main.root != NONE ||
	    metas[1].main.root != NONE)))
		return err_set(e, "the two heads of the file are of the "
		    "commits %llu and %llu, which do not follow one another",
		    (unsigned long long)metas[!i].snapshot,
		    (unsigned long long)metas[i].snapshot);
	/* The second reading shows whether a writer was at it. */
	if ((snapshot != PAGES_NEWEST && metas[i].snapshot != snapshot) ||
	    memcmp(&metas[0], page_at(p, 0), sizeof(metas[0])) != 0)
		return err_set(e, "the heads of the file are not those of the "
		    "database that is open");
	p->meta = metas[i];
	p->before = metas[!i].main.root;
	p->count = p->size / p->page_size;
	/* Each page is in the file, or named there as a free one. */
	if (p->meta.last < 1 || p->meta.last > p->count + p->size / 8)
		return err_set(e, "the file ends before its last page");
	return 0;
}

int
pages_open(struct pages **out, int fd, uint64_t snapshot, struct err *e)
{
	struct pages *p = xcalloc(1, sizeof(*p));
	struct stat st;
	int rc;

	if (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof(struct meta)) {
		free(p);
		return err_set(e, "the file is no database");
	}
	p->size = (uint64_t)st.st_size;
	p->map = mmap(NULL, p->size, PROT_READ, MAP_SHARED, fd, 0);
	if (p->map == MAP_FAILED) {
		free(p);
		return err_errno(e, "cannot map the file");
	}
	rc = choose(p, snapshot, e);
	if (rc != 0)
		pages_close(&p);
	*out = p;
	return rc;
}

void
pages_close(struct pages **pp)
{
	struct pages *p = *pp;

	if (p == NULL)
		return;
	munmap((void *)p->map, p->size);
	free(p);
	*pp = NULL;
}
