-- Histograms per group: block.name, or span.label or block.provider put in its place. :spans is a
-- JSON array of [label, width_s, from_s, to_s, sign]; LIMIT -1 keeps SQLite from parsing it for every row.
WITH span(label, width_s, from_s, to_s, sign) AS (
  SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]'), json_extract(value, '$[4]')
  FROM json_each(:spans)
  LIMIT -1
)
SELECT block.name, bin_ms, sum(sign * calls)
FROM span CROSS JOIN latency_tracking AS block
WHERE block.dimension = :dimension AND block.width_s = span.width_s
  AND block.start_s >= span.from_s AND block.start_s < span.to_s
GROUP BY bin_ms, block.name
HAVING sum(sign * calls) > 0
