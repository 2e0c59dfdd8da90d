/* Decodes with one codec what comes from stdin and encodes it with another: README.md tells the frames.
 * usage: transcode json|msgpack json|msgpack */
#include <msp_codec_json.h>
#include <msp_codec_msgpack.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_MESSAGE ((size_t)1 << 26)
#define REFUSED     UINT32_MAX

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "transcode: %s\n", what);
	exit(2);
}

static struct msp_codec *codec_open(const char *name)
{
	const struct msp_codec_config config = {.max_depth = 64};
	struct msp_codec *codec;
	const struct msp_codec_ops *ops = strcmp(name, "json") == 0 ? &msp_codec_json : &msp_codec_msgpack;
	must(strcmp(ops->name, name) == 0, "the codecs are json and msgpack");
	must(ops->open(&config, &codec, NULL) == MSP_OK, "no memory");
	return codec;
}

static bool size_read(uint32_t *ret_size)
{
	unsigned char bytes[4];
	if (fread(bytes, 1, sizeof(bytes), stdin) != sizeof(bytes))
		return false;
	*ret_size = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	return true;
}

static void size_write(uint32_t size)
{
	const unsigned char bytes[] = {(unsigned char)(size >> 24), (unsigned char)(size >> 16), (unsigned char)(size >> 8),
	                               (unsigned char)size};
	fwrite(bytes, 1, sizeof(bytes), stdout);
}

static void message_write(struct msp_bytes message)
{
	size_write((uint32_t)message.size);
	fwrite(message.data, 1, message.size, stdout);
}

static void message_transcode(struct msp_codec *from, struct msp_codec *to, struct msp_bytes message)
{
	struct msp_arena arena;
	struct msp_buffer buffer;
	struct msp_value value;
	struct msp_error err;
	msp_arena_init(&arena, SIZE_MAX);
	msp_buffer_init(&buffer, SIZE_MAX);
	enum msp_status status = msp_codec_decode(from, message, MSP_NO_HEADERS, &arena, &value, &err);
	if (status == MSP_OK)
		status = msp_codec_encode(to, &value, &buffer, NULL, &err);
	if (status != MSP_OK)
		size_write(REFUSED);
	message_write(status == MSP_OK ? msp_buffer_bytes(&buffer) : msp_bytes_of_string(err.text));
	msp_buffer_done(&buffer);
	msp_arena_done(&arena);
}

int main(int argc, char **argv)
{
	must(argc == 3, "usage: transcode json|msgpack json|msgpack");
	struct msp_codec *from = codec_open(argv[1]), *to = codec_open(argv[2]);
	uint32_t size;
	while (size_read(&size)) {
		char *message = size <= MAX_MESSAGE ? malloc(size + 1) : NULL;
		must(message && fread(message, 1, size, stdin) == size, "a message is missing");
		message_transcode(from, to, msp_bytes_of(message, size));
		free(message);
	}
	msp_codec_free(from);
	msp_codec_free(to);
	must(fflush(stdout) == 0, "stdout is gone");
	return 0;
}
