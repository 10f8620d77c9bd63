using Npgsql;

namespace Crm.Projections;

/// <summary>How far a read model is, asked on the way to its rows: before them in one batch, so that they are at least as new.</summary>
internal static class Reached
{
    /// <summary>The statement that answers the position; no row before the read model's first build.</summary>
    public static NpgsqlBatchCommand By(string projection) => new("select position from crm.projections where name = $1")
    {
        Parameters = { new NpgsqlParameter<string> { TypedValue = projection } },
    };
}
