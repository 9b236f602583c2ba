"""The rules once more, written as slowly and as literally as possible; shares no code with the
package.
"""

import math


def slow_distance(a, b, distance):
    dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
    if distance == "cosine":
        lengths = math.sqrt(math.fsum(x * x for x in a)) * math.sqrt(math.fsum(y * y for y in b))
        return 1 - dot / lengths if lengths else 1.0
    squared = math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    return squared if distance == "squared_euclidean" else math.sqrt(squared)


def slow_query(distances, matches, junk):
    """Metrics of one query: `matches` and `junk` are sets of gallery positions."""
    order = sorted((j for j in range(len(distances)) if j not in junk), key=lambda j: (distances[j], j))
    hits = [j in matches for j in order]
    if not any(hits):
        return None
    ap = trapezoid = 0.0
    old_recall, old_precision, found = 0.0, 1.0, 0
    for rank, hit in enumerate(hits, 1):
        found += hit
        precision, recall = found / rank, found / sum(hits)
        if hit:
            ap += precision / sum(hits)
        trapezoid += (recall - old_recall) * (old_precision + precision) / 2
        old_recall, old_precision = recall, precision
    last = max(rank for rank, hit in enumerate(hits, 1) if hit)
    return {
        "AP": ap,
        "AP_trapezoid": trapezoid,
        "INP": sum(hits) / last,
        "first": hits.index(True) + 1,
        "matches": sum(hits),
    }


def slow_evaluate(distances, query_ids, gallery_ids, is_junk):
    """Mean metrics over the valid queries; `is_junk(i, j)` for query i and gallery image j."""
    found = []
    for i, row in enumerate(distances):
        same = {j for j in range(len(row)) if gallery_ids[j] == query_ids[i]}
        junk = {j for j in same if is_junk(i, j)}
        found.append(slow_query(row, same - junk, junk))
    valid = [one for one in found if one is not None]
    if not valid:
        return None

    def mean(key):
        return math.fsum(one[key] for one in valid) / len(valid)

    return {
        "mAP": mean("AP"),
        "mAP_trapezoid": mean("AP_trapezoid"),
        "mINP": mean("INP"),
        "MRR": math.fsum(1 / one["first"] for one in valid) / len(valid),
        "cmc": [sum(one["first"] <= k for one in valid) / len(valid) for k in range(1, 51)],
        "valid_queries": len(valid),
        "queries": found,
    }
