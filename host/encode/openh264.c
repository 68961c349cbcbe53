/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* openh264.c - H.264 through libopenh264: the permissively licensed way, for
 * machines whose libavcodec comes without x264. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wels/codec_api.h>
#include "core/base/clock.h"
#include "host/encode/backends.h"
#include "host/encode/convert.h"

struct openh264_encoder {
	struct pf_encoder base;
	struct pf_encoder_params params;
	ISVCEncoder *svc;
	bool ready; /* initialised: Uninitialize is due */
	struct pf_picture picture;
	uint64_t count;
	uint8_t *joined; /* only when the library's pieces do not lie in one row */
	size_t joined_cap;
};

static void openh264_close(struct pf_encoder *enc)
{
	struct openh264_encoder *o = (struct openh264_encoder *)enc;

	if (!o)
		return;
	if (o->ready)
		(*o->svc)->Uninitialize(o->svc);
	if (o->svc)
		WelsDestroySVCEncoder(o->svc);
	pf_picture_finish(&o->picture);
	free(o->joined);
	free(o);
}

/* The library counts bits per second in an int. */
static int to_bps(uint32_t kbps)
{
	return (int)(kbps > 2000000 ? 2000000 : kbps) * 1000;
}

static void fill_params(SEncParamExt *ext, const struct pf_encoder_params *params)
{
	int bits = to_bps(params->bitrate_kbps);
	unsigned threads = pf_encoder_threads(params);
	SSpatialLayerConfig *layer = &ext->sSpatialLayers[0];

	/* Its screen-content mode searches longer and gains nothing in motion. */
	ext->iUsageType = CAMERA_VIDEO_REAL_TIME;
	ext->iPicWidth = (int)params->width;
	ext->iPicHeight = (int)params->height;
	ext->iTargetBitrate = bits;
	ext->iMaxBitrate = UNSPECIFIED_BIT_RATE;
	ext->iRCMode = RC_BITRATE_MODE;
	ext->fMaxFrameRate = (float)params->fps_mhz / 1000;
	/* Its own bounds (12..42) let a busy scene run over the rate threefold. */
	ext->iMinQp = 10;
	ext->iMaxQp = 51;
	ext->iTemporalLayerNum = 1;
	ext->iSpatialLayerNum = 1;
	ext->iComplexityMode = LOW_COMPLEXITY;
	ext->uiIntraPeriod = 0;
	ext->iNumRefFrame = 1; /* no client allows fewer */
	ext->eSpsPpsIdStrategy = CONSTANT_ID;
	ext->bPrefixNalAddingCtrl = false;
	ext->iEntropyCodingModeFlag = 0;
	/* A skipped picture would be a frame that never arrives. */
	ext->bEnableFrameSkip = false;
	ext->iMultipleThreadIdc = (unsigned short)threads;
	ext->bUseLoadBalancing = false;
	ext->bEnableDenoise = false;
	ext->bEnableBackgroundDetection = true;
	ext->bEnableAdaptiveQuant = false;
	/* It would answer a new scene with an IDR that nobody asked for. */
	ext->bEnableSceneChangeDetect = false;
	ext->bEnableLongTermReference = false;

	layer->iVideoWidth = ext->iPicWidth;
	layer->iVideoHeight = ext->iPicHeight;
	layer->fFrameRate = ext->fMaxFrameRate;
	layer->iSpatialBitrate = bits;
	layer->iMaxSpatialBitrate = UNSPECIFIED_BIT_RATE;
	layer->uiProfileIdc = PRO_BASELINE;
	layer->sSliceArgument.uiSliceMode = SM_FIXEDSLCNUM_SLICE;
	layer->sSliceArgument.uiSliceNum = params->slices > threads ? params->slices : threads;
	layer->bVideoSignalTypePresent = true;
	layer->uiVideoFormat = VF_UNDEF;
	layer->bFullRange = params->colour.full_range;
	layer->bColorDescriptionPresent = true;
	layer->uiColorPrimaries = params->colour.primaries;
	layer->uiTransferCharacteristics = params->colour.transfer;
	layer->uiColorMatrix = params->colour.matrix;
}

static int openh264_open(
	struct pf_encoder **out, const struct pf_encoder_params *params, struct pf_reason *why)
{
	struct openh264_encoder *o = calloc(1, sizeof(*o));
	int quiet = WELS_LOG_QUIET;
	int format = videoFormatI420;
	SEncParamExt ext;
	int err;

	if (!o)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	o->base.ops = &openh264_encoder_ops;
	o->params = *params;
	o->params.preset = NULL;
	err = pf_picture_init(
		&o->picture, PF_PIXEL_I420, params->width, params->height, &params->colour);
	if (err) {
		pf_reason_set(why, err, "openh264: cannot hold a picture of %ux%u", params->width,
			params->height);
		goto fail;
	}
	if (WelsCreateSVCEncoder(&o->svc) || !o->svc) {
		err = pf_reason_set(why, -ENODEV, "openh264: the library makes no encoder");
		goto fail;
	}
	(*o->svc)->SetOption(o->svc, ENCODER_OPTION_TRACE_LEVEL, &quiet);
	(*o->svc)->GetDefaultParams(o->svc, &ext);
	fill_params(&ext, params);
	if ((*o->svc)->InitializeExt(o->svc, &ext)) {
		err = pf_reason_set(why, -ENODEV, "openh264 refuses %ux%u at %u kbit/s",
			params->width, params->height, params->bitrate_kbps);
		goto fail;
	}
	o->ready = true;
	if ((*o->svc)->SetOption(o->svc, ENCODER_OPTION_DATAFORMAT, &format)) {
		err = pf_reason_set(why, -ENODEV, "openh264 refuses I420 pictures");
		goto fail;
	}
	*out = &o->base;
	return 0;
fail:
	openh264_close(&o->base);
	return err;
}

/* The library hands the access unit out in layers (parameter sets, slices). */
static int join(struct openh264_encoder *o, const SFrameBSInfo *info, struct pf_packet *out)
{
	size_t total = 0, at = 0;
	bool one_row = true;

	for (int i = 0; i < info->iLayerNum; i++) {
		const SLayerBSInfo *l = &info->sLayerInfo[i];

		if (l->pBsBuf != info->sLayerInfo[0].pBsBuf + total)
			one_row = false;
		for (int n = 0; n < l->iNalCount; n++)
			total += (size_t)l->pNalLengthInByte[n];
	}
	out->size = total;
	out->data = info->iLayerNum ? info->sLayerInfo[0].pBsBuf : NULL;
	if (one_row)
		return 0;
	if (total > o->joined_cap) {
		uint8_t *grown = realloc(o->joined, total * 2);

		if (!grown)
			return -ENOMEM;
		o->joined = grown;
		o->joined_cap = total * 2;
	}
	for (int i = 0; i < info->iLayerNum; i++) {
		const SLayerBSInfo *l = &info->sLayerInfo[i];
		size_t bytes = 0;

		for (int n = 0; n < l->iNalCount; n++)
			bytes += (size_t)l->pNalLengthInByte[n];
		memcpy(o->joined + at, l->pBsBuf, bytes);
		at += bytes;
	}
	out->data = o->joined;
	return 0;
}

static int openh264_encode(
	struct pf_encoder *enc, const struct pf_frame *in, uint32_t flags, struct pf_packet *out)
{
	struct openh264_encoder *o = (struct openh264_encoder *)enc;
	uint64_t begin = pf_clock_mono_ns(), converted;
	struct pf_packet packet = { 0 };
	SFrameBSInfo info = { 0 };
	SSourcePicture pic = { .iColorFormat = videoFormatI420,
		.iPicWidth = (int)o->params.width,
		.iPicHeight = (int)o->params.height };
	int err;

	if (flags & PF_ENCODE_IDR)
		pf_picture_forget(&o->picture);
	err = pf_picture_update(&o->picture, in);
	if (err)
		return err;
	converted = pf_clock_mono_ns();
	for (int i = 0; i < 3; i++) {
		pic.pData[i] = o->picture.planes[i];
		pic.iStride[i] = (int)o->picture.strides[i];
	}
	pic.uiTimeStamp = (long long)(o->count * 1000000 / o->params.fps_mhz);
	if (flags & PF_ENCODE_IDR)
		(*o->svc)->ForceIntraFrame(o->svc, true);
	if ((*o->svc)->EncodeFrame(o->svc, &pic, &info))
		return -EIO;
	o->count++;
	err = join(o, &info, &packet);
	if (err)
		return err;
	packet.idr = info.eFrameType == videoFrameTypeIDR;
	packet.convert_ns = converted - begin;
	packet.encode_ns = pf_clock_mono_ns() - converted;
	*out = packet;
	return 0;
}

static int openh264_set_bitrate(struct pf_encoder *enc, uint32_t kbps)
{
	struct openh264_encoder *o = (struct openh264_encoder *)enc;
	SBitrateInfo info = { .iLayer = SPATIAL_LAYER_ALL, .iBitrate = to_bps(kbps) };

	return (*o->svc)->SetOption(o->svc, ENCODER_OPTION_BITRATE, &info) ? -EIO : 0;
}

const struct pf_encoder_ops openh264_encoder_ops = {
	.name = "openh264",
	.codecs = PF_CODEC_H264,
	.memory = PF_MEM_CPU,
	.open = openh264_open,
	.close = openh264_close,
	.encode = openh264_encode,
	.set_bitrate = openh264_set_bitrate,
};
