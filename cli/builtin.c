#include "builtin.h"

#include "builtin_list.h"

#include <stdio.h>
#include <strings.h>

#define TRANSPORT_DECLARE(name) extern const struct msp_transport_ops msp_transport_##name;
#define TRANSPORT_ADDRESS(name) &msp_transport_##name,
#define CODEC_DECLARE(name)     extern const struct msp_codec_ops msp_codec_##name;
#define CODEC_ADDRESS(name)     &msp_codec_##name,

BUILTIN_TRANSPORTS(TRANSPORT_DECLARE)
BUILTIN_CODECS(CODEC_DECLARE)

const struct msp_transport_ops *const builtin_transports[] = {BUILTIN_TRANSPORTS(TRANSPORT_ADDRESS) NULL};
const struct msp_codec_ops *const builtin_codecs[] = {BUILTIN_CODECS(CODEC_ADDRESS) NULL};

/* What a URL without a known scheme means: a list of Kafka hosts. */
static const char bare_scheme[] = "kafka";

static const struct msp_transport_ops *transport_of(const char *scheme, size_t size)
{
	for (const struct msp_transport_ops *const *transport = builtin_transports; *transport; transport++)
		for (const char *const *name = (*transport)->schemes; *name; name++)
			if (strlen(*name) == size && !strncasecmp(*name, scheme, size))
				return *transport;
	return NULL;
}

static void schemes_list(char *text, size_t size)
{
	size_t end = 0;
	*text = 0;
	for (const struct msp_transport_ops *const *transport = builtin_transports; *transport; transport++)
		for (const char *const *name = (*transport)->schemes; *name && end < size; name++)
			end += (size_t)snprintf(text + end, size - end, "%s%s", end ? ", " : "", *name);
}

const char *builtin_example(void)
{
	static const char *const examples[] = {"sqlite:msp.db", "kafka://localhost:9092", "redis://localhost:6379"};
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		if (transport_of(examples[i], strcspn(examples[i], ":")))
			return examples[i];
	return "URL";
}

/* "msp.db", "./msp", "data/msp.sqlite": nobody calls hosts so. */
static bool looks_like_file(const char *url)
{
	static const char *const ends[] = {".db", ".sqlite", ".sqlite3"};
	size_t size = strlen(url);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (size > strlen(ends[i]) && !strcmp(url + size - strlen(ends[i]), ends[i]))
			return true;
	return strchr(url, '/') != NULL;
}

static enum msp_status transport_refuse(const char *scheme, size_t size, struct msp_error *err)
{
	char schemes[128];
	schemes_list(schemes, sizeof(schemes));
	return msp_error_set(err, MSP_E_UNSUPPORTED, "this build of msp has no transport for %.*s://; it has: %s, as in %s",
	                     (int)size, scheme, *schemes ? schemes : "none", builtin_example());
}

enum msp_status builtin_transport_find(const char *url, const struct msp_transport_ops **ret_ops, struct msp_error *err)
{
	size_t size = strcspn(url, ":/");
	*ret_ops = url[size] == ':' ? transport_of(url, size) : NULL;
	if (*ret_ops)
		return MSP_OK;
	if (!strncmp(url + size, "://", 3))
		return transport_refuse(url, size, err);
	if (!strchr(url, ':') && looks_like_file(url) && transport_of("sqlite", strlen("sqlite")))
		return msp_error_set(err, MSP_E_INVALID, "\"%s\" is no URL of a broker; did you mean sqlite:%s?", url, url);
	*ret_ops = transport_of(bare_scheme, sizeof(bare_scheme) - 1);
	return *ret_ops ? MSP_OK : transport_refuse(bare_scheme, sizeof(bare_scheme) - 1, err);
}

enum msp_status builtin_codec_find(const char *name, const struct msp_codec_ops **ret_ops, struct msp_error *err)
{
	char names[128] = "none";
	size_t end = 0;
	for (const struct msp_codec_ops *const *codec = builtin_codecs; *codec && end < sizeof(names); codec++) {
		if (!strcmp((*codec)->name, name)) {
			*ret_ops = *codec;
			return MSP_OK;
		}
		end += (size_t)snprintf(names + end, sizeof(names) - end, "%s%s", end ? ", " : "", (*codec)->name);
	}
	return msp_error_set(err, MSP_E_INVALID, "this build of msp has no codec \"%s\"; it has: %s", name, names);
}

enum msp_status builtin_json(const struct msp_codec_ops **ret_ops, struct msp_error *err)
{
	for (const struct msp_codec_ops *const *codec = builtin_codecs; *codec; codec++)
		if (!strcmp((*codec)->content_type, "application/json")) {
			*ret_ops = *codec;
			return MSP_OK;
		}
	return msp_error_set(err, MSP_E_UNSUPPORTED, "this build of msp has no JSON codec, which this needs");
}
