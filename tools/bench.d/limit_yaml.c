/*
 * The limit beside reading packs: libyaml parsing the same bytes.
 *
 *	limit_yaml SECONDS FILE...
 *
 * reads the files once, parses all of them to events again and again for
 * SECONDS, and prints JSON: the median CPU seconds that all of them take,
 * and their bytes.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <yaml.h>

#define PASSES_MAX 100000

struct text {
	unsigned char *data;
	size_t len;
};

/* Seconds that this process was on a CPU. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A file's bytes. */
static struct text
read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct text t;
	long size;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
		err(1, "%s", path);
	rewind(f);
	t.len = (size_t)size;
	t.data = malloc(t.len + 1);
	if (!t.data || fread(t.data, 1, t.len, f) != t.len)
		err(1, "%s", path);
	fclose(f);
	return t;
}

/* Parses a text to its end, or to what is no YAML in it. */
static void
parse(const struct text *t)
{
	yaml_parser_t parser;
	yaml_event_t event;
	int last = 0;

	if (!yaml_parser_initialize(&parser))
		errx(1, "libyaml has no memory");
	yaml_parser_set_input_string(&parser, t->data, t->len);
	while (!last && yaml_parser_parse(&parser, &event)) {
		last = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

/* Orders doubles. */
static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	double till, began, *took = calloc(PASSES_MAX, sizeof(*took));
	struct text *texts = calloc((size_t)argc, sizeof(*texts));
	size_t bytes = 0, n = 0;
	int i;

	if (argc < 3 || !took || !texts)
		errx(2, "usage: limit_yaml SECONDS FILE...");
	for (i = 2; i < argc; i++) {
		texts[i] = read_file(argv[i]);
		bytes += texts[i].len;
	}
	till = now() + atof(argv[1]);
	do {
		began = now();
		for (i = 2; i < argc; i++)
			parse(&texts[i]);
		took[n++] = now() - began;
	} while (began < till && n < PASSES_MAX);
	qsort(took, n, sizeof(*took), compare);
	printf("{\"seconds\":%.9f,\"bytes\":%zu,\"files\":%d,\"passes\":%zu}\n",
	    took[n / 2], bytes, argc - 2, n);
	return 0;
}
