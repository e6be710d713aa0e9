/*
 * The limit beside tailing: reading the same file with getline.
 *
 *	limit_getline FILE
 *
 * prints JSON: lines, and lines a second.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Seconds of the monotonic clock. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	FILE *file;
	char *line = NULL;
	size_t cap = 0;
	long n = 0;
	double began, took;

	if (argc != 2)
		errx(2, "usage: limit_getline FILE");
	file = fopen(argv[1], "r");
	if (file == NULL)
		err(1, "%s", argv[1]);
	began = now();
	while (getline(&line, &cap, file) >= 0)
		n++;
	took = now() - began;
	printf("{\"lines\": %ld, \"per_second\": %.0f}\n", n,
	    (double)n / took);
	free(line);
	fclose(file);
	return 0;
}
