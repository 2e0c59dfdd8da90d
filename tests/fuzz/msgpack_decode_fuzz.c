/* Any bytes: what the MessagePack codec accepts, msgpack-c reads to the last byte; it takes no more memory than the
 * bytes are worth; and what is written afterwards is no longer and reads back as the same. */
#include "fuzz.h"
#include <msgpack.h>
#include <msp_codec_msgpack.h>
#include <string.h>

/* What msgpack-c goes down, without the array or map at its bottom. */
#define MAX_DEPTH 31
/* A member of an object, for a name and a value of a byte each; and the first block of an arena. */
#define BYTES_PER_BYTE (sizeof(struct msp_member) / 2 + MSP_ARENA_ALIGNMENT)
#define FIRST_BLOCK    4096

struct fixture {
	struct msp_codec *codec;
	struct msp_arena arena;
	struct msp_buffer buffer;
};

static void fixture_init(struct fixture *fixture)
{
	struct msp_codec_config config = {.max_depth = MAX_DEPTH};
	msp_arena_init(&fixture->arena, SIZE_MAX);
	msp_buffer_init(&fixture->buffer, SIZE_MAX);
	must(msp_codec_msgpack.open(&config, &fixture->codec, NULL) == MSP_OK, "the codec opens");
}

static void fixture_done(struct fixture *fixture)
{
	msp_codec_msgpack.free(fixture->codec);
	msp_buffer_done(&fixture->buffer);
	msp_arena_done(&fixture->arena);
}

static bool library_reads(struct msp_bytes bytes)
{
	msgpack_unpacked unpacked;
	size_t offset = 0;
	msgpack_unpacked_init(&unpacked);
	bool read = msgpack_unpack_next(&unpacked, bytes.data, bytes.size, &offset) == MSGPACK_UNPACK_SUCCESS;
	msgpack_unpacked_destroy(&unpacked);
	return read && offset == bytes.size;
}

static void check_refused(const struct msp_error *err)
{
	must(strlen(err->text) > 0 && !strpbrk(err->text, "\r\n"), "a refusal is one sentence");
	must(err->status == MSP_E_INVALID || err->status == MSP_E_LIMIT, "a refusal is invalid or limit");
}

static void check_accepted(struct fixture *fixture, struct msp_value value, struct msp_bytes bytes)
{
	struct msp_value again;
	must(library_reads(bytes), "what is accepted, msgpack-c reads");
	must(msp_codec_msgpack.encode(fixture->codec, &value, &fixture->buffer, NULL, NULL) == MSP_OK,
	     "what was read is written");
	struct msp_bytes written = msp_buffer_bytes(&fixture->buffer);
	must(written.size <= bytes.size, "what is written is the shortest form");
	must(msp_codec_msgpack.decode(fixture->codec, written, MSP_NO_HEADERS, &fixture->arena, &again, NULL) == MSP_OK,
	     "what was written is read");
	must(msp_value_equal(&value, &again), "what was written reads as the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture fixture;
	struct msp_bytes bytes = msp_bytes_of(data ? (const void *)data : "", size);
	struct msp_value value;
	struct msp_error err;
	fixture_init(&fixture);
	enum msp_status status =
	    msp_codec_msgpack.decode(fixture.codec, bytes, MSP_NO_HEADERS, &fixture.arena, &value, &err);
	must(msp_arena_used(&fixture.arena) <= FIRST_BLOCK + 2 * BYTES_PER_BYTE * size, "memory is linear in the bytes");
	if (status == MSP_OK)
		check_accepted(&fixture, value, bytes);
	else
		check_refused(&err);
	fixture_done(&fixture);
	return 0;
}
