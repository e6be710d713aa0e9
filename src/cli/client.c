/*
 * Asks a running host, by libcurl. Called by the commands that need one.
 * What the host answers is JSON, and is taken for no more than that.
 */
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/js.h"
#include "base/must.h"
#include "base/xalloc.h"

#define SOCKET "api.sock"
#define ANSWER_MAX (64u * 1024u * 1024u)
#define CONNECT_TIMEOUT 10L /* seconds */
#define ANSWER_TIMEOUT 300L

struct client {
	CURL *curl;
	struct curl_slist *headers;
	char *base; /* of every URL */
	char *where; /* what errors call it */
	char *socket; /* NULL: by TCP */
	int dir;
};

/* Connects and closes: why a socket cannot be used is best asked itself. */
static int
probe(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc, saved;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	rc = connect(fd, (struct sockaddr *)&to, sizeof(to));
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

/* The socket of a data folder; its path may have any length. */
static int
use_socket(struct client *c, const char *data_dir, struct err *e)
{
	c->base = xstrdup("http://localhost");
	c->where = xstrdup(data_dir);
	c->dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->dir >= 0) {
		c->socket = xasprintf("/proc/self/fd/%d/" SOCKET, c->dir);
		if (probe(c->socket) == 0)
			return 0;
	}
	if (errno == ENOENT || errno == ECONNREFUSED)
		return err_set(e, "no host is running on \"%s\": start one "
		    "with \"sensorhost serve\", or say by --data, --config "
		    "or --url which one is meant", data_dir);
	return err_errno(e, "\"%s/" SOCKET "\"", data_dir);
}

/* A host behind a URL. */
static int
use_url(struct client *c, const char *url, struct err *e)
{
	size_t n = strlen(url);

	if (strncmp(url, "http://", 7) != 0 &&
	    strncmp(url, "https://", 8) != 0)
		return err_set(e, "--url \"%s\": it must begin with http:// "
		    "or https://", url);
	while (n > 0 && url[n - 1] == '/')
		n--;
	c->base = xasprintf("%.*s", (int)n, url);
	c->where = xstrdup(c->base);
	return 0;
}

/* Finds out which host is meant. */
static int
find_host(struct client *c, const struct client_opts *o, struct err *e)
{
	struct host_config *h;
	int rc;

	if (o->url)
		return use_url(c, o->url, e);
	h = place_load(&o->place);
	if (!h)
		return err_set(e, "the configuration cannot be used");
	rc = use_socket(c, h->data_dir, e);
	host_config_free(&h);
	return rc;
}

/* The write function of curl. */
static size_t
take_cb(char *data, size_t one, size_t n, void *arg)
{
	struct reply *r = arg;

	(void)one;
	if (r->text.len + n > ANSWER_MAX)
		return 0;
	buf_put(&r->text, data, n);
	return n;
}

/* The header function of curl. */
static size_t
header_cb(char *data, size_t one, size_t n, void *arg)
{
	static const char total[] = "x-total-count:";
	struct reply *r = arg;
	char text[32];

	if (n > sizeof(total) && n < sizeof(total) + sizeof(text) - 1 &&
	    strncasecmp(data, total, sizeof(total) - 1) == 0) {
		snprintf(text, sizeof(text), "%.*s",
		    (int)(n - sizeof(total) + 1), data + sizeof(total) - 1);
		r->total = strtoul(text, NULL, 10);
	}
	return one * n;
}

/* What stays the same from question to question. */
static void
set_options(struct client *c, const char *api_key)
{
	char *header;

	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_cb);
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, header_cb);
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, ANSWER_TIMEOUT);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (c->socket) {
		curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH,
		    c->socket);
		curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	}
	c->headers = curl_slist_append(NULL, "Content-Type: "
	    "application/json");
	if (api_key) {
		header = xasprintf("St2-Api-Key: %s", api_key);
		c->headers = curl_slist_append(c->headers, header);
		free(header);
	}
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
}

struct client *
client_new(const struct client_opts *o, struct err *e)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->dir = -1;
	if (find_host(c, o, e) != 0) {
		client_free(&c);
		return NULL;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	c->curl = curl_easy_init();
	must(c->curl);
	set_options(c, o->api_key);
	return c;
}

void
client_free(struct client **cp)
{
	struct client *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	curl_slist_free_all(c->headers);
	curl_easy_cleanup(c->curl);
	if (c->dir >= 0)
		close(c->dir);
	free(c->base);
	free(c->where);
	free(c->socket);
	free(c);
}

/* Makes a value of what came; what is no JSON is an error of its own. */
static int
understand(struct client *c, struct reply *r, struct err *e)
{
	const char *text = (const char *)r->text.data, *fault;
	size_t at;

	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &r->status);
	/* What nests deeper than the program goes is no answer of a host. */
	if (!js_find_fault(text, r->text.len, JS_DEPTH, &at))
		r->value = json_loadb(text, r->text.len, JSON_ALLOW_NUL, NULL);
	fault = member_text(r->value, "faultstring");
	if (r->status >= 400 && *fault)
		return err_set(e, "%s", fault);
	if (r->status >= 400)
		return err_set(e, "%s: answered with status %ld", c->where,
		    r->status);
	if (!r->value)
		return err_set(e, "%s: what answers there is no sensorhost",
		    c->where);
	return 0;
}

int
client_ask(struct client *c, const char *method, const char *path,
    struct reply *r, struct err *e)
{
	char *url = xasprintf("%s%s", c->base, path);
	CURLcode rc;

	*r = (struct reply){0};
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, r);
	rc = curl_easy_perform(c->curl);
	free(url);
	if (rc == CURLE_OK)
		return understand(c, r, e);
	return err_set(e, "%s: %s", c->where, rc == CURLE_GOT_NOTHING ||
	    rc == CURLE_RECV_ERROR ? "the host ended before it answered" :
	    curl_easy_strerror(rc));
}

void
reply_release(struct reply *r)
{
	buf_release(&r->text);
	json_decref(r->value);
	*r = (struct reply){0};
}

char *
client_escape(struct client *c, const char *word)
{
	char *escaped = curl_easy_escape(c->curl, word, 0), *copy;

	must(escaped);
	copy = xstrdup(escaped);
	curl_free(escaped);
	return copy;
}

char *
client_path(struct client *c, const char *base, const char *word,
    const char *tail)
{
	char *escaped = client_escape(c, word);
	char *path = xasprintf("%s/%s%s", base, escaped, tail);

	free(escaped);
	return path;
}

const char *
member_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

json_int_t
member_integer(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

const char *
member_time(const json_t *object, const char *name, char text[TIME_TEXT])
{
	const char *full = member_text(object, name);

	if (strlen(full) < TIME_TEXT)
		return "-";
	memcpy(text, full, TIME_TEXT - 1);
	text[TIME_TEXT - 1] = '\0';
	text[10] = ' ';
	return text;
}

void
print_json(const json_t *value)
{
	struct buf flat = {0}, text = {0};

	js_put_json(&flat, value, false);
	js_put_formatted(&text, (const char *)flat.data, flat.len, true,
	    false);
	buf_putc(&text, '\n');
	fwrite(text.data, 1, text.len, stdout);
	buf_release(&flat);
	buf_release(&text);
}

/* ":line:column" of a finding, as far as it has them. */
static void
place_of(const json_t *finding, char text[64])
{
	long long line = member_integer(finding, "line");
	long long column = member_integer(finding, "column");

	*text = '\0';
	if (line > 0 && column > 0)
		snprintf(text, 64, ":%lld:%lld", line, column);
	else if (line > 0)
		snprintf(text, 64, ":%lld", line);
}

size_t
print_findings(const json_t *answer)
{
	size_t errors = 0, i;
	char place[64];
	json_t *f;

	json_array_foreach(json_object_get(answer, "findings"), i, f) {
		bool error = strcmp(member_text(f, "level"), "error") == 0;

		errors += error;
		place_of(f, place);
		fprintf(stderr, "sensorhost: %s%s: %s%s\n",
		    member_text(f, "file"), place,
		    error ? "" : "warning: ", member_text(f, "text"));
	}
	return errors;
}
