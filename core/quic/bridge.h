/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bridge.h - one source for ngtcp2 0.12 (Debian 12) to 1.x.
 *
 * Only what differs between the two; private to core/quic. */
#pragma once
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <string.h>

#if NGTCP2_VERSION_NUM >= 0x010000

#define pf_ng_ccerr			      ngtcp2_ccerr
#define pf_ng_ccerr_set_liberr		      ngtcp2_ccerr_set_liberr
#define pf_ng_ccerr_set_tls_alert	      ngtcp2_ccerr_set_tls_alert
#define pf_ng_ccerr_set_application	      ngtcp2_ccerr_set_application_error
#define PF_NG_CCERR_APPLICATION		      NGTCP2_CCERR_TYPE_APPLICATION
#define pf_ng_in_draining		      ngtcp2_conn_in_draining_period
#define pf_ng_in_closing		      ngtcp2_conn_in_closing_period
#define pf_ng_shutdown_stream(conn, id, code) ngtcp2_conn_shutdown_stream(conn, 0, id, code)

static inline void pf_ng_get_ccerr(ngtcp2_conn *conn, pf_ng_ccerr *out)
{
	*out = *ngtcp2_conn_get_ccerr(conn);
}

static inline const uint8_t *pf_ng_hd_token(const ngtcp2_pkt_hd *hd, size_t *len)
{
	*len = hd->tokenlen;
	return hd->token;
}

static inline void pf_ng_settings_token(ngtcp2_settings *s, const uint8_t *token, size_t len)
{
	s->token = token;
	s->tokenlen = len;
}

#else

#define pf_ng_ccerr		    ngtcp2_connection_close_error
#define pf_ng_ccerr_set_liberr	    ngtcp2_connection_close_error_set_transport_error_liberr
#define pf_ng_ccerr_set_tls_alert   ngtcp2_connection_close_error_set_transport_error_tls_alert
#define pf_ng_ccerr_set_application ngtcp2_connection_close_error_set_application_error
#define PF_NG_CCERR_APPLICATION	    NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION
#define pf_ng_in_draining	    ngtcp2_conn_is_in_draining_period
#define pf_ng_in_closing	    ngtcp2_conn_is_in_closing_period
#define pf_ng_shutdown_stream	    ngtcp2_conn_shutdown_stream

static inline void pf_ng_get_ccerr(ngtcp2_conn *conn, pf_ng_ccerr *out)
{
	ngtcp2_conn_get_connection_close_error(conn, out);
}

static inline const uint8_t *pf_ng_hd_token(const ngtcp2_pkt_hd *hd, size_t *len)
{
	*len = hd->token.len;
	return hd->token.base;
}

static inline void pf_ng_settings_token(ngtcp2_settings *s, const uint8_t *token, size_t len)
{
	s->token.base = (uint8_t *)token;
	s->token.len = len;
}

#endif

/* Smoothed; 0 = not measured yet. */
static inline uint64_t pf_ng_rtt_ns(ngtcp2_conn *ng)
{
#if NGTCP2_VERSION_NUM >= 0x010000
	ngtcp2_conn_info info;

	ngtcp2_conn_get_conn_info(ng, &info);
#else
	ngtcp2_conn_stat info;

	ngtcp2_conn_get_conn_stat(ng, &info);
#endif
	return info.latest_rtt ? info.smoothed_rtt : 0;
}

/* Server: names the ID of the client's first packet in its parameters. */
static inline void pf_ng_params_original_dcid(ngtcp2_transport_params *p, const ngtcp2_cid *cid)
{
	p->original_dcid = *cid;
#if NGTCP2_VERSION_NUM >= 0x010000
	p->original_dcid_present = 1;
#endif
}
