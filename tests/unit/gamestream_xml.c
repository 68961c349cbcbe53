/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host/gamestream/xml.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"utf-8\"?>"

static void writes(void **state)
{
	struct pf_gs_xml x;
	char buf[512];
	size_t len = 0;

	pf_gs_xml_begin(&x, buf, sizeof(buf), 200, NULL);
	pf_gs_xml_open(&x, "App");
	pf_gs_xml_text(&x, "AppTitle", "a & b <c> \"d\" 'e'");
	pf_gs_xml_number(&x, "ID", -5);
	pf_gs_xml_close(&x, "App");
	assert_int_equal(pf_gs_xml_end(&x, &len), 0);
	buf[len] = 0;
	assert_string_equal(buf,
		HEAD "<root status_code=\"200\"><App><AppTitle>a &amp; b &lt;c&gt; &quot;d&quot; "
		     "'e'</AppTitle><ID>-5</ID></App></root>");
	pf_gs_xml_begin(&x, buf, sizeof(buf), 4294967295u, "In\"valid");
	assert_int_equal(pf_gs_xml_end(&x, &len), 0);
	buf[len] = 0;
	assert_string_equal(buf,
		HEAD "<root status_code=\"4294967295\" status_message=\"In&quot;valid\"></root>");
}

/* What XML has no characters for. */
static void repairs(void **state)
{
	struct pf_gs_xml x;
	char buf[512];
	size_t len = 0;

	pf_gs_xml_begin(&x, buf, sizeof(buf), 200, NULL);
	pf_gs_xml_text(&x, "t", "\x01\n\x7f|\xff|\xed\xa0\x80|\xef\xbf\xbe|\xef\xbf\xbf|\xc3\xa4");
	assert_int_equal(pf_gs_xml_end(&x, &len), 0);
	buf[len] = 0;
	assert_non_null(strstr(buf, "<t>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd|"));
	assert_non_null(strstr(buf, "|\xef\xbf\xbd|\xef\xbf\xbd|\xc3\xa4</t>"));
}

/* A buffer one byte too small is never overrun and always noticed. */
static void does_not_fit(void **state)
{
	struct pf_gs_xml x;
	size_t need, len;
	char buf[512];

	pf_gs_xml_begin(&x, buf, sizeof(buf), 200, NULL);
	pf_gs_xml_text(&x, "t", "a<b");
	assert_int_equal(pf_gs_xml_end(&x, &need), 0);
	for (size_t cap = 0; cap <= need; cap++) {
		char *exact = malloc(cap ? cap : 1);

		assert_non_null(exact);
		len = 12345;
		pf_gs_xml_begin(&x, exact, cap, 200, NULL);
		pf_gs_xml_text(&x, "t", "a<b");
		assert_int_equal(pf_gs_xml_end(&x, &len), cap < need ? -ENOBUFS : 0);
		assert_int_equal(len, cap < need ? 12345 : need);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes),
		cmocka_unit_test(repairs),
		cmocka_unit_test(does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
