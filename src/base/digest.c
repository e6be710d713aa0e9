/*
 * Digests over libsodium's BLAKE2b and, for one legacy format, libcrypto's
 * MD5. Called by the catalog and the trigger registry; never for secrets.
 */
#include "base/digest.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"

_Static_assert(sizeof(crypto_generichash_state) <=
    sizeof(((struct digest_state *)0)->opaque), "digest_state is too small");

void
digest_init(struct digest_state *s)
{
	must(sodium_init() >= 0);
	crypto_generichash_init((void *)s->opaque, NULL, 0, DIGEST_BYTES);
}

void
digest_part(struct digest_state *s, const void *p, size_t len)
{
	uint64_t length = len;

	crypto_generichash_update((void *)s->opaque, (const void *)&length,
	    sizeof(length));
	if (len)
		crypto_generichash_update((void *)s->opaque, p, len);
}

void
digest_str(struct digest_state *s, const char *text)
{
	digest_part(s, text, strlen(text));
}

void
digest_final(struct digest_state *s, uint8_t out[DIGEST_BYTES])
{
	crypto_generichash_final((void *)s->opaque, out, DIGEST_BYTES);
}

void
digest_md5_hex(const void *p, size_t len, char out[33])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n, i;

	must(EVP_Digest(p, len, md, &n, EVP_md5(), NULL) == 1 && n == 16);
	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}
