namespace Crm.Projections;

/// <summary>Where a part of the middle of sorted durations stands: in which bucket, and how far in.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="FromTheTop">Whether the offset counts from the bucket's longest duration.</param>
/// <param name="Offset">How many durations of the bucket come before.</param>
/// <param name="Limit">How many durations belong to the middle: one or two.</param>
internal readonly record struct MedianSlice(short Bucket, bool FromTheTop, long Offset, long Limit)
{
    /// <summary>Where the one or two middle values stand: in which bucket, how far in.</summary>
    public static IReadOnlyList<MedianSlice> Middle(IEnumerable<Sum> sums)
    {
        var buckets = sums.GroupBy(sum => sum.Bucket).Select(group => (Bucket: group.Key, Count: group.Sum(sum => sum.Count)))
            .OrderBy(bucket => bucket.Bucket).ToList();
        var all = buckets.Sum(bucket => bucket.Count);
        var slices = new List<MedianSlice>(2);
        if (all <= 0)
        {
            return slices;
        }

        var (lower, upper) = ((all - 1) / 2, all / 2);
        var before = 0L;
        foreach (var (bucket, count) in buckets)
        {
            var first = Math.Max(lower, before) - before;
            var last = Math.Min(upper, before + count - 1) - before;
            if (first <= last)
            {
                // From whichever end of the bucket is nearer.
                var fromTheTop = first > count / 2;
                slices.Add(new MedianSlice(bucket, fromTheTop, fromTheTop ? count - 1 - last : first, last - first + 1));
            }

            before += count;
        }

        return slices;
    }
}
