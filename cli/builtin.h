/* What this build of msp has: the one place that names transports and codecs. */
#ifndef CLI_BUILTIN_H
#define CLI_BUILTIN_H

#include <msp/codec.h>
#include <msp/transport.h>

/* NULL-terminated. */
extern const struct msp_transport_ops *const builtin_transports[];
extern const struct msp_codec_ops *const builtin_codecs[];

/* The transport for a broker URL ("sqlite:…", "kafka://…", bare "host:9092"); schemes have no case (RFC 3986, 3.1).
 * MSP_E_UNSUPPORTED names the scheme and those that there are. */
enum msp_status builtin_transport_find(const char *url, const struct msp_transport_ops **ret_ops,
                                       struct msp_error *err) MSP_NODISCARD;
/* A broker URL that this build takes, for advice. */
const char *builtin_example(void);
/* By name; MSP_E_INVALID names those that there are. */
enum msp_status builtin_codec_find(const char *name, const struct msp_codec_ops **ret_ops,
                                   struct msp_error *err) MSP_NODISCARD;
/* The codec that writes JSON, for -J and for schemas. MSP_E_UNSUPPORTED when the build has none. */
enum msp_status builtin_json(const struct msp_codec_ops **ret_ops, struct msp_error *err) MSP_NODISCARD;

#endif
