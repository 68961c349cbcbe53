/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A pairing client's certificate: what is taken has a signature, a fingerprint of
 * its own bytes and a key that can be asked. The first byte chooses the form. */
#include <string.h>
#include "core/crypto/cert.h"
#include "tests/fuzz/fuzz.h"

static void use(struct pf_cert *c)
{
	const uint8_t *der, *sig;
	uint8_t a[32], b[32];
	size_t len, sig_len;

	der = pf_cert_der(c, &len);
	FUZZ_CHECK(der && len && len <= PF_CERT_DER_BYTES);
	sig = pf_cert_signature(c, &sig_len);
	FUZZ_CHECK(sig && sig_len && sig_len <= 512);
	pf_cert_fingerprint(c, a);
	pf_cert_fingerprint_der(der, len, b);
	FUZZ_CHECK(!memcmp(a, b, 32));
	FUZZ_CHECK(pf_cert_verify_sha256(c, "x", 1, sig, sig_len) < 0);
	pf_cert_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_cert *c = NULL;
	struct pf_reason why = { 0 };
	int r;

	if (!size)
		return 0;
	if (data[0] == 'h')
		r = pf_cert_from_hex(&c, (const char *)data + 1, size - 1, &why);
	else if (data[0] == 'd')
		r = pf_cert_from_der(&c, data + 1, size - 1, &why);
	else
		r = pf_cert_from_pem(&c, (const char *)data + 1, size - 1, &why);
	FUZZ_CHECK(!r == !!c);
	FUZZ_CHECK(r == 0 || (*why.text && why.code == r));
	if (c)
		use(c);
	return 0;
}
