/*
 * Which modules a Lua file requires, read off its text without running it,
 * so that an edit restarts the sensors it concerns and no others. When in
 * doubt it says that it does not know, and the caller takes every file the
 * sensor could load. Called for each source once; pure.
 */
#include "pack/requires.h"

#include <string.h>

struct scanner {
	const char *at;
	const char *end;
};

/* Words by which code can load what no literal names. */
static const char *const loaders[] = {
	"_G", "_ENV", "dofile", "getfenv", "load", "loadfile", "loadstring",
	"package", "setfenv",
};

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

/* True if the text goes on with this. */
static bool
is_next(const struct scanner *s, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(s->end - s->at) >= n && memcmp(s->at, what, n) == 0;
}

/* The level of a long bracket [==[ that begins here, or -1. */
static int
long_level(const struct scanner *s)
{
	const char *p = s->at;
	int level = 0;

	if (p == s->end || *p != '[')
		return -1;
	for (p++; p < s->end && *p == '='; p++)
		level++;
	return p < s->end && *p == '[' ? level : -1;
}

/* Skips a long string of that level; *inner and *len are its content. */
static void
skip_long(struct scanner *s, int level, const char **inner, size_t *len)
{
	const char *p;
	int k;

	s->at += level + 2;
	*inner = s->at;
	for (; s->at < s->end; s->at++) {
		if (*s->at != ']')
			continue;
		for (p = s->at + 1, k = 0; p < s->end && *p == '='; p++)
			k++;
		if (k == level && p < s->end && *p == ']') {
			*len = (size_t)(s->at - *inner);
			s->at = p + 1;
			return;
		}
	}
	*len = (size_t)(s->end - *inner);
}

/* Skips a quoted string; its content as it is written. */
static void
skip_quoted(struct scanner *s, const char **inner, size_t *len)
{
	char quote = *s->at++;

	*inner = s->at;
	while (s->at < s->end && *s->at != quote && *s->at != '\n')
		s->at += 1 + (*s->at == '\\' && s->at + 1 < s->end);
	*len = (size_t)(s->at - *inner);
	s->at += s->at < s->end;
}

/* Skips a string literal if one begins here. */
static bool
skip_string(struct scanner *s, const char **inner, size_t *len)
{
	int level = long_level(s);

	if (level >= 0)
		skip_long(s, level, inner, len);
	else if (s->at < s->end && (*s->at == '"' || *s->at == '\''))
		skip_quoted(s, inner, len);
	else
		return false;
	return true;
}

/* Skips white space and comments. */
static void
skip_blank(struct scanner *s)
{
	const char *inner;
	size_t len;
	int level;

	while (s->at < s->end) {
		if (is_next(s, "--")) {
			s->at += 2;
			level = long_level(s);
			if (level >= 0)
				skip_long(s, level, &inner, &len);
			else
				while (s->at < s->end && *s->at != '\n')
					s->at++;
		} else if (strchr(" \t\r\n\f\v", *s->at) && *s->at) {
			s->at++;
		} else {
			return;
		}
	}
}

/* What follows the word require; false if it is no literal. */
static bool
take_require(struct scanner *s, requires_fn *fn, void *arg)
{
	const char *inner;
	bool paren;
	size_t len;

	skip_blank(s);
	paren = s->at < s->end && *s->at == '(';
	s->at += paren;
	skip_blank(s);
	if (!skip_string(s, &inner, &len) || memchr(inner, '\\', len))
		return false;
	skip_blank(s);
	if (paren && (s->at == s->end || *s->at != ')'))
		return false;
	fn(arg, inner, len);
	return true;
}

/* True if the word is one by which anything could be loaded. */
static bool
is_loader(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++)
		if (strlen(loaders[i]) == len &&
		    memcmp(loaders[i], word, len) == 0)
			return true;
	return false;
}

/* Takes the word that begins here; a member (x.word) means nothing. */
static bool
take_word(struct scanner *s, bool member, requires_fn *fn, void *arg)
{
	const char *word = s->at;
	size_t len;

	while (s->at < s->end && is_word_char(*s->at))
		s->at++;
	len = (size_t)(s->at - word);
	if (member)
		return true;
	if (len == 7 && memcmp(word, "require", 7) == 0)
		return take_require(s, fn, arg);
	return !is_loader(word, len);
}

bool
requires_scan(const char *text, size_t len, requires_fn *fn, void *arg)
{
	struct scanner s = { text, text + len };
	bool known = true, member = false;
	const char *inner;
	size_t n;

	for (skip_blank(&s); s.at < s.end; skip_blank(&s)) {
		if (skip_string(&s, &inner, &n)) {
			member = false;
		} else if (is_word_char(*s.at)) {
			known = take_word(&s, member, fn, arg) && known;
			member = false;
		} else {
			/* a.b and a:b name members, a .. b joins */
			member = (*s.at == '.' || *s.at == ':') && !member;
			s.at++;
		}
	}
	return known;
}
