/* Any text as the URL of a broker: it names a transport or is refused with a reason; and what is shown of it, in logs
 * and by `msp config show`, is the URL without its password. */
#include "builtin.h"
#include "config/config.h"
#include "fuzz.h"

static void check_transport(const char *url)
{
	const struct msp_transport_ops *ops = NULL;
	struct msp_error err;
	if (builtin_transport_find(url, &ops, &err) == MSP_OK)
		must(ops != NULL, "a transport is found");
	else
		must((err.status == MSP_E_UNSUPPORTED || err.status == MSP_E_INVALID) && err.text[0],
		     "a URL is refused with a reason");
}

/* The caller frees it. */
static char *shown(const char *url)
{
	struct msp_buffer buffer;
	msp_buffer_init(&buffer, SIZE_MAX);
	must(config_append_url(&buffer, url) == MSP_OK && msp_buffer_append_char(&buffer, 0) == MSP_OK, "it is shown");
	return buffer.data;
}

/* Secrets stand before an '@' or behind a question mark. */
static void check_any(const char *url)
{
	char *text = shown(url);
	must(strpbrk(url, "@?") || strcmp(text, url) == 0, "a URL without secrets is shown as it is");
	free(text);
}

static void check_shown(const char *before, const char *secret, const char *behind)
{
	char *url = NULL, *expected = NULL;
	must(asprintf(&url, "%s%s%s", before, secret, behind) > 0, "there is memory");
	must(asprintf(&expected, "%s********%s", before, behind) > 0, "there is memory");
	char *text = shown(url);
	must(strcmp(text, expected) == 0, "the secret is masked, and nothing else");
	free(text);
	free(expected);
	free(url);
}

/* The same text as a password, in both places. */
static void check_secret(const char *secret)
{
	/* A slash behind an '@' would begin the path of another host. */
	if (*secret && !(strchr(secret, '@') && strpbrk(secret, "/?#")))
		check_shown("redis://user:", secret, "@host:6379/0");
	if (*secret && !strpbrk(secret, "@&"))
		check_shown("redis://host:6379/0?password=", secret, "&x=1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	must(text != NULL, "there is memory");
	check_transport(text);
	check_any(text);
	check_secret(text);
	free(text);
	return 0;
}
