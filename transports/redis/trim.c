#include "trim.h"
#include <stdio.h>

/* KEYS: topic, a key by which the processes take turns. ARGV: ms between two turns, max messages or 0, max age in ms
 * or 0, 1: everything that is settled.
 *
 * `safe` is the first id that some group has not settled: its oldest pending one, otherwise the one after the last it
 * was delivered. Each wish names an id up to which it would delete; the farthest of them counts, but never past `safe`.
 * A turn looks at no more than 1000 entries to find the id of a count.
 *
 * Ids stay text, because Lua's numbers are doubles and both halves of an id have 64 bits. The server writes them
 * without leading zeros, so of two halves the longer is the greater. */
static const char TRIM[] =
    "if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return 0 end "
    "local function parts(id) return string.match(id, '(%d+)-(%d+)') end "
    "local function lower(a, b) return #a < #b or (#a == #b and a < b) end "
    "local function less(a, b) local am, an = parts(a) local bm, bn = parts(b) "
    "  return lower(am, bm) or (am == bm and lower(an, bn)) end "
    "local function plus(half) local head, nines = string.match(half, '^(%d-)(9*)$') "
    "  if head == '' then head = '0' end "
    "  return head:sub(1, -2) .. (head:byte(-1) - 47) .. string.rep('0', #nines) end "
    "local function after(id) local ms, n = parts(id) "
    "  if n ~= '18446744073709551615' then return ms .. '-' .. plus(n) end "
    "  return ms == n and id or plus(ms) .. '-0' end "
    "local groups = redis.call('XINFO', 'GROUPS', KEYS[1]) "
    "local safe "
    "for _, group in ipairs(groups) do "
    "  local f = {} for i = 1, #group, 2 do f[group[i]] = group[i + 1] end "
    "  local pending = redis.call('XPENDING', KEYS[1], f.name) "
    "  local first = pending[1] > 0 and pending[2] or after(f['last-delivered-id']) "
    "  if not safe or less(first, safe) then safe = first end "
    "end "
    "if not safe then return 0 end "
    "local upto "
    "local function wish(id) if not upto or less(upto, id) then upto = id end end "
    "local excess = redis.call('XLEN', KEYS[1]) - tonumber(ARGV[2]) "
    "if tonumber(ARGV[2]) > 0 and excess > 0 then "
    "  local old = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', math.min(excess, 1000) + 1) "
    "  wish(old[#old][1]) "
    "end "
    "if tonumber(ARGV[3]) > 0 then " /* a time of day, which a double holds */
    "  wish(string.format('%.0f-0', math.max(redis.call('TIME')[1] * 1000 - tonumber(ARGV[3]), 0))) "
    "end "
    "if ARGV[4] == '1' then wish(safe) end "
    "if not upto then return 0 end "
    "if less(safe, upto) then upto = safe end "
    "return redis.call('XTRIM', KEYS[1], 'MINID', upto)";

bool redis_trim_is_wanted(const struct redis_options *options)
{
	return options->trim_max_messages > 0 || options->trim_max_age_ms > 0 || options->trim_settled;
}

void redis_trim_put(struct redis_output *out, const struct redis_options *options, const char *topic)
{
	redis_put_array(out, 9);
	redis_put_string(out, "EVAL");
	redis_put_string(out, TRIM);
	redis_put_string(out, "2");
	redis_put_string(out, topic);
	redis_put_joined(out, msp_bytes_of_string(topic), MSP_BYTES_LITERAL(".trimmed"));
	redis_put_integer(out, REDIS_TRIM_EVERY_MS / 2);
	redis_put_integer(out, options->trim_max_messages);
	redis_put_integer(out, options->trim_max_age_ms);
	redis_put_string(out, options->trim_settled ? "1" : "0");
}
