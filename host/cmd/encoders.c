/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include "host/cmd/cmd.h"
#include "host/encode/encode.h"

int pf_cmd_encoders(const struct pf_cmd *cmd, int argc, char **argv)
{
	static const struct {
		enum pf_codec codec;
		const char *name;
	} codecs[] = { { PF_CODEC_H264, "H.264" }, { PF_CODEC_HEVC, "HEVC" },
		{ PF_CODEC_AV1, "AV1" } };
	const struct pf_encoder_ops *const *list = pf_encoder_backends();
	struct pf_options o = { 0 };
	int r = pf_options_parse(&o, argc, argv);

	if (!r && o.help)
		pf_options_help(cmd, NULL);
	for (unsigned i = 0; !r && !o.help && list[i]; i++) {
		for (unsigned k = 0; k < sizeof(codecs) / sizeof(codecs[0]); k++) {
			struct pf_reason why = { 0 };

			if (!(list[i]->codecs & codecs[k].codec))
				continue;
			printf("%-10s %-6s %-9s ", list[i]->name, codecs[k].name,
				list[i]->hardware ? "hardware" : "software");
			/* Listed is not working: only a picture that came out is proof. */
			if (pf_encoder_probe(list[i], codecs[k].codec, &why)) {
				printf("no: %s\n", why.text);
				continue;
			}
			printf("yes");
			for (unsigned s = PF_SHAPE_420 + 1; s < PF_SHAPES; s++)
				if (!pf_encoder_probe_shape(list[i], codecs[k].codec, s, &why))
					printf(", %s", pf_encoder_shape_name(s));
			printf("%s\n", list[i]->slow	    ? ", with software_codecs"
				       : list[i]->synthetic ? ", by its name only"
							    : "");
		}
	}
	pf_options_finish(&o);
	return r;
}
