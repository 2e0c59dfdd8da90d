/* Any text as the URL of a broker: it names a transport or is refused with a reason; and what is shown of it, in logs
 * and by `msp config show`, is the URL without its password. */
#include "builtin.h"
#include "config.h"
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

/* What is shown stays so when it is shown again. Secrets stand before an '@' or behind a question mark. */
static void check_any(const char *url)
{
	char *once = shown(url), *twice = shown(once);
	must(strcmp(once, twice) == 0, "what is shown stays as it is");
	must(strpbrk(url, "@?") || strcmp(once, url) == 0, "a URL without secrets is shown as it is");
	free(once);
	free(twice);
}

/* A URL whose password is this text. One with a slash behind an '@' would be another host and its path. */
static void check_password(const char *password)
{
	char *url = NULL;
	if (!*password || (strchr(password, '@') && strpbrk(password, "/?#")))
		return;
	must(asprintf(&url, "redis://user:%s@host:6379/0", password) > 0, "there is memory");
	char *text = shown(url);
	must(strcmp(text, "redis://user:********@host:6379/0") == 0, "the password is masked");
	free(text);
	free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	must(text != NULL, "there is memory");
	check_transport(text);
	check_any(text);
	check_password(text);
	free(text);
	return 0;
}
