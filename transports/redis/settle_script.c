#include "consumer.h"
#include "settle.h"

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
const char rds_settle_script[] =
    "local call, argv = redis.pcall, ARGV "
    "local inputs, group, topics = KEYS[1], argv[1], {['2'] = KEYS[2], ['3'] = KEYS[3]} "
    "local answer, elsewhere = {0}, false "
    "local i, n, last = 2, 0, #argv "
    "while i <= last do "
    "  local key, fields, messages = topics[argv[i]], tonumber(argv[i + 1]), tonumber(argv[i + 2]) "
    "  local name, words = argv[i + 3], {} "
    "  for f = 1, fields do words[2 * f - 1] = argv[i + 2 + f] end "
    "  i = i + 3 + fields "
    "  for m = 1, messages do "
    "    local added, verdict "
    "    if fields == 1 then "
    "      added = call('XADD', key, 'NOMKSTREAM', '*', name, argv[i + 1]) "
    "    else "
    "      for f = 1, fields do words[2 * f] = argv[i + f] end "
    "      added = call('XADD', key, 'NOMKSTREAM', '*', unpack(words, 1, 2 * fields)) "
    "    end "
    "    if not added then verdict = '-' "
    "    elseif type(added) == 'table' then verdict = added.err "
    "    else "
    "      local acked = call('XACK', inputs, group, argv[i]) "
    "      if acked ~= 1 then "
    "        call('XDEL', key, added) "
    "        verdict = type(acked) == 'table' and acked.err or '' "
    "        elsewhere = true "
    "      end "
    "    end "
    "    if verdict then answer[#answer + 1] = n answer[#answer + 1] = verdict end "
    "    i, n = i + 1 + fields, n + 1 "
    "  end "
    "end "
    "if elsewhere then "
    "  local pending = call('XPENDING', inputs, group) "
    "  if pending.err and pending.err:find('NOGROUP') then answer[1] = 1 end "
    "end "
    "return answer";

#define HEAD_WORDS 7 /* EVALSHA, its name, the number of keys, keys, group */
#define RUN_WORDS  3

/* Pending messages from `begin` on, before `end`, whose results are alike; what is between them is settled. */
struct run {
	size_t begin, end, count;
};

size_t rds_script_end(const struct rds_settle *settle, size_t begin)
{
	size_t count = settle->batch->base.count;
	return count - begin < RDS_SCRIPT_MESSAGES ? count : begin + RDS_SCRIPT_MESSAGES;
}

static bool is_pending(const struct rds_settle *settle, size_t i)
{
	return settle->outgoing[i].state == MSP_OUTGOING_PENDING;
}

/* The next run; its count is 0 when there is none. */
static struct run run_next(const struct rds_settle *settle, size_t from, size_t end)
{
	while (from < end && !is_pending(settle, from))
		from++;
	struct run run = {.begin = from, .end = from};
	const struct msp_outgoing *first = &settle->outgoing[from];
	for (; run.end < end; run.end++) {
		const struct msp_outgoing *outgoing = &settle->outgoing[run.end];
		if (!is_pending(settle, run.end))
			continue;
		if (outgoing->route != first->route || !rds_entry_is_alike(&outgoing->message, &first->message))
			break;
		run.count++;
	}
	return run;
}

static void run_put(struct rds_consumer *consumer, const struct run *run)
{
	static const char *const KEY_NUMBERS[] = {[MSP_ROUTE_OUTPUTS] = "2", [MSP_ROUTE_ERRORS] = "3"};
	const struct rds_settle *settle = &consumer->settle;
	const struct msp_outgoing *first = &settle->outgoing[run->begin];
	struct rds_link *link = &consumer->writes;
	rds_put_string(link, KEY_NUMBERS[first->route]);
	rds_put_integer(link, (int64_t)rds_entry_fields(&first->message));
	rds_put_integer(link, (int64_t)run->count);
	rds_entry_put(link, &first->message, RDS_ENTRY_NAMES);
	for (size_t i = run->begin; i < run->end; i++) {
		if (!is_pending(settle, i))
			continue;
		rds_put_string(link, settle->batch->base.messages[i].id);
		rds_entry_put(link, &settle->outgoing[i].message, RDS_ENTRY_VALUES);
	}
}

bool rds_script_put(struct rds_consumer *consumer, size_t begin)
{
	const struct rds_settle *settle = &consumer->settle;
	struct rds_link *link = &consumer->writes;
	size_t words = 0, end = rds_script_end(settle, begin);
	struct run run;
	for (size_t from = begin; (run = run_next(settle, from, end)).count > 0; from = run.end) {
		size_t fields = rds_entry_fields(&settle->outgoing[run.begin].message);
		words += RUN_WORDS + fields + run.count * (1 + fields);
	}
	if (words == 0)
		return false;
	rds_put_array(link, HEAD_WORDS + words);
	rds_put_string(link, "EVALSHA");
	rds_put_string(link, settle->script);
	rds_put_string(link, "3");
	rds_put_string(link, consumer->inputs);
	rds_put_string(link, consumer->outputs ? consumer->outputs : "");
	rds_put_string(link, consumer->errors ? consumer->errors : "");
	rds_put_string(link, consumer->group);
	for (size_t from = begin; (run = run_next(settle, from, end)).count > 0; from = run.end)
		run_put(consumer, &run);
	return true;
}
