/*
 * Sealing: the key file, and values under its key. The only file of store/
 * that includes sodium. Called by core and by the commands that create or
 * read keys; a key lives in locked memory that is wiped when it is freed, and
 * never in a log, an error or the store.
 *
 * A sealed value carries a random nonce (24 bytes make chance collisions
 * impossible in practice) and the key's id, and is bound to the item's full
 * name. The id is a hash of the key, so that a damaged key file is noticed.
 */
#include "store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "store/folder.h"

#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define ID_BYTES 8
#define ID_DIGITS (2 * ID_BYTES)
#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define FILE_MAX 4096

#define MARK "\"sealed:1:"
#define MARK_LEN (sizeof(MARK) - 1)
#define HEAD_LEN (MARK_LEN + ID_DIGITS + 1)	/* up to the base64 */

static const char context[] = "sensorhost datastore item 1";

struct seal_key {
	unsigned char secret[KEY_BYTES];
	char id[ID_DIGITS + 1];
};

static struct seal_key *
key_new(void)
{
	struct seal_key *k;

	must(sodium_init() >= 0);
	k = sodium_malloc(sizeof(*k));
	must(k != NULL);
	sodium_memzero(k, sizeof(*k));
	return k;
}

/* Derives the id by which one key is told from another. */
static void
key_name(struct seal_key *k)
{
	static const char label[] = "sensorhost key id";
	unsigned char id[crypto_generichash_BYTES_MIN];

	crypto_generichash(id, sizeof(id), (const unsigned char *)label,
	    sizeof(label) - 1, k->secret, sizeof(k->secret));
	sodium_bin2hex(k->id, sizeof(k->id), id, ID_BYTES);
}

void
seal_key_free(struct seal_key **k)
{
	if (*k != NULL)
		sodium_free(*k);
	*k = NULL;
}

const char *
seal_key_id(const struct seal_key *k)
{
	return k->id;
}

/* Writes the whole text and makes it durable. */
static int
write_all(int fd, const char *text, size_t len, const char *path,
    struct err *e)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return err_errno(e, "cannot write \"%s\"", path);
		text += n;
		len -= (size_t)n;
	}
	if (fsync(fd) != 0)
		return err_errno(e, "cannot sync \"%s\"", path);
	return 0;
}

/* The folder that path is in, synced, so that the name survives too. */
static int
sync_parent(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? xstrdup(".") :
	    slash == path ? xstrdup("/") :
	    xstrndup(path, (size_t)(slash - path));
	int rc = folder_sync(dir, e);

	free(dir);
	return rc;
}

int
seal_key_create(const char *path, struct err *e)
{
	struct seal_key *k;
	char secret[2 * KEY_BYTES + 1], text[512];
	int fd, len, rc;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, "\"%s\" is there already and is left as it "
		    "is: what it sealed opens with no other key", path);
	if (fd < 0)
		return err_errno(e, "cannot create the key file \"%s\"", path);
	k = key_new();
	randombytes_buf(k->secret, sizeof(k->secret));
	key_name(k);
	sodium_bin2hex(secret, sizeof(secret), k->secret, sizeof(k->secret));
	len = snprintf(text, sizeof(text),
	    "# The key of sensorhost's encrypted datastore items. Keep it\n"
	    "# secret, and a copy of it elsewhere: without it they are lost.\n"
	    "sensorhost key 1\nid %s\nsecret %s\n", k->id, secret);
	rc = write_all(fd, text, (size_t)len, path, e);
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(text, sizeof(text));
	seal_key_free(&k);
	close(fd);
	if (rc == 0)
		rc = sync_parent(path, e);
	if (rc != 0)
		unlink(path);
	return rc;
}

/* Reads the file into text (FILE_MAX bytes), if nobody else can. */
static int
read_file(const char *path, char *text, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0, got = 0;

	if (fd < 0)
		return err_errno(e, "cannot open the key file \"%s\"; "
		    "`sensorhost key generate` makes one", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 077) == 0) {
		while (n < FILE_MAX - 1 && (got = read(fd, text + n,
		    (size_t)(FILE_MAX - 1 - n))) > 0)
			n += got;
		text[n] = '\0';
		close(fd);
		if (got < 0)
			return err_errno(e, "cannot read \"%s\"", path);
		return 0;
	}
	close(fd);
	return err_set(e, "the key file \"%s\" must be a file that its owner "
	    "alone can read: chmod 600 \"%s\"", path, path);
}

/* Takes a line that begins with word off *text; NULL if it does not. */
static char *
take_line(char **text, const char *word)
{
	char *line = *text, *end;

	while (*line == '#' || *line == '\n') {
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	end = line + strcspn(line, "\n");
	*text = *end == '\n' ? end + 1 : end;
	*end = '\0';
	if (strncmp(line, word, strlen(word)) != 0)
		return NULL;
	return line + strlen(word);
}

/* Makes the key of what the file says; false if that makes no sense. */
static bool
parse(struct seal_key *k, char *text)
{
	char *version = take_line(&text, "sensorhost key ");
	char *id = take_line(&text, "id ");
	char *secret = take_line(&text, "secret ");
	size_t len;

	if (version == NULL || id == NULL || secret == NULL ||
	    strcmp(version, "1") != 0 || strlen(secret) != 2 * KEY_BYTES)
		return false;
	if (sodium_hex2bin(k->secret, sizeof(k->secret), secret,
	    2 * KEY_BYTES, NULL, &len, NULL) != 0 || len != KEY_BYTES)
		return false;
	key_name(k);
	return strcmp(k->id, id) == 0;
}

int
seal_key_load(struct seal_key **out, const char *path, struct err *e)
{
	struct seal_key *k = key_new();
	char text[FILE_MAX];
	int rc = read_file(path, text, e);

	if (rc == 0 && !parse(k, text))
		rc = err_set(e, "the key file \"%s\" is damaged, or no key "
		    "file of this version: restore it from a copy", path);
	sodium_memzero(text, sizeof(text));
	if (rc != 0)
		seal_key_free(&k);
	else
		*out = k;
	return rc;
}

size_t
seal_size(size_t n)
{
	return HEAD_LEN + sodium_base64_ENCODED_LEN(NONCE_BYTES + n +
	    TAG_BYTES, BASE64) - 1 + 1;
}

void
seal_wipe(struct buf *b)
{
	if (b->data != NULL)
		sodium_memzero(b->data, b->cap);
	b->len = 0;
}

/* What a value is bound to. */
static void
bind_name(struct buf *b, struct span name)
{
	buf_put(b, context, sizeof(context));
	buf_put(b, name.data, name.len);
}

enum seal_result
seal_encrypt(const struct seal_key *k, struct span name, struct span plain,
    struct buf *out, struct err *e)
{
	size_t size = NONCE_BYTES + plain.len + TAG_BYTES;
	size_t room = seal_size(plain.len);
	struct buf bound = {0};
	unsigned char *box;
	char *text;

	if (k == NULL) {
		err_set(e, "cannot encrypt \"%.*s\": this host has no key",
		    (int)name.len, (const char *)name.data);
		return SEAL_NO_KEY;
	}
	bind_name(&bound, name);
	box = xmalloc(size);
	randombytes_buf(box, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_BYTES, NULL,
	    plain.data, plain.len, bound.data, bound.len, NULL, box,
	    k->secret);
	text = (char *)buf_reserve(out, room + 1);
	memcpy(text, MARK, MARK_LEN);
	memcpy(text + MARK_LEN, k->id, ID_DIGITS);
	text[HEAD_LEN - 1] = ':';
	sodium_bin2base64(text + HEAD_LEN, room - HEAD_LEN + 1, box, size,
	    BASE64);
	text[room - 1] = '"';
	out->len += room;
	free(box);
	buf_release(&bound);
	return SEAL_OK;
}

bool
seal_is_sealed(struct span text)
{
	const char *p = text.data;

	return text.len > HEAD_LEN + 1 && memcmp(p, MARK, MARK_LEN) == 0 &&
	    p[HEAD_LEN - 1] == ':' && p[text.len - 1] == '"';
}

/* Opens the base64 under the key; false if anything about it is wrong. */
static bool
open_box(const struct seal_key *k, struct span name, struct span base64,
    struct buf *out)
{
	size_t most = base64.len / 4 * 3, size;
	unsigned char *box = xmalloc(most + 1);
	struct buf bound = {0};
	unsigned long long len = 0;
	bool fine = sodium_base642bin(box, most, base64.data, base64.len, NULL,
	    &size, NULL, BASE64) == 0 && size >= NONCE_BYTES + TAG_BYTES;

	if (fine) {
		bind_name(&bound, name);
		fine = crypto_aead_xchacha20poly1305_ietf_decrypt(
		    buf_reserve(out, size), &len, NULL, box + NONCE_BYTES,
		    size - NONCE_BYTES, bound.data, bound.len, box,
		    k->secret) == 0;
	}
	if (fine)
		out->len += len;
	buf_release(&bound);
	free(box);
	return fine;
}

enum seal_result
seal_decrypt(const struct seal_key *k, struct span name, struct span sealed,
    struct buf *out, struct err *e)
{
	const char *text = sealed.data;
	int n = (int)name.len;
	const char *item = name.data;

	if (!seal_is_sealed(sealed)) {
		err_set(e, "\"%.*s\" is not encrypted", n, item);
		return SEAL_NOT_SEALED;
	}
	if (k == NULL) {
		err_set(e, "\"%.*s\" is encrypted and this host has no key",
		    n, item);
		return SEAL_NO_KEY;
	}
	if (memcmp(text + MARK_LEN, k->id, ID_DIGITS) != 0) {
		err_set(e, "\"%.*s\" is encrypted with the key %.*s, and this "
		    "host has the key %s", n, item, ID_DIGITS,
		    text + MARK_LEN, k->id);
		return SEAL_WRONG_KEY;
	}
	if (!open_box(k, name, span_of(text + HEAD_LEN,
	    sealed.len - HEAD_LEN - 1), out)) {
		err_set(e, "\"%.*s\" does not open: its value was altered, or "
		    "encrypted under another name", n, item);
		return SEAL_BROKEN;
	}
	return SEAL_OK;
}
