-- Quotas: whether there is room for a new record.
local quota = {}

-- Return why a new member of an index is refused, as a script's answer; nil if there is room. `most` 0: no limit.
function quota.refusal(index, most)
  if call('GET', key.memory_level) == 'full' then return {'no_memory'} end
  if most > 0 and call('ZCARD', index) >= most then return {'too_many'} end
end
