#include "settle_script.h"

/* KEYS: inputs, outputs, errors. ARGV: group, then runs of messages whose results are alike: the number of their
 * topic's key, how many fields a result has, how many messages there are, the names of the fields; then for each
 * message its id and the values of its result.
 *
 * XACK is the token: it answers 1 to the first who settles an entry and to nobody else, so a result whose entry was
 * settled before is taken back. In this order, because an XACK whose XADD then fails would lose the entry, and because
 * a script that begins with XACK may write past maxmemory. Nobody sees a result that is taken back: scripts are atomic.
 *
 * Answers 1 when the group is gone, otherwise 0; then for each message that was not published its number and why: ""
 * it was settled before, "-" its topic is missing, otherwise the server's error. */
const char redis_settle_script[] =
    "local call, argv = redis.pcall, ARGV "
    "local inputs, group, topics = KEYS[1], argv[1], {['2'] = KEYS[2], ['3'] = KEYS[3]} "
    "local answer, is_settled = {0}, false "
    "local i, n, last = 2, 0, #argv "
    "while i <= last do "
    "  local key, fields, messages = topics[argv[i]], tonumber(argv[i + 1]), tonumber(argv[i + 2]) "
    "  local name, words = argv[i + 3], {} "
    "  for f = 1, fields do words[2 * f - 1] = argv[i + 2 + f] end "
    "  i = i + 3 + fields "
    "  for m = 1, messages do "
    "    local added, result "
    "    if fields == 1 then "
    "      added = call('XADD', key, 'NOMKSTREAM', '*', name, argv[i + 1]) "
    "    else "
    "      for f = 1, fields do words[2 * f] = argv[i + f] end "
    "      added = call('XADD', key, 'NOMKSTREAM', '*', unpack(words, 1, 2 * fields)) "
    "    end "
    "    if not added then result = '-' "
    "    elseif type(added) == 'table' then result = added.err "
    "    else "
    "      local acked = call('XACK', inputs, group, argv[i]) "
    "      if acked ~= 1 then "
    "        call('XDEL', key, added) "
    "        result = type(acked) == 'table' and acked.err or '' "
    "        is_settled = true "
    "      end "
    "    end "
    "    if result then answer[#answer + 1] = n answer[#answer + 1] = result end "
    "    i, n = i + 1 + fields, n + 1 "
    "  end "
    "end "
    "if is_settled then "
    "  local pending = call('XPENDING', inputs, group) "
    "  if pending.err and pending.err:find('NOGROUP') then answer[1] = 1 end "
    "end "
    "return answer";

#define MESSAGES_MAX ((size_t)1000) /* of a batch in one call */

#define HEAD_WORDS 7 /* EVALSHA, its name, the number of keys, keys, group */
#define RUN_WORDS  3

/* Pending messages from `begin` on, before `end`, whose results are alike; what is between them is settled. */
struct run {
	size_t begin, end, count;
};

size_t redis_script_end(size_t count, size_t begin)
{
	return count - begin < MESSAGES_MAX ? count : begin + MESSAGES_MAX;
}

static bool is_pending(const struct redis_results *results, size_t i)
{
	return results->outgoing[i].state == MSP_OUTGOING_PENDING;
}

/* The next run; its count is 0 when there is none. */
static struct run run_next(const struct redis_results *results, size_t from, size_t end)
{
	while (from < end && !is_pending(results, from))
		from++;
	struct run run = {.begin = from, .end = from};
	const struct msp_outgoing *first = &results->outgoing[from];
	for (; run.end < end; run.end++) {
		const struct msp_outgoing *outgoing = &results->outgoing[run.end];
		if (!is_pending(results, run.end))
			continue;
		if (outgoing->route != first->route || !redis_entry_is_alike(&outgoing->message, &first->message))
			break;
		run.count++;
	}
	return run;
}

static void run_put(const struct redis_results *results, struct redis_output *out, const struct run *run)
{
	static const char *const KEY_NUMBERS[] = {[MSP_ROUTE_OUTPUTS] = "2", [MSP_ROUTE_ERRORS] = "3"};
	const struct msp_outgoing *first = &results->outgoing[run->begin];
	redis_put_string(out, KEY_NUMBERS[first->route]);
	redis_put_integer(out, (int64_t)redis_entry_fields(&first->message));
	redis_put_integer(out, (int64_t)run->count);
	redis_entry_put(out, &first->message, REDIS_ENTRY_NAMES);
	for (size_t i = run->begin; i < run->end; i++) {
		if (!is_pending(results, i))
			continue;
		redis_put_string(out, results->messages[i].id);
		redis_entry_put(out, &results->outgoing[i].message, REDIS_ENTRY_VALUES);
	}
}

bool redis_script_put(const struct redis_results *results, struct redis_session *session, const char *script,
                      size_t begin)
{
	struct redis_output *out = &session->writes.out;
	size_t words = 0, end = redis_script_end(results->count, begin);
	struct run run;
	for (size_t from = begin; (run = run_next(results, from, end)).count > 0; from = run.end) {
		size_t fields = redis_entry_fields(&results->outgoing[run.begin].message);
		words += RUN_WORDS + fields + run.count * (1 + fields);
	}
	if (words == 0)
		return false;
	redis_put_array(out, HEAD_WORDS + words);
	redis_put_string(out, "EVALSHA");
	redis_put_string(out, script);
	redis_put_string(out, "3");
	redis_put_string(out, session->inputs);
	redis_put_string(out, session->outputs ? session->outputs : "");
	redis_put_string(out, session->errors ? session->errors : "");
	redis_put_string(out, session->group);
	for (size_t from = begin; (run = run_next(results, from, end)).count > 0; from = run.end)
		run_put(results, out, &run);
	return true;
}
