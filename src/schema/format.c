/*
 * The formats that validate_formats enforces. Each check is by hand and
 * linear; called by the evaluators with text from anywhere.
 */
#include "schema/format.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "schema/regex.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The number of n digits at s, or -1. */
static int
digits(const char *s, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_digit(s[i]))
			return -1;
		value = value * 10 + (s[i] - '0');
	}
	return value;
}

static bool
date_ok(const char *s, size_t len)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31};
	int year, month, day;

	if (len != 10 || s[4] != '-' || s[7] != '-')
		return false;
	year = digits(s, 4);
	month = digits(s + 5, 2);
	day = digits(s + 8, 2);
	if (year < 0 || month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] || (month == 2 && day == 29 &&
	    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Minutes that Z or +hh:mm stands for; -10000 for neither. */
static int
zone_minutes(const char *s, size_t len)
{
	int hours, minutes;

	if (len == 1 && (*s | 0x20) == 'z')
		return 0;
	if (len != 6 || (*s != '+' && *s != '-') || s[3] != ':')
		return -10000;
	hours = digits(s + 1, 2);
	minutes = digits(s + 4, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return -10000;
	return (*s == '-' ? -1 : 1) * (hours * 60 + minutes);
}

/* hh:mm:ss[.fraction]zone; a leap second at 23:59:60 UTC alone. */
static bool
time_ok(const char *s, size_t len)
{
	int hour, minute, second, zone, utc;
	size_t at = 8;

	if (len < 9 || s[2] != ':' || s[5] != ':')
		return false;
	hour = digits(s, 2);
	minute = digits(s + 3, 2);
	second = digits(s + 6, 2);
	if (s[at] == '.') {
		size_t from = ++at;

		while (at < len && is_digit(s[at]))
			at++;
		if (at == from)
			return false;
	}
	zone = zone_minutes(s + at, len - at);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
	    second > 60 || zone == -10000)
		return false;
	utc = ((hour * 60 + minute - zone) % 1440 + 1440) % 1440;
	return second < 60 || utc == 1439;
}

static bool
date_time_ok(const char *s, size_t len)
{
	return len > 11 && ((s[10] | 0x20) == 't' || s[10] == ' ') &&
	    date_ok(s, 10) && time_ok(s + 11, len - 11);
}

static bool
ipv4_ok(const char *s, size_t len)
{
	size_t from = 0;
	int parts = 0;

	for (size_t i = 0; i <= len; i++) {
		size_t n = i - from;

		if (i < len && s[i] != '.')
			continue;
		if (!n || n > 3 || (n > 1 && s[from] == '0') ||
		    digits(s + from, n) < 0 || digits(s + from, n) > 255)
			return false;
		from = i + 1;
		parts++;
	}
	return parts == 4;
}

static bool
ipv6_ok(const char *s, size_t len)
{
	unsigned char address[16];
	char text[INET6_ADDRSTRLEN];

	if (len >= sizeof(text) || memchr(s, '\0', len))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, address) == 1;
}

static bool
hostname_ok(const char *s, size_t len)
{
	size_t from = 0;

	if (!len || len > 253)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && s[i] != '.') {
			if (!is_letter(s[i]) && !is_digit(s[i]) && s[i] != '-')
				return false;
			continue;
		}
		if (i == from || i - from > 63 || s[from] == '-' ||
		    s[i - 1] == '-')
			return false;
		from = i + 1;
	}
	return true;
}

/* The part before the @: a dot-atom, or a quoted string. */
static bool
mailbox_ok(const char *s, size_t len)
{
	static const char others[] = "!#$%&'*+-/=?^_`{|}~";
	bool quoted = len > 2 && *s == '"' && s[len - 1] == '"';

	for (size_t i = 0; i < len; i++) {
		if (quoted || is_letter(s[i]) || is_digit(s[i]) ||
		    (s[i] && strchr(others, s[i])) || (s[i] & 0x80))
			continue;
		if (s[i] != '.' || !i || i + 1 == len || s[i - 1] == '.')
			return false;
	}
	return len > 0 && len <= 64;
}

static bool
email_ok(const char *s, size_t len)
{
	const char *at = memrchr(s, '@', len);
	size_t n = at ? len - (size_t)(at + 1 - s) : 0;

	if (!at || !n || !mailbox_ok(s, (size_t)(at - s)))
		return false;
	if (at[1] != '[')
		return hostname_ok(at + 1, n);
	if (n > 7 && at[n] == ']' && !strncasecmp(at + 2, "IPv6:", 5))
		return ipv6_ok(at + 7, n - 7);
	return n > 2 && at[n] == ']' && ipv4_ok(at + 2, n - 2);
}

/* Whether brackets stand only around an IP literal, and a port is a number */
static bool
authority_ok(const char *s, size_t len, size_t scheme)
{
	const char *end = s + len, *host = s + scheme + 1;
	const char *at, *close, *colon;
	size_t n;

	if (end - host < 2 || host[0] != '/' || host[1] != '/')
		return !memchr(s, '[', len) && !memchr(s, ']', len);
	host += 2;
	for (n = 0; host + n < end && !strchr("/?#", host[n]); n++)
		;
	at = memrchr(host, '@', n);
	if (at && memchr(host, '[', (size_t)(at - host)))
		return false;
	n -= at ? (size_t)(at + 1 - host) : 0;
	host = at ? at + 1 : host;
	close = n && *host == '[' ? memchr(host, ']', n) : NULL;
	if (close) {
		if (!ipv6_ok(host + 1, (size_t)(close - host - 1)) &&
		    (host[1] | 0x20) != 'v')
			return false;
		n -= (size_t)(close + 1 - host);
		host = close + 1;
	}
	colon = memchr(host, ':', n);
	for (at = colon ? colon + 1 : host + n; at < host + n; at++)
		if (!is_digit(*at))
			return false;
	return !memchr(host, '[', (size_t)(end - host)) &&
	    !memchr(host, ']', (size_t)(end - host));
}

/* A scheme, then nothing that RFC 3986 does not allow in a URI. */
static bool
uri_ok(const char *s, size_t len)
{
	static const char others[] = "-._~:/?#[]@!$&'()*+,;=%";
	const char *colon = memchr(s, ':', len);
	const char *hash = memchr(s, '#', len);
	size_t scheme = colon ? (size_t)(colon - s) : 0;

	if (!scheme || !is_letter(*s) || (hash && memchr(hash + 1, '#',
	    len - (size_t)(hash + 1 - s))))
		return false;
	for (size_t i = 0; i < len; i++) {
		bool plain = is_letter(s[i]) || is_digit(s[i]);

		if (i < scheme && !plain && s[i] != '+' && s[i] != '-' &&
		    s[i] != '.')
			return false;
		if (!plain && (!s[i] || !strchr(others, s[i])))
			return false;
		if (s[i] == '%' && (i + 2 >= len ||
		    !strchr("0123456789abcdefABCDEF", s[i + 1]) ||
		    !strchr("0123456789abcdefABCDEF", s[i + 2])))
			return false;
	}
	return authority_ok(s, len, scheme);
}

/* A pattern that compiles, with no anchor that ECMA-262 does not have. */
static bool
regex_ok(const char *s, size_t len)
{
	struct err ignored;
	struct regex *r;
	bool ok;

	for (size_t i = 0; i + 1 < len; i++)
		if (s[i] == '\\' && s[++i] && strchr("AGZz", s[i]))
			return false;
	r = regex_new(s, len, &ignored);
	ok = r != NULL;
	regex_free(&r);
	return ok;
}

static const struct format formats[] = {
	{"date-time", date_time_ok}, {"date", date_ok}, {"time", time_ok},
	{"email", email_ok}, {"hostname", hostname_ok},
	{"host-name", hostname_ok}, {"ipv4", ipv4_ok},
	{"ip-address", ipv4_ok}, {"ipv6", ipv6_ok}, {"uri", uri_ok},
	{"regex", regex_ok},
};

const struct format *
format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}
