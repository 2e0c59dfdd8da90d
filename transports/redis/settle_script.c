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
const char rds_settle_script[] = "local call, keys, argv = redis.pcall, KEYS, ARGV "
                                 "local answer, elsewhere = {0}, false "
                                 "local inputs, group = keys[1], argv[1] "
                                 "local i, n, last = 2, 0, #argv "
                                 "while i <= last do "
                                 "  local key, words = keys[tonumber(argv[i + 1])], tonumber(argv[i + 2]) "
                                 "  local added "
                                 "  if words == 2 then "
                                 "    added = call('XADD', key, 'NOMKSTREAM', '*', argv[i + 3], argv[i + 4]) "
                                 "  else "
                                 "    added = call('XADD', key, 'NOMKSTREAM', '*', unpack(argv, i + 3, i + 2 + words)) "
                                 "  end "
                                 "  local verdict "
                                 "  if not added then verdict = '-' "
                                 "  elseif type(added) == 'table' then verdict = added.err "
                                 "  else "
                                 "    local acked = call('XACK', inputs, group, argv[i]) "
                                 "    if acked ~= 1 then "
                                 "      call('XDEL', key, added) "
                                 "      verdict = type(acked) == 'table' and acked.err or '' "
                                 "      elsewhere = true "
                                 "    end "
                                 "  end "
                                 "  if verdict then answer[#answer + 1] = n answer[#answer + 1] = verdict end "
                                 "  i = i + 3 + words n = n + 1 "
                                 "end "
                                 "if elsewhere then "
                                 "  local pending = call('XPENDING', inputs, group) "
                                 "  if pending.err and pending.err:find('NOGROUP') then answer[1] = 1 end "
                                 "end "
                                 "return answer";
