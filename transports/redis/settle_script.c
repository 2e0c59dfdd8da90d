#include "settle.h"

/* KEYS: inputs, outputs, errors. ARGV: group, then for each message its id, the number of its topic's key, how many
 * words follow, and those: the fields of the result.
 *
 * XACK is the token: it answers 1 to the first who settles an entry and to nobody else, so a result whose entry was
 * settled before is taken back. In this order, because an XACK whose XADD then fails would lose the entry, and because
 * a script that begins with XACK may write past maxmemory. Nobody sees a result that is taken back: scripts are atomic.
 *
 * Answers 1 when the group is gone, otherwise 0; then for each message that was not published its number and why: ""
 * it was settled before, "-" its topic is missing, otherwise the server's error. */
const char rds_settle_script[] = "local call, argv = redis.pcall, ARGV "
                                 "local inputs, group, topics = KEYS[1], argv[1], {['2'] = KEYS[2], ['3'] = KEYS[3]} "
                                 "local answer, elsewhere = {0}, false "
                                 "local i, n, last = 2, 0, #argv "
                                 "while i <= last do "
                                 "  local id, key, words = argv[i], topics[argv[i + 1]], argv[i + 2] "
                                 "  local added "
                                 "  i = i + 3 "
                                 "  if words == '2' then "
                                 "    added = call('XADD', key, 'NOMKSTREAM', '*', argv[i], argv[i + 1]) "
                                 "    i = i + 2 "
                                 "  else "
                                 "    words = tonumber(words) "
                                 "    added = call('XADD', key, 'NOMKSTREAM', '*', unpack(argv, i, i + words - 1)) "
                                 "    i = i + words "
                                 "  end "
                                 "  local verdict "
                                 "  if not added then verdict = '-' "
                                 "  elseif type(added) == 'table' then verdict = added.err "
                                 "  else "
                                 "    local acked = call('XACK', inputs, group, id) "
                                 "    if acked ~= 1 then "
                                 "      call('XDEL', key, added) "
                                 "      verdict = type(acked) == 'table' and acked.err or '' "
                                 "      elsewhere = true "
                                 "    end "
                                 "  end "
                                 "  if verdict then answer[#answer + 1] = n answer[#answer + 1] = verdict end "
                                 "  n = n + 1 "
                                 "end "
                                 "if elsewhere then "
                                 "  local pending = call('XPENDING', inputs, group) "
                                 "  if pending.err and pending.err:find('NOGROUP') then answer[1] = 1 end "
                                 "end "
                                 "return answer";
