/*
 * The page of memory that a worker shares with core. Made by core before it
 * asks for a worker, mapped by the worker after its fork; it must hold
 * nothing that either side has to believe.
 */
#include "wire/page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

struct page *
page_new(int *fd, struct err *e)
{
	struct page *p;

	*fd = memfd_create("sensorhost-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0) {
		err_errno(e, "memfd_create");
		return NULL;
	}
	/* Cut short by a worker it would kill whoever reads it. */
	if (ftruncate(*fd, PAGE_BYTES) != 0 || fcntl(*fd, F_ADD_SEALS,
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		err_errno(e, "ftruncate of a worker's page");
		close(*fd);
		return NULL;
	}
	p = page_map(*fd, e);
	if (!p)
		close(*fd);
	return p;
}

struct page *
page_map(int fd, struct err *e)
{
	void *p = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);

	if (p == MAP_FAILED) {
		err_errno(e, "mmap of a worker's page");
		return NULL;
	}
	return p;
}

void
page_free(struct page **p)
{
	if (*p)
		munmap(*p, PAGE_BYTES);
	*p = NULL;
}
